import logging
import statistics
import time
from datetime import timedelta

import pytest
from argon2 import extract_parameters
from sqlalchemy import Connection, func, select, text

from core.errors import Conflict, Invalid, NotFound
from people.accounts import (
    HASHER,
    NOBODY,
    Brake,
    add_account,
    check_password,
    find_account,
    note_attempt,
    set_active,
    set_password,
    sign_in,
)
from people.tables import account, sign_in_attempt, token
from people.tokens import digest, find_caller, issue_bearer, list_tokens, open_session, revoke_token
from tests.people.town import NOW, PASSWORD, Town

LIFETIME = timedelta(hours=12)


def test_a_right_password_opens_a_session_that_ends(conn: Connection, town: Town) -> None:
    secret = sign_in(conn, " W1 ", PASSWORD, now=NOW, lifetime=LIFETIME)
    assert secret is not None
    caller = find_caller(conn, secret, kind="session", now=NOW)
    assert caller is not None
    assert (caller.login, caller.person_id) == ("w1", town.persons["w1"])
    assert find_caller(conn, secret, kind="bearer", now=NOW) is None
    assert find_caller(conn, secret, kind="session", now=NOW + LIFETIME) is None


@pytest.mark.parametrize(
    "password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "\ud800", "x" * 10_000, "\x00"]
)
def test_a_wrong_password_opens_nothing(conn: Connection, town: Town, password: str) -> None:
    assert sign_in(conn, "w1", password, now=NOW, lifetime=LIFETIME) is None


def test_neither_passwords_nor_tokens_are_stored(conn: Connection, town: Town) -> None:
    secret = issue_bearer(conn, town.accounts["w1"], "test", now=NOW)
    assert conn.scalar(select(token.c.hash).where(token.c.name == "test")) == digest(secret)
    stored = conn.scalar(select(account.c.password_hash).where(account.c.login == "w1"))
    assert stored is not None
    assert stored.startswith("$argon2id$")
    note_attempt(conn, PASSWORD, "1.2.3.4", now=NOW, brake=Brake(9, LIFETIME))
    kept = conn.execute(text("SELECT login FROM sign_in_attempt")).scalar_one()
    assert PASSWORD not in kept


def test_an_unknown_login_takes_the_time_of_a_known_one(conn: Connection, town: Town) -> None:
    """The same work is done: the hash of nobody has today's parameters, and it is verified."""
    assert extract_parameters(NOBODY) == extract_parameters(HASHER.hash("x"))
    times: dict[str, list[float]] = {"w1": [], "nobody": []}
    for _ in range(7):
        for login, taken in times.items():
            begun = time.process_time()
            assert sign_in(conn, login, "wrong password", now=NOW, lifetime=LIFETIME) is None
            taken.append(time.process_time() - begun)
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert unknown > known / 2


def test_a_disabled_account_is_out_at_once(conn: Connection, town: Town) -> None:
    secret = open_session(conn, town.accounts["w1"], now=NOW, lifetime=LIFETIME)
    set_active(conn, town.accounts["w1"], active=False, now=NOW)
    assert find_caller(conn, secret, kind="session", now=NOW) is None
    assert sign_in(conn, "w1", PASSWORD, now=NOW, lifetime=LIFETIME) is None
    set_active(conn, town.accounts["w1"], active=True, now=NOW)
    assert find_caller(conn, secret, kind="session", now=NOW) is None
    assert sign_in(conn, "w1", PASSWORD, now=NOW, lifetime=LIFETIME) is not None


def test_a_new_password_ends_every_other_session(conn: Connection, town: Town) -> None:
    mine, other = (open_session(conn, town.accounts["w1"], now=NOW, lifetime=LIFETIME) for _ in range(2))
    caller = find_caller(conn, mine, kind="session", now=NOW)
    assert caller is not None
    set_password(conn, caller.account_id, "another password", now=NOW, keep=caller.token_id)
    assert find_caller(conn, mine, kind="session", now=NOW) == caller
    assert find_caller(conn, other, kind="session", now=NOW) is None
    assert check_password(conn, caller.account_id, "another password")
    assert not check_password(conn, caller.account_id, PASSWORD)


def test_guessing_a_login_or_from_an_address_is_braked_for_a_window(conn: Connection, town: Town) -> None:
    brake = Brake(3, timedelta(seconds=60))

    def attempt(login: str, address: str, after_s: float = 0) -> bool:
        return note_attempt(conn, login, address, now=NOW + timedelta(seconds=after_s), brake=brake)

    assert [attempt("w1", f"10.0.0.{n}") for n in range(4)] == [True, True, True, False]
    assert attempt("W1 ", "10.0.0.9") is False
    assert [attempt(f"x{n}", "10.9.9.9") for n in range(4)] == [True, True, True, False]
    assert attempt("w2", "10.0.1.1") is True
    assert attempt("w1", "10.0.0.1", after_s=60) is True
    assert conn.scalar(select(func.count()).select_from(sign_in_attempt)) == 1


def test_success_takes_the_attempts_of_the_login_back(conn: Connection, town: Town) -> None:
    brake = Brake(2, timedelta(seconds=60))
    assert note_attempt(conn, "w1", "a", now=NOW, brake=brake)
    assert note_attempt(conn, "w1", "a", now=NOW, brake=brake)
    assert sign_in(conn, "w1", PASSWORD, now=NOW, lifetime=LIFETIME) is not None
    assert note_attempt(conn, "w1", "a", now=NOW, brake=brake)


@pytest.mark.parametrize(
    ("login", "password", "reason"),
    [
        ("", PASSWORD, "1 to 100"),
        ("a\x00b", PASSWORD, "printable"),
        ("new", "short", "10 to 200"),
        ("new", "x" * 201, "10 to 200"),
        ("long enough", "Long Enough", "must not be the login"),
    ],
)
def test_unusable_logins_and_passwords_are_refused(
    conn: Connection, login: str, password: str, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        add_account(conn, login, password)


def test_a_login_and_a_person_have_one_account(conn: Connection, town: Town) -> None:
    with pytest.raises(Conflict, match="an account w1 already"):
        add_account(conn, "Ｗ1", PASSWORD)
    with pytest.raises(Conflict, match="this person"):
        add_account(conn, "w3", PASSWORD, person_id=town.persons["w1"])
    with pytest.raises(NotFound):
        find_account(conn, "w3")


def test_a_token_is_listed_and_revoked_by_its_account_alone(conn: Connection, town: Town) -> None:
    secret = issue_bearer(conn, town.accounts["w1"], "export", now=NOW, expires_at=NOW + LIFETIME)
    (listed,) = list_tokens(conn, town.accounts["w1"], NOW)
    assert (listed.name, listed.expires_at) == ("export", NOW + LIFETIME)
    with pytest.raises(NotFound):
        revoke_token(conn, town.accounts["w2"], listed.id, NOW)
    revoke_token(conn, town.accounts["w1"], listed.id, NOW)
    assert find_caller(conn, secret, kind="bearer", now=NOW) is None
    assert list_tokens(conn, town.accounts["w1"], NOW) == []
    with pytest.raises(Invalid, match="expired already"):
        issue_bearer(conn, town.accounts["w1"], "late", now=NOW, expires_at=NOW)


def test_nothing_of_a_sign_in_is_logged(
    conn: Connection, town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = sign_in(conn, "w1", PASSWORD, now=NOW, lifetime=LIFETIME)
    assert PASSWORD not in caplog.text
    assert str(secret) not in caplog.text
