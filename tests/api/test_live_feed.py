"""The live stream: a snapshot, then what changed, of one's own subtree alone, for as long as it is allowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError

from api.live import Cursor, LiveFeed, Permit, feed
from api.live.board import Board, read_cursor, roots_of
from api.live.columns import tell_columns
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
from tracking.live import ROW, Changes, Standing, nothing
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
        self.since: Cursor | None = None
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
            mark, first_read = first["id"].split("-")
            assert then["id"].split("-")[0] == mark
            assert int(then["id"].split("-")[1]) > int(first_read)

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


def test_a_resumed_page_gets_what_it_missed_and_nothing_else(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            await asyncio.sleep(0.5)
            page = Page(feed)
            page.screen = other.screen
            page.since = read_cursor(feed.board.cursor.text)
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
            page.since = feed.board.cursor
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            async with page.open():
                event = await page.next()
                while told(page, event) != ["w2"] and event["moved"][0]["lon"] is None:
                    event = await page.next()
                assert event["event"] == "frame"

    run(test)


@pytest.mark.parametrize("which", ["another process's", "ahead", "long forgotten"])
def test_an_unknown_cursor_brings_a_snapshot(engine: Engine, town: Town, which: str) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            mark, read = feed.board.cursor
            feed.board._forgotten = read
            cursors = {
                "another process's": Cursor("0" * len(mark), read),
                "ahead": Cursor(mark, read + 1000),
                "long forgotten": Cursor(mark, read - 1),
            }
            page = Page(feed)
            page.since = cursors[which]
            async with page.open():
                assert (await page.next())["event"] == "snapshot"

    run(test)


@pytest.mark.parametrize("cursor", ["{mark}-0", "{mark}-1", "{mark}-999999999999", "{mark}-", "-1", "0-1"])
def test_a_forged_cursor_shows_nothing_of_another_street(engine: Engine, town: Town, cursor: str) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            page = Page(feed, subtree(town, "S2"))
            page.since = read_cursor(cursor.format(mark=feed.board.mark))
            async with page.open():
                await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
                await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
                while page.screen.rows.get(town.persons["w2"], {"lon": None})["lon"] is None:
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


def serves(*paths: str) -> Standing:
    return replace(STANDING, paths=paths)


def change(standing: Standing | None = None, *, gone: bool = False, **told: object) -> Changes:
    """What a read finds of the one person at place 0: who they are now, what moved, or that they are gone."""
    rows = nothing(ROW, int(not gone))
    for name, value in ({"person_id": 1, "expected_s": 10, "state": 0} | told).items():
        rows[name] = value
    places = np.arange(2)
    return Changes(
        places[: 1 - gone], rows, {} if standing is None else {0: standing}, places[: int(gone)], {}
    )


@pytest.mark.parametrize(
    ("before", "after", "who", "moved", "gone"),
    [
        (None, change(STANDING), [1], [1], []),
        (STANDING, change(lon=122), [], [1], []),
        (STANDING, change(gone=True), [], [], [1]),
        (STANDING, change(serves("a.c")), [], [], [1]),
        (serves("a.c"), change(STANDING), [1], [1], []),
        (serves("a.bc"), change(serves("a.c")), [], [], []),
        (STANDING, change(replace(STANDING, name="V")), [1], [1], []),
        (serves("a.b", "a.c"), change(STANDING), [1], [1], []),
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
    before: Standing | None, after: Changes, who: list[int], moved: list[int], gone: list[int]
) -> None:
    told = Board()
    roots = roots_of(Scope(False, ("a.b", "x")))
    nobody = Changes(np.zeros(0, np.intp), nothing(ROW, 0), {}, np.zeros(0, np.intp), {})
    told.take(change(before) if before else nobody, EVER)
    told.tell_snapshot(roots)
    since = told.cursor
    news = told.take(after, EVER + timedelta(seconds=1))
    missed = told.tell_missed(roots, since)
    assert missed is not None
    for frame in (news.tell_frame(roots, tick=True), missed):
        event = read_event(frame)
        assert ([dot["id"] for dot in event["dots"]], event["moved"]["id"]) == (who, moved)
        assert event["gone"] == gone
    assert told.tell_missed(roots, since._replace(read=since.read + 9)) is None, "ahead of what was read"


def test_columns_are_as_short_as_a_map_needs() -> None:
    rows = nothing(ROW, 3)
    rows["person_id"], rows["state"], rows["expected_s"] = [7, 8, 9], [0, 0, 1], 10
    rows["fixed_at"], rows["heard_at"] = [1e9, 1e9 + 0.1234, np.nan], [1e9, 1e9 + 5, np.nan]
    rows["lon"], rows["battery_pct"] = [121.12345678, 121, np.nan], [51.7, np.nan, 8]
    rows["charging"], rows["unit"] = [-1, 0, 1], [3, 3, -1]
    assert json.loads(tell_columns(rows, {3: "G3"})) == {
        "id": [7, 8, 9],
        "state": ["moving", "moving", "still"],
        "lon": [121.123457, 121, None],
        "lat": None,
        "accuracy_m": None,
        "speed_mps": None,
        "heading_deg": None,
        "battery_pct": [52, None, 8],
        "charging": [None, False, True],
        "fixed_at": [1e9, 1000000000.123, None],
        "heard_at": [None, 1000000005, None],
        "expected_s": 10,
        "at_unit_code": ["G3", "G3", None],
        "reason": None,
    }


def read_event(frame: bytes) -> Event:
    fields = dict(line.split(": ", 1) for line in frame.decode().strip().splitlines())
    return {"event": fields["event"], "id": fields.get("id"), **json.loads(fields["data"])}


def test_viewers_told_to_start_over_ignore_frames_until_the_snapshot() -> None:
    viewer = Viewer("k", lambda _conn, _shown: None, EVERYWHERE)
    viewer.start_over()
    viewer.offer(Frame(b"old", 0))
    assert not viewer.waiting


@pytest.mark.parametrize("text", [None, "", "x", "12", "a-", "a--1", "a-" + "1" * 20, "a-１２", "é-1"])
def test_a_cursor_of_another_kind_is_none(text: str | None) -> None:
    assert read_cursor(text) is None


def test_a_page_that_comes_back_is_no_new_look_but_no_cursor_hides_one(engine: Engine, town: Town) -> None:
    now = utc_now()
    with engine.begin() as conn:
        account = town.accounts["boss1"]
        caller = Caller(account, "boss1", None, read_grants(conn, account, now))

        def looks_after(at: datetime, cursor: str | None) -> int | None:
            admit(conn, caller, at, since=cursor, last_event_id=None)
            return conn.scalar(select(func.count()).where(look.c.account_id == account))

        assert looks_after(now, "a-1") == 1
        assert looks_after(now + timedelta(minutes=1), "a-2") == 1
        assert looks_after(now + timedelta(minutes=2), None) == 2
        assert looks_after(now + timedelta(hours=1), "a-3") == 3


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
            resumed.since = feed.board.cursor
            async with resumed.open():
                assert await rail(resumed) == ["w1"]

    run(test)
