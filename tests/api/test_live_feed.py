"""The live stream: a snapshot, then what changed, of one's own subtree alone, for as long as it is allowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError

from api.live import LiveFeed, Permit, board, feed
from api.live.board import COLUMNS, Board, from_cursor, roots_of, to_cursor
from api.live.viewers import MOST_WAITING, Frame, Viewer
from api.routes.live import admit, is_wider, permit_of
from bench.screen import Screen
from core.clock import utc_now
from core.db import make_engine, ring
from people.access import Caller, Scope
from people.grants import add_grant
from people.tables import assignment, look, shift
from people.tokens import open_session, read_grants
from tests.people.town import EVER, Town, build_town
from tracking.ingest import BELL
from tracking.live import Change, Dot, Position, Standing
from tracking.tables import last_fix, sos

EVERYWHERE = Scope(everywhere=True)
Event = dict[str, Any]


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database, pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    with engine.begin() as conn:
        return build_town(conn, utc_now())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FRAME_S", 0.05)
    monkeypatch.setattr(feed, "SWEEP_S", 0.3)
    monkeypatch.setattr(feed, "SWEEP_SHARE", 1)
    monkeypatch.setattr(feed, "RECHECK_S", 0.1)
    monkeypatch.setattr(feed, "RECONNECT_S", 0.05)


def move(engine: Engine, person_id: int, lon: float) -> None:
    """A fix as ingest leaves it: the last one of the person is newer, and the bell rings with the commit."""
    with engine.begin() as conn:
        conn.execute(delete(last_fix).where(last_fix.c.person_id == person_id))
        point = func.ST_SetSRID(func.ST_MakePoint(lon, 31.005), 4326)
        conn.execute(
            insert(last_fix).values(
                person_id=person_id, device_id=1, fixed_at=utc_now(), received_at=utc_now(), point=point
            )
        )
        ring(conn, BELL)


def subtree(town: Town, code: str) -> Scope:
    above = {"S1": ["T"], "S2": ["T"]}[code]
    return Scope(False, (".".join(town.units[one].hex for one in [*above, code]),))


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test()

    asyncio.run(bounded())


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(engine, utc_now)
    try:
        yield feed
    finally:
        await feed.close()


class Page:
    """An open page: the events it was told, and what is on its screen."""

    def __init__(self, feed: LiveFeed, scope: Scope = EVERYWHERE, permit: Permit | None = None) -> None:
        self.feed, self.scope = feed, scope
        self.permit = permit or (lambda _conn, _shown: scope)
        self.since: datetime | None = None
        self.screen = Screen()
        self.alerts: list[Event] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Page"]:
        async with self.feed.watch(str(id(self)), self.permit, self.scope, self.since) as viewer:
            self.viewer = viewer
            self.frames = self.feed.frames(viewer)
            assert await anext(self.frames) == b"retry: 2000\n\n"
            yield self
            await self.frames.aclose()

    async def next(self) -> Event:
        """The next event that says anything."""
        while True:
            event = self.screen.take(await anext(self.frames))
            if event["event"] == "alerts":
                self.alerts = event["alerts"]
            elif event["event"] != "frame" or event["moved"] or event["gone"]:
                return event

    @property
    def names(self) -> list[str]:
        return sorted(one["code"] for one in self.screen.state.values())


def told(page: Page, event: Event) -> list[str]:
    """Whom an event moves."""
    return sorted(page.screen.who[row["id"]]["code"] for row in event["moved"])


def test_a_page_gets_everybody_on_duty_and_then_who_moved(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as page:
            first = await page.next()
            assert (first["event"], told(page, first)) == ("snapshot", ["w1", "w2"])
            assert {row["lon"] for row in first["moved"]} == {None}
            await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
            then = await page.next()
            assert (then["event"], told(page, then)) == ("frame", ["w1"])
            assert then["moved"][0]["lon"] == 121.005
            assert then["dots"] == [], "who it is was told before"
            assert int(then["id"]) >= int(first["id"])

    run(test)


def test_a_page_sees_its_subtree_alone(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed, subtree(town, "S2")).open() as page:
            await page.next()
            assert page.names == ["w2"]
            await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            assert told(page, await page.next()) == ["w2"]

    run(test)


def test_who_goes_off_duty_leaves_every_page(engine: Engine, town: Town) -> None:
    def go_home() -> None:
        with engine.begin() as conn:
            conn.execute(
                update(shift).where(shift.c.person_id == town.persons["w1"]).values(ends_at=utc_now())
            )

    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as page:
            await page.next()
            await asyncio.to_thread(go_home)
            assert (await page.next())["gone"] == [town.persons["w1"]]

    run(test)


def test_who_serves_elsewhere_from_now_on_leaves_one_page_and_comes_to_the_other(
    engine: Engine, town: Town
) -> None:
    def move_post() -> None:
        with engine.begin() as conn:
            here = assignment.c.person_id == town.persons["w1"]
            conn.execute(update(assignment).where(here).values(unit_id=town.units["G2"]))

    async def test() -> None:
        async with (
            serving(engine) as feed,
            Page(feed, subtree(town, "S1")).open() as one,
            Page(feed, subtree(town, "S2")).open() as two,
        ):
            await one.next()
            await two.next()
            await asyncio.to_thread(move_post)
            assert (await one.next())["gone"] == [town.persons["w1"]]
            assert told(two, await two.next()) == ["w1"]
            assert (one.names, two.names) == ([], ["w1", "w2"])

    run(test)


def test_a_resumed_page_gets_what_it_missed_and_nothing_else(
    engine: Engine, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOVED_OVERLAP", timedelta(milliseconds=100))
    monkeypatch.setattr(board, "STOOD_OVERLAP", timedelta(milliseconds=100))

    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            await asyncio.sleep(0.5)
            page = Page(feed)
            page.screen = other.screen
            page.since = from_cursor(str(to_cursor(feed.board.at or utc_now())))
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            await other.next()
            async with page.open():
                missed = await page.next()
                assert (missed["event"], told(page, missed)) == ("frame", ["w2"])

    run(test)


def test_the_only_page_comes_back_to_what_it_missed(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed:
            page = Page(feed)
            async with page.open():
                await page.next()
                await asyncio.sleep(0.3)
            page.since = feed.board.at
            feed.board._since = EVER  # as after half a minute
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            async with page.open():
                event = await page.next()
                while told(page, event) != ["w2"] and event["moved"][0]["lon"] is None:
                    event = await page.next()
                assert event["event"] == "frame"

    run(test)


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(seconds=-60)])
def test_an_unknown_cursor_brings_a_snapshot(engine: Engine, town: Town, age: timedelta) -> None:
    async def test() -> None:
        async with serving(engine) as feed:
            page = Page(feed)
            page.since = utc_now() - age
            async with page.open():
                assert (await page.next())["event"] == "snapshot"

    run(test)


@pytest.mark.parametrize("cursor", ["0", "1", "99999999999999", "1780000000000", "253402300800000"])
def test_a_forged_cursor_shows_nothing_of_another_street(engine: Engine, town: Town, cursor: str) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            feed.board._since = EVER
            page = Page(feed, subtree(town, "S2"))
            try:
                page.since = from_cursor(cursor)
            except (OverflowError, ValueError) as error:
                raise AssertionError(cursor) from error
            async with page.open():
                await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
                await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
                while page.names != ["w2"] or page.screen.rows[town.persons["w2"]]["lon"] is None:
                    event = await page.next()
                    assert town.persons["w1"] not in [
                        *page.screen.who,
                        *page.screen.rows,
                        *event.get("gone", ()),
                    ]

    run(test)


def test_after_a_pause_without_pages_the_next_one_gets_everybody(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed:
            for _visit in range(3):
                async with Page(feed).open() as page:
                    await page.next()
                    assert page.names == ["w1", "w2"]
                await asyncio.sleep(0.2)

    run(test)


def test_a_revoked_grant_ends_the_stream_and_a_smaller_one_starts_it_over(engine: Engine, town: Town) -> None:
    async def test() -> None:
        scopes: list[Scope | None] = [EVERYWHERE]
        async with serving(engine) as feed, Page(feed, permit=lambda _conn, _shown: scopes[0]).open() as page:
            await page.next()
            assert page.names == ["w1", "w2"]
            scopes[0] = subtree(town, "S1")
            again = await page.next()
            assert (again["event"], page.names) == ("snapshot", ["w1"])
            scopes[0] = None
            assert (await page.next())["event"] == "end"
            with pytest.raises(StopAsyncIteration):
                await anext(page.frames)

    run(test)


def test_a_slow_page_loses_its_waiting_frames_and_gets_a_snapshot(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as page:
            await page.next()
            for _frame in range(MOST_WAITING + 5):
                page.viewer.offer(Frame(b"event: frame\ndata: {}\n\n", 0))
            assert len(page.viewer.waiting) <= MOST_WAITING
            assert (await page.next())["event"] == "snapshot"

    run(test)


def test_open_pages_hold_no_pooled_connection_and_one_ear_in_all(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed:
            pages = [Page(feed) for _ in range(30)]
            contexts = [page.open() for page in pages]
            for context in contexts:
                await context.__aenter__()
            for page in pages:
                await page.next()
                assert page.names == ["w1", "w2"]
            assert len({id(feed.tell_snapshot(page.viewer.roots)) for page in pages}) == 1
            free = [not await asyncio.to_thread(engine.pool.checkedout) or None for _ in range(20)]  # type: ignore[attr-defined]
            assert any(free)
            for context in contexts:
                await context.__aexit__(None, None, None)

    run(test)


def test_streams_end_when_the_server_stops(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as page:
            await page.next()
            feed.end_streams()
            with pytest.raises(StopAsyncIteration):  # without a word: the browser comes back by itself
                await page.next()

    run(test)


STANDING = Standing(1, "w", "W", None, None, None, None, ("a.b",), EVER, EVER, ())
PLACE = Position(1, 1, EVER, 121.0, 31.0, None, None, None, None, None, True, None)
DOT = Dot(STANDING, "moving", None, PLACE, EVER, None, None, 10, 1.0, None)


def serves(*paths: str) -> Dot:
    return DOT._replace(standing=replace(STANDING, paths=paths))


@pytest.mark.parametrize(
    ("before", "after", "who", "moved", "gone"),
    [
        (None, DOT, [1], [1], []),
        (DOT, DOT._replace(position=PLACE._replace(lon=122.0)), [], [1], []),
        (DOT, None, [], [], [1]),
        (DOT, serves("a.c"), [], [], [1]),
        (serves("a.c"), DOT, [1], [1], []),
        (serves("a.bc"), serves("a.c"), [], [], []),
        (DOT, DOT._replace(standing=replace(STANDING, name="V")), [1], [1], []),
        (serves("a.b", "a.c"), DOT, [1], [1], []),
    ],
    ids=[
        "comes",
        "moves",
        "off duty",
        "moves away",
        "moves in",
        "elsewhere",
        "is renamed",
        "loses a post elsewhere",
    ],
)
def test_a_frame_says_who_came_moved_and_left_the_scope(
    before: Dot | None, after: Dot | None, who: list[int], moved: list[int], gone: list[int]
) -> None:
    told_before = Board()
    told_before.begin([Change(1, None, before)] if before else [], EVER)
    news = told_before.take([Change(1, before, after)], EVER + timedelta(seconds=1))
    roots = roots_of(Scope(False, ("a.b", "x")))
    event = read_event(news.tell_frame(roots, tick=True))
    assert ([dot["id"] for dot in event["dots"]], [row[0] for row in event["moved"]]) == (who, moved)
    assert event["gone"] == gone
    missed = told_before.tell_missed(roots, EVER + timedelta(seconds=30))
    assert missed is None, "a cursor ahead of what was read"


def test_a_row_is_as_short_as_a_map_needs() -> None:
    shown = Board()
    shown.begin([Change(1, None, DOT._replace(battery_pct=51.7))], EVER)
    event = read_event(shown.tell_snapshot(roots_of(EVERYWHERE)))
    assert event["columns"] == list(COLUMNS)
    seconds = int(EVER.timestamp())
    assert event["moved"] == [
        [1, "moving", 121.0, 31.0, None, None, None, 52, None, seconds, None, 10, None, None]
    ]


def read_event(frame: bytes) -> Event:
    fields = dict(line.split(": ", 1) for line in frame.decode().strip().splitlines())
    return {"event": fields["event"], "id": fields.get("id"), **json.loads(fields["data"])}


def test_viewers_told_to_start_over_ignore_frames_until_the_snapshot() -> None:
    viewer = Viewer("k", lambda _conn, _shown: None, EVERYWHERE)
    viewer.start_over()
    viewer.offer(Frame(b"old", 0))
    assert not viewer.waiting


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1" * 20, "１２"])
def test_a_cursor_of_another_kind_is_none(text: str | None) -> None:
    assert from_cursor(text) is None


def test_a_page_that_comes_back_is_no_new_look_but_no_cursor_hides_one(engine: Engine, town: Town) -> None:
    now = utc_now()
    with engine.begin() as conn:
        account = town.accounts["boss1"]
        caller = Caller(account, "boss1", None, read_grants(conn, account, now))

        def looks_after(at: datetime, cursor: str | None) -> int | None:
            admit(conn, caller, at, since=cursor, last_event_id=None)
            return conn.scalar(select(func.count()).where(look.c.account_id == account))

        assert looks_after(now, "1") == 1
        assert looks_after(now + timedelta(minutes=1), str(to_cursor(now))) == 1
        assert looks_after(now + timedelta(minutes=2), None) == 2
        assert looks_after(now + timedelta(hours=1), str(to_cursor(now + timedelta(hours=1)))) == 3


def test_a_scope_that_grows_under_an_open_stream_is_a_look_of_its_own(engine: Engine, town: Town) -> None:
    now = utc_now()
    with engine.begin() as conn:
        account = town.accounts["boss1"]
        secret = open_session(conn, account, now=now, lifetime=timedelta(hours=1))
        permit = permit_of(secret, "session", utc_now)

        def looks_after(shown: Scope) -> tuple[int | None, Scope]:
            scope = permit(conn, shown) or shown
            return conn.scalar(select(func.count()).where(look.c.account_id == account)), scope

        count, street = looks_after(subtree(town, "S1"))
        assert (count, street) == (0, subtree(town, "S1"))
        add_grant(conn, account, "supervisor", unit_id=town.units["S2"], now=now)
        count, both = looks_after(street)
        assert count == 2
        assert is_wider(both, street)
        assert looks_after(both)[0] == 2


def test_a_page_that_gives_up_while_nothing_can_be_read_leaves_nobody_reading(engine: Engine) -> None:
    reads = 0

    class Away:
        url = engine.url

        def connect(self) -> None:
            nonlocal reads
            reads += 1
            raise OperationalError("", None, psycopg.OperationalError("gone"))

    async def test() -> None:
        served = LiveFeed(Away(), utc_now)  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), Page(served).open():
                pass
        assert not served.viewers
        await asyncio.sleep(0.3)
        seen = reads
        assert seen > 0
        await asyncio.sleep(0.5)
        assert reads == seen
        await served.close()

    run(test)


def call_for_help(engine: Engine, person_id: int, lon: float) -> None:
    with engine.begin() as conn:
        point = func.ST_SetSRID(func.ST_MakePoint(lon, 31.005), 4326)
        conn.execute(
            insert(sos).values(person_id=person_id, raised_at=utc_now(), received_at=utc_now(), point=point)
        )
        ring(conn, BELL)


def test_a_call_for_help_reaches_the_pages_of_its_ground_alone(engine: Engine, town: Town) -> None:
    async def rail(page: Page) -> list[str]:
        """Whom the next rail names."""
        while True:
            event = page.screen.take(await anext(page.frames))
            if event["event"] == "alerts":
                return [one["person"]["code"] for one in event["alerts"]]

    async def test() -> None:
        async with (
            serving(engine) as feed,
            Page(feed).open() as every,
            Page(feed, subtree(town, "S1")).open() as one,
            Page(feed, subtree(town, "S2")).open() as two,
        ):
            assert [await rail(page) for page in (every, one, two)] == [[], [], []]
            await asyncio.to_thread(call_for_help, engine, town.persons["w1"], 121.005)
            assert [await rail(page) for page in (every, one, two)] == [["w1"], ["w1"], []]
            resumed = Page(feed)
            resumed.screen = every.screen
            resumed.since = feed.board.at
            feed.board._since = EVER
            async with resumed.open():
                assert await rail(resumed) == ["w1"]

    run(test)
