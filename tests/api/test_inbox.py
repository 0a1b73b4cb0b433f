"""Group commit: the same as one by one, answered after the commit, and one bad message harms no other."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

import api.inbox
from api.devices import UnknownDevice
from api.inbox import Inbox
from core.db import make_engine
from core.errors import Invalid, Unavailable
from tests.tracking.city import EVER, NOW, make_person
from tracking.checks import Rules
from tracking.devices import add_device
from tracking.formats import Message, UnknownFormat
from tracking.ingest import ingest_reports


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()


@pytest.fixture
def inbox(engine: Engine) -> Inbox:
    return Inbox(engine, None, Rules(), lambda: NOW)


def enrol(engine: Engine, count: int) -> list[str]:
    with engine.begin() as conn:
        for n in range(count):
            make_person(conn, f"W{n}")
        return [add_device(conn, f"P{n}", f"W{n}", now=EVER) for n in range(count)]


def a_message(second: int = 0, **more: object) -> Message:
    at = (NOW - timedelta(seconds=second)).isoformat()
    body = json.dumps({"fixes": [{"fixed_at": at, "lon": 113.15, "lat": 27.82} | more]}).encode()
    return Message("POST", "", {}, body)


def seconds_stored(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.execute(text("SELECT count(*) FROM fix")).scalar_one())


def test_messages_of_many_phones_are_all_answered_with_their_own_counts(engine: Engine, inbox: Inbox) -> None:
    tokens = enrol(engine, 8)
    answers = [inbox.submit(token, a_message(n), own=True) for n in range(25) for token in tokens]
    assert {answer.result(30).counts.accepted for answer in answers} == {1}
    assert seconds_stored(engine) == 200
    again = [inbox.submit(token, a_message(n), own=True) for n in range(25) for token in tokens]
    assert {answer.result(30).counts.known for answer in again} == {1}
    assert seconds_stored(engine) == 200


def test_an_answer_comes_after_the_commit(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    for n in range(10):
        inbox.submit(token, a_message(n), own=True).result(30)
        assert seconds_stored(engine) == n + 1, "another connection sees what was acknowledged"


def test_messages_that_cannot_be_read_are_refused_alone(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    good = inbox.submit(token, a_message(1), own=True)
    unknown = inbox.submit("nobody's", a_message(2), own=True)
    broken = inbox.submit(token, Message("POST", "", {}, b"{"), own=True)
    foreign = inbox.submit(token, Message("POST", "", {}, b"hello"), own=True)
    assert isinstance(unknown.exception(30), UnknownDevice)
    assert isinstance(foreign.exception(30), UnknownFormat)
    assert isinstance(broken.exception(30), Invalid)
    assert good.result(30).counts.accepted == 1


def test_a_message_that_breaks_its_transaction_fails_alone(
    engine: Engine, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = enrol(engine, 6)

    def poisoned(conn: object, lookup: object, arrivals: list[object], **more: object) -> object:
        if any(fix.altitude_m == 666 for arrival in arrivals for fix in arrival.report.fixes):
            conn.execute(text("SELECT 1 FROM no_such_table"))
        return ingest_reports(conn, lookup, arrivals, **more)

    monkeypatch.setattr(api.inbox, "ingest_reports", poisoned)
    answers = [
        inbox.submit(token, a_message(altitude_m=666 if n == 3 else 40), own=True)
        for n, token in enumerate(tokens)
    ]
    failed = [answer.exception(30) for answer in answers]
    assert [isinstance(error, ProgrammingError) for error in failed] == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]
    assert seconds_stored(engine) == 5


def test_without_a_database_nobody_is_told_that_it_was_stored(own_database: str) -> None:
    engine = make_engine(own_database)
    (token,) = enrol(engine, 1)
    engine.dispose()
    away = make_engine("postgresql://wangge@/nowhere?host=/nonexistent")
    inbox = Inbox(away, None, Rules(), lambda: NOW)
    answers = [inbox.submit(token, a_message(n), own=True) for n in range(3)]
    assert all(isinstance(answer.exception(30), OperationalError) for answer in answers)


def test_more_than_can_be_taken_is_refused_at_once(
    engine: Engine, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.inbox, "MOST_WAITING", 2)
    (token,) = enrol(engine, 1)
    small = Inbox(engine, None, Rules(), lambda: NOW)
    with engine.begin() as conn:
        conn.execute(
            text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE")
        )  # the writer waits in its first statement
        waiting = [small.submit(token, a_message(0), own=True)]
        while not small._letters.empty():
            pass
        waiting += [small.submit(token, a_message(n), own=True) for n in (1, 2)]
        with pytest.raises(Unavailable, match="later"):
            small.submit(token, a_message(3), own=True)
    assert [answer.result(30).counts.accepted for answer in waiting] == [1, 1, 1]
