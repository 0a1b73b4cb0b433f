"""Group commit: the same as one by one, answered after the commit, and one bad message harms no other."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

import api.phones.inbox
from api.phones.inbox import Answer, Inbox
from api.phones.requests import UnknownDevice
from core.db import make_engine
from core.errors import Invalid, Unavailable
from tests.tracking.city import EVER, NOW, make_person
from tracking.checks import Rules
from tracking.devices import add_device, change_device, renew_token, revoke_device
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


def deliver(inbox: Inbox, *letters: tuple[str, Message]) -> list[Answer | BaseException]:
    """What each message is answered with, all handed in at once."""

    async def together() -> list[Answer | BaseException]:
        asked = (inbox.deliver(token, message, own=True) for token, message in letters)
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(together())


def accepted(answers: list[Answer | BaseException]) -> list[int]:
    return [answer.counts.accepted for answer in answers if isinstance(answer, Answer)]


def test_messages_of_many_phones_are_all_answered_with_their_own_counts(engine: Engine, inbox: Inbox) -> None:
    tokens = enrol(engine, 8)
    letters = [(token, a_message(n)) for n in range(150) for token in tokens]
    assert accepted(deliver(inbox, *letters)) == [1] * 1200
    assert seconds_stored(engine) == 1200
    again = deliver(inbox, *letters)
    assert {answer.counts.known for answer in again if isinstance(answer, Answer)} == {1}
    assert seconds_stored(engine) == 1200


def test_an_answer_comes_after_the_commit(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    for n in range(10):
        deliver(inbox, (token, a_message(n)))
        assert seconds_stored(engine) == n + 1, "another connection sees what was acknowledged"


def test_messages_that_cannot_be_read_are_refused_alone(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    good, unknown, broken, foreign = deliver(
        inbox,
        (token, a_message(1)),
        ("nobody's", a_message(2)),
        (token, Message("POST", "", {}, b"{")),
        (token, Message("POST", "", {}, b"hello")),
    )
    assert isinstance(unknown, UnknownDevice)
    assert isinstance(foreign, UnknownFormat)
    assert isinstance(broken, Invalid)
    assert accepted([good]) == [1]


def test_a_credential_revoked_or_renewed_is_known_at_once(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    assert accepted(deliver(inbox, (token, a_message(1)))) == [1]
    with engine.begin() as conn:
        revoke_device(conn, "P0", now=NOW)
    assert isinstance(deliver(inbox, (token, a_message(2)))[0], UnknownDevice)
    with engine.begin() as conn:
        renewed = renew_token(conn, "P0")
    old, new = deliver(inbox, (token, a_message(3)), (renewed, a_message(4)))
    assert isinstance(old, UnknownDevice)
    assert accepted([new]) == [1]


def test_a_changed_profile_holds_for_the_next_message(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)
    deliver(inbox, (token, a_message(1)))
    with engine.begin() as conn:
        change_device(conn, "P0", {"crs": "gcj02"}, now=NOW)
    deliver(inbox, (token, a_message(0)))
    with engine.connect() as conn:
        lons = conn.execute(text("SELECT lon FROM fix ORDER BY fixed_at")).scalars().all()
    assert lons[0] == 113.15
    assert abs(lons[1] - 113.15) > 1e-3


def test_a_message_that_breaks_its_transaction_fails_alone(
    engine: Engine, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = enrol(engine, 6)

    def poisoned(conn: object, lookup: object, arrivals: list[object], **more: object) -> object:
        if any(fix.altitude_m == 666 for arrival in arrivals for fix in arrival.report.fixes):
            conn.execute(text("SELECT 1 FROM no_such_table"))
        return ingest_reports(conn, lookup, arrivals, **more)

    monkeypatch.setattr(api.phones.inbox, "ingest_reports", poisoned)
    letters = [(token, a_message(altitude_m=666 if n == 3 else 40)) for n, token in enumerate(tokens)]
    failed = [isinstance(answer, ProgrammingError) for answer in deliver(inbox, *letters)]
    assert failed == [False, False, False, True, False, False]
    assert seconds_stored(engine) == 5


def test_without_a_database_nobody_is_told_that_it_was_stored(own_database: str) -> None:
    engine = make_engine(own_database)
    (token,) = enrol(engine, 1)
    engine.dispose()
    away = make_engine("postgresql://wangge@/nowhere?host=/nonexistent")
    inbox = Inbox(away, None, Rules(), lambda: NOW)
    answers = deliver(inbox, *((token, a_message(n)) for n in range(3)))
    assert all(isinstance(answer, OperationalError) for answer in answers)
    assert isinstance(deliver(inbox, (token, a_message(4)))[0], Unavailable), "not asked again at once"


def test_more_than_can_be_taken_is_refused_at_once(
    engine: Engine, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.phones.inbox, "MOST_WAITING", 2)
    (token,) = enrol(engine, 1)

    async def crowd_in() -> list[Answer | BaseException]:
        with engine.begin() as conn:
            conn.execute(text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE"))  # the writer waits
            first = asyncio.create_task(inbox.deliver(token, a_message(0), own=True))
            await asyncio.sleep(0.2)  # it is being written
            rest = [asyncio.create_task(inbox.deliver(token, a_message(n), own=True)) for n in range(1, 4)]
            await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
        return await asyncio.gather(first, *rest, return_exceptions=True)

    answers = asyncio.run(crowd_in())
    assert accepted(answers) == [1, 1, 1]
    assert isinstance(answers[3], Unavailable)


def test_who_does_not_wait_for_the_answer_loses_nothing(engine: Engine, inbox: Inbox) -> None:
    (token,) = enrol(engine, 1)

    async def leave() -> None:
        asked = asyncio.create_task(inbox.deliver(token, a_message(0), own=True))
        await asyncio.sleep(0)
        asked.cancel()
        await inbox.deliver(token, a_message(1), own=True)

    asyncio.run(leave())
    assert seconds_stored(engine) == 2
