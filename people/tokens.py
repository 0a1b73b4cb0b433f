"""Credentials of accounts: sessions of browsers and bearer tokens of programs. Only their SHA-256 is stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Text, and_, cast, func, insert, or_, select, update

from core.errors import Invalid, NotFound
from geo.tables import unit_version
from people.access import Caller, Grant
from people.tables import access_grant, account, token

Kind = Literal["session", "bearer"]


@dataclass(frozen=True)
class Token:
    """A credential as listed; the secret itself is told once and kept by nobody here."""

    id: int
    kind: Kind
    name: str
    created_at: datetime
    expires_at: datetime | None


def digest(secret: str) -> bytes:
    """What is stored of a credential. It is 256 random bits, so a plain hash suffices."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def open_session(conn: Connection, account_id: int, *, now: datetime, lifetime: timedelta) -> str:
    """A browser's session; returns its secret, which can be read this once."""
    return _issue(
        conn, account_id=account_id, kind="session", name="browser", created_at=now, expires_at=now + lifetime
    )


def issue_bearer(
    conn: Connection, account_id: int, name: str, *, now: datetime, expires_at: datetime | None = None
) -> str:
    """A program's token, good until revoked or `expires_at`; returns its secret, which can be read this once."""
    if not 1 <= len(name) <= 100:
        raise Invalid("a token has a name of 1 to 100 characters, to know it by later")
    if expires_at is not None and expires_at <= now:
        raise Invalid(f"the token would have expired already ({expires_at:%F %R} UTC)")
    return _issue(
        conn, account_id=account_id, kind="bearer", name=name, created_at=now, expires_at=expires_at
    )


def _issue(conn: Connection, **columns: object) -> str:
    secret = secrets.token_urlsafe(32)
    conn.execute(insert(token).values(hash=digest(secret), **columns))
    return secret


def find_caller(conn: Connection, secret: str, *, kind: Kind, now: datetime) -> Caller | None:
    """The caller a credential stands for, with the grants of this instant; None when it is unknown, revoked,
    expired, of the other kind, or its account is disabled.
    """
    row = conn.execute(
        select(token.c.id.label("token_id"), account.c.id, account.c.login, account.c.person_id)
        .join(account)
        .where(
            token.c.hash == digest(secret),
            token.c.kind == kind,
            token.c.revoked_at.is_(None),
            or_(token.c.expires_at.is_(None), token.c.expires_at > now),
            account.c.active,
        )
    ).one_or_none()
    if row is None:
        return None
    return Caller(row.id, row.login, row.person_id, read_grants(conn, row.id, now), token_id=row.token_id)


def read_grants(conn: Connection, account_id: int, now: datetime) -> tuple[Grant, ...]:
    """The grants an account holds now, each with the present path of its unit."""
    present = and_(
        unit_version.c.unit_id == access_grant.c.unit_id,
        unit_version.c.valid.contains(now),
        func.upper_inf(unit_version.c.recorded),
    )
    rows = conn.execute(
        select(access_grant.c.role, access_grant.c.unit_id, cast(unit_version.c.path, Text).label("path"))
        .select_from(access_grant.outerjoin(unit_version, present))
        .where(access_grant.c.account_id == account_id, access_grant.c.valid.contains(now))
        .order_by(access_grant.c.id)
    )
    return tuple(Grant(row.role, row.unit_id, row.path) for row in rows)


def list_tokens(conn: Connection, account_id: int, now: datetime) -> list[Token]:
    """An account's credentials that work now, newest first."""
    rows = conn.execute(
        select(token)
        .where(
            token.c.account_id == account_id,
            token.c.revoked_at.is_(None),
            or_(token.c.expires_at.is_(None), token.c.expires_at > now),
        )
        .order_by(token.c.id.desc())
    )
    return [Token(row.id, row.kind, row.name, row.created_at, row.expires_at) for row in rows]


def revoke_token(conn: Connection, account_id: int, token_id: int, now: datetime) -> None:
    """End one credential of the account; NotFound when it has no such one."""
    done = conn.execute(
        update(token)
        .where(token.c.id == token_id, token.c.account_id == account_id, token.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if done.rowcount == 0:
        raise NotFound(f"this account has no credential {token_id} that could be revoked")


def revoke_tokens(conn: Connection, account_id: int, now: datetime, *, but: int | None = None) -> int:
    """End every credential of the account, except the one with id `but`; returns how many."""
    kept = token.c.id != but if but is not None else token.c.id.is_not(None)
    done = conn.execute(
        update(token)
        .where(token.c.account_id == account_id, token.c.revoked_at.is_(None), kept)
        .values(revoked_at=now)
    )
    return done.rowcount
