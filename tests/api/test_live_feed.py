"""The live stream: a snapshot, then what changed, of one's own subtree alone, for as long as it is allowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, insert, select, update

from api import live_feed
from api.live_feed import MOST_WAITING, LiveFeed, Permit, Viewer
from api.live_frames import Change, from_cursor, tell_frame, to_cursor
from api.routes.live import admit
from core.clock import utc_now
from core.db import make_engine, ring
from people.access import Caller, Scope
from people.tables import look, shift
from people.tokens import read_grants
from tests.people.town import EVER, Town, build_town
from tracking.ingest import BELL
from tracking.live import Dot
from tracking.tables import last_fix

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
    monkeypatch.setattr(live_feed, "FRAME_S", 0.05)
    monkeypatch.setattr(live_feed, "SWEEP_S", 0.3)
    monkeypatch.setattr(live_feed, "RECHECK_S", 0.1)


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
    """An open page: the events it was told."""

    def __init__(self, feed: LiveFeed, scope: Scope = EVERYWHERE, permit: Permit | None = None) -> None:
        self.feed, self.scope = feed, scope
        self.permit = permit or (lambda _conn: scope)
        self.since: datetime | None = None

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
            event = read_event(await anext(self.frames))
            if event["event"] != "frame" or event["dots"] or event["gone"]:
                return event


def read_event(frame: bytes) -> Event:
    fields = dict(line.split(": ", 1) for line in frame.decode().strip().splitlines())
    return {"event": fields["event"], "id": fields.get("id"), **json.loads(fields["data"])}


def names(event: Event) -> list[str]:
    return sorted(dot["code"] for dot in event["dots"])


def test_a_page_gets_everybody_on_duty_and_then_who_moved(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as page:
            first = await page.next()
            assert (first["event"], names(first)) == ("snapshot", ["w1", "w2"])
            assert {dot["lon"] for dot in first["dots"]} == {None}
            await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
            then = await page.next()
            assert (then["event"], names(then)) == ("frame", ["w1"])
            assert then["dots"][0]["lon"] == 121.005
            assert int(then["id"]) >= int(first["id"])

    run(test)


def test_a_page_sees_its_subtree_alone(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed, Page(feed, subtree(town, "S2")).open() as page:
            assert names(await page.next()) == ["w2"]
            await asyncio.to_thread(move, engine, town.persons["w1"], 121.005)
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            assert names(await page.next()) == ["w2"]

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


def test_a_resumed_page_gets_what_it_missed_and_nothing_else(
    engine: Engine, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "OVERLAP", timedelta(milliseconds=100))

    async def test() -> None:
        async with serving(engine) as feed, Page(feed).open() as other:
            await other.next()
            await asyncio.sleep(0.5)
            page = Page(feed)
            page.since = from_cursor(str(to_cursor(feed.read_at or utc_now())))
            await asyncio.to_thread(move, engine, town.persons["w2"], 121.015)
            await other.next()
            async with page.open():
                missed = await page.next()
                assert (missed["event"], names(missed)) == ("frame", ["w2"])

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


def test_after_a_pause_without_pages_the_next_one_gets_everybody(engine: Engine, town: Town) -> None:
    async def test() -> None:
        async with serving(engine) as feed:
            for _visit in range(3):
                async with Page(feed).open() as page:
                    assert names(await page.next()) == ["w1", "w2"]
                await asyncio.sleep(0.2)

    run(test)


def test_a_revoked_grant_ends_the_stream_and_a_smaller_one_starts_it_over(engine: Engine, town: Town) -> None:
    async def test() -> None:
        scopes: list[Scope | None] = [EVERYWHERE]
        async with serving(engine) as feed, Page(feed, permit=lambda _conn: scopes[0]).open() as page:
            assert names(await page.next()) == ["w1", "w2"]
            scopes[0] = subtree(town, "S1")
            again = await page.next()
            assert (again["event"], names(again)) == ("snapshot", ["w1"])
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
                page.viewer.offer(b"event: frame\ndata: {}\n\n")
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
                assert names(await page.next()) == ["w1", "w2"]
            frames = {page.viewer.scope: feed._snapshot(page.viewer.scope) for page in pages}
            assert len(frames) == 1
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


DOT = Dot(
    1, "w", "W", None, None, None, None, None, ("a.b",), "moving", 121.0, 31.0, None, None, None, None, None,
    EVER, EVER, 10, 1.0, 5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, DOT, ([1], [])),
        (DOT, replace(DOT, lon=122.0), ([1], [])),
        (DOT, None, ([], [1])),
        (DOT, replace(DOT, paths=("a.c",)), ([], [1])),
        (replace(DOT, paths=("a.c",)), DOT, ([1], [])),
        (replace(DOT, paths=("a.bc",)), replace(DOT, paths=("a.c",)), ([], [])),
    ],
    ids=["comes", "moves", "off duty", "moves away", "moves in", "elsewhere"],
)
def test_a_frame_says_who_came_moved_and_left_the_scope(
    before: Dot | None, after: Dot | None, told: tuple[list[int], list[int]]
) -> None:
    frame = read_event(tell_frame(Scope(False, ("a.b",)), EVER, [Change(EVER, 1, before, after)]))
    assert ([dot["id"] for dot in frame["dots"]], frame["gone"]) == told


def test_viewers_told_to_start_over_ignore_frames_until_the_snapshot() -> None:
    viewer = Viewer("k", lambda _conn: None, EVERYWHERE)
    viewer.start_over()
    viewer.offer(b"old")
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
