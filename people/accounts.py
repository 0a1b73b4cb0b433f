"""Accounts: passwords (argon2id), signing in, and the brake on guessing."""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Connection, delete, func, insert, select, update

from core.errors import Conflict, Invalid, NotFound
from people.tables import account, sign_in_attempt
from people.tokens import open_session, revoke_tokens

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 200
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's argon2id of 2023: 19 MiB, two passes; a city's sign-ins at eight o'clock fit into memory."""
NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$yq/w76KE/9WwqrSHMJN6Gw$HUSJLx5rJ6Y2wKOezI3P0UFigF+0Mk+8Fr9Cbmywans"
)
"""The hash of a password that was thrown away: an unknown login takes the time of a known one."""
_ATTEMPTS_LOCK: Final = 0x7369676E


@dataclass(frozen=True)
class Brake:
    """How many attempts to sign in may fail within a window, per login and per address."""

    most: int
    window: timedelta


def normal_login(login: str) -> str:
    """Logins are told apart without case, width or surrounding space."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def add_account(conn: Connection, login: str, password: str, *, person_id: int | None = None) -> int:
    """A new account, without any grant; returns the id. Conflict when the login or the person has one."""
    login = normal_login(login)
    if not 1 <= len(login) <= 100 or not login.isprintable():
        raise Invalid("a login has 1 to 100 printable characters")
    if conn.scalar(select(account.c.id).where(account.c.login == login)) is not None:
        raise Conflict(f"there is an account {login} already")
    if (
        person_id is not None
        and conn.scalar(select(account.c.id).where(account.c.person_id == person_id)) is not None
    ):
        raise Conflict("this person has an account already")
    values = {"login": login, "password_hash": hash_password(login, password), "person_id": person_id}
    account_id: int = conn.execute(insert(account).values(values).returning(account.c.id)).scalar_one()
    return account_id


def find_account(conn: Connection, login: str) -> int:
    """The id of the account with this login, disabled ones too."""
    found: int | None = conn.scalar(select(account.c.id).where(account.c.login == normal_login(login)))
    if found is None:
        raise NotFound(f"there is no account {login}")
    return found


def hash_password(login: str, password: str) -> str:
    """What is stored of a password; Invalid when it is too short, too long or the login."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if normal_login(password) == login:
        raise Invalid("a password must not be the login")
    return HASHER.hash(password.encode("utf-8", "surrogatepass"))


def set_password(
    conn: Connection, account_id: int, password: str, *, now: datetime, keep: int | None = None
) -> None:
    """A new password; every session and token of the account ends, except the one with id `keep`."""
    login = conn.execute(select(account.c.login).where(account.c.id == account_id)).scalar_one()
    hashed = hash_password(login, password)
    conn.execute(update(account).where(account.c.id == account_id).values(password_hash=hashed))
    revoke_tokens(conn, account_id, now, but=keep)


def check_password(conn: Connection, account_id: int, password: str) -> bool:
    """Whether this is the account's password."""
    return _matches(
        conn.execute(select(account.c.password_hash).where(account.c.id == account_id)).scalar_one(), password
    )


def set_active(conn: Connection, account_id: int, *, active: bool, now: datetime) -> None:
    """Disable or enable an account; disabling ends its sessions and tokens."""
    conn.execute(update(account).where(account.c.id == account_id).values(active=active))
    if not active:
        revoke_tokens(conn, account_id, now)


def note_attempt(conn: Connection, login: str, address: str, *, now: datetime, brake: Brake) -> bool:
    """Count an attempt to sign in before it is judged; False when the login or the address has used the brake up.
    Attempts are counted one after the other, so that many at once do not slip through.
    """
    conn.execute(select(func.pg_advisory_xact_lock(_ATTEMPTS_LOCK)))
    conn.execute(delete(sign_in_attempt).where(sign_in_attempt.c.at <= now - brake.window))
    for column, value in (
        (sign_in_attempt.c.login, _login_digest(login)),
        (sign_in_attempt.c.address, address),
    ):
        made = conn.scalar(select(func.count()).select_from(sign_in_attempt).where(column == value))
        if (made or 0) >= brake.most:
            return False
    conn.execute(insert(sign_in_attempt).values(login=_login_digest(login), address=address, at=now))
    return True


def sign_in(conn: Connection, login: str, password: str, *, now: datetime, lifetime: timedelta) -> str | None:
    """A session's secret; None for an unknown login, a wrong password or a disabled account, all in the same time.

    Success takes the login's counted attempts back.
    """
    row = conn.execute(
        select(account.c.id, account.c.password_hash, account.c.active).where(
            account.c.login == normal_login(login)
        )
    ).one_or_none()
    matches = _matches(row.password_hash if row is not None else NOBODY, password)
    if row is None or not matches or not row.active:
        return None
    forget_attempts(conn, login)
    if HASHER.check_needs_rehash(row.password_hash):
        renewed = HASHER.hash(password.encode("utf-8", "surrogatepass"))
        conn.execute(update(account).where(account.c.id == row.id).values(password_hash=renewed))
    return open_session(conn, row.id, now=now, lifetime=lifetime)


def forget_attempts(conn: Connection, login: str) -> None:
    """Take a login's counted attempts back, after the right password."""
    conn.execute(delete(sign_in_attempt).where(sign_in_attempt.c.login == _login_digest(login)))


def _matches(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password[: LONGEST_PASSWORD + 1].encode("utf-8", "surrogatepass"))
    except VerifyMismatchError:
        return False


def _login_digest(login: str) -> str:
    return hashlib.sha256(normal_login(login).encode("utf-8", "surrogatepass")).hexdigest()[:32]
