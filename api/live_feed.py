"""The live feed: who is where, read once a process and fanned out to every open page from memory.

One LISTEN connection hears the bell; a read follows at most once a second, and every few seconds a sweep
finds what only time changed (stale, off shift). Frames are encoded once per scope. A viewer holds no
database connection; one that reads too slowly loses its waiting frames and gets a fresh snapshot.
"""

import asyncio
import logging
import signal
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from api.live_frames import Change, is_same, tell_frame, tell_snapshot
from core.db import hear
from people.access import Scope
from tracking.ingest import BELL
from tracking.live import Dot, changed_dots, snapshot_dots

logger = logging.getLogger(__name__)

FRAME_S: Final = 1.0
SWEEP_S: Final = 5.0
TICK_S: Final = 10.0
RECHECK_S: Final = 20.0
RECONNECT_S: Final = 2.0
MOST_WAITING: Final = 20
OVERLAP: Final = timedelta(seconds=15)
"""A resumed viewer gets again what changed this long before its cursor: longer than any process takes to see it."""
REMEMBERED: Final = timedelta(minutes=10)

Permit = Callable[[Connection], Scope | None]
"""Asks again what a viewer may see; None: nothing any more."""


@dataclass(eq=False)
class Viewer:
    """One open page: its scope and the frames that wait for it."""

    key: str
    permit: Permit
    scope: Scope
    waiting: deque[bytes] = field(default_factory=deque)
    wants_snapshot: bool = False
    ended: bool = False
    refused: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: bytes) -> None:
        """Queue a frame; too many waiting are given up for a snapshot."""
        if len(self.waiting) >= MOST_WAITING:
            self.start_over()
        elif not self.wants_snapshot:
            self.waiting.append(frame)
            self.wake.set()

    def start_over(self) -> None:
        self.waiting.clear()
        self.wants_snapshot = True
        self.wake.set()

    def end(self, *, refused: bool = False) -> None:
        """Finish the stream; a page that is refused is told so, any other comes back by itself."""
        self.waiting.clear()
        self.ended, self.refused = True, refused
        self.wake.set()


class LiveFeed:
    """The dots of everybody on shift as last read, and the viewers of this process."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.clock = clock
        self.viewers: set[Viewer] = set()
        self.dots: dict[int, Dot] = {}
        self.read_at: datetime | None = None
        self._steady_since: datetime | None = None
        self._cursor: int | None = None
        self._changes: deque[Change] = deque()
        self._snapshots: dict[Scope, bytes] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._make_events()

    def _make_events(self) -> None:
        self._rung = asyncio.Event()
        self._watched = asyncio.Event()
        self._ready = asyncio.Event()

    # The viewers' side.

    @asynccontextmanager
    async def watch(
        self, key: str, permit: Permit, scope: Scope, since: datetime | None
    ) -> AsyncIterator[Viewer]:
        """A viewer for as long as the block lasts, with what it missed since its cursor or a snapshot waiting."""
        self._start()
        viewer = Viewer(key, permit, scope)
        self._watched.set()
        if not self._ready.is_set():
            self._rung.set()
        await self._ready.wait()
        missed = self._missed(scope, since)
        if missed is None:
            viewer.start_over()
        else:
            viewer.offer(missed)
        self.viewers.add(viewer)
        try:
            yield viewer
        finally:
            self.viewers.discard(viewer)
            if not self.viewers:
                self._watched.clear()
                self._ready.clear()

    async def frames(self, viewer: Viewer) -> AsyncIterator[bytes]:
        """The viewer's events, for ever; the last one says `end` when it may see nothing any more."""
        yield b"retry: 2000\n\n"
        while True:
            if viewer.ended:
                if viewer.refused:
                    yield b"event: end\ndata: {}\n\n"
                return
            if viewer.wants_snapshot:
                viewer.wants_snapshot = False
                yield self._snapshot(viewer.scope)
            elif viewer.waiting:
                yield viewer.waiting.popleft()
            else:
                viewer.wake.clear()
                await viewer.wake.wait()

    def _snapshot(self, scope: Scope) -> bytes:
        """Everything in the scope as one event; the same bytes for all its viewers."""
        if scope not in self._snapshots:
            self._snapshots[scope] = tell_snapshot(scope, self.read_at or self.clock(), self.dots.values())
        return self._snapshots[scope]

    def _missed(self, scope: Scope, since: datetime | None) -> bytes | None:
        """What changed since a cursor; None when that is not known any more."""
        if since is None or self.read_at is None or self._steady_since is None or since > self.read_at:
            return None
        begin = since - OVERLAP
        if begin < self._steady_since or begin < self.read_at - REMEMBERED:
            return None
        return tell_frame(scope, self.read_at, [change for change in self._changes if change.at >= begin])

    # The reading side.

    def _start(self) -> None:
        """Begin with the first viewer, in the loop that runs; and again should a loop have ended."""
        if self._tasks and not any(task.done() for task in self._tasks):
            return
        self._make_events()
        self._forget()
        loops = (self._listen(), self._read_on(), self._recheck_on())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """End every stream and every task."""
        self.end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @contextmanager
    def ending_on_signals(self) -> Iterator[None]:
        """Inside, the signals that stop the server also end the streams: it would wait for them otherwise."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.end_streams)
            if callable(handler := before[signal.Signals(number)]):
                handler(number, frame)

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end_streams(self) -> None:
        """Let the open answers finish, so that the server can stop; browsers come back by themselves."""
        for viewer in self.viewers:
            viewer.end()

    async def _listen(self) -> None:
        """Keep one ear on the bell while somebody watches."""
        while True:
            await self._watched.wait()
            try:
                async for _bell in hear(self.engine.url, BELL):
                    self._rung.set()
            except (psycopg.Error, OSError) as error:
                logger.warning("the live bell is not heard", extra={"kind": type(error).__name__})
            await asyncio.sleep(RECONNECT_S)

    async def _read_on(self) -> None:
        """Read after a bell, at most once a second, and sweep when it is time."""
        loop = asyncio.get_running_loop()
        swept = told = 0.0
        while True:
            if not self._watched.is_set():
                self._forget()
                swept = 0.0
            await self._watched.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), 0 if swept == 0 else SWEEP_S)
            self._rung.clear()
            started = loop.time()
            sweeps = started - swept >= SWEEP_S
            try:
                changes = await asyncio.to_thread(self._read, sweeps=sweeps)
            except (SQLAlchemyError, psycopg.Error) as error:
                logger.warning("the live positions cannot be read", extra={"kind": type(error).__name__})
                await asyncio.sleep(RECONNECT_S)
                continue
            swept = started if sweeps else swept
            is_due = started - told >= TICK_S
            if changes or is_due:
                told = started
                self._tell(changes, tick=is_due)
            self._ready.set()
            await asyncio.sleep(FRAME_S)

    def _forget(self) -> None:
        """Nobody watched for a while: what is held is old."""
        self.dots, self._cursor, self._steady_since = {}, None, None
        self._changes.clear()
        self._snapshots.clear()
        self._ready.clear()

    def _read(self, *, sweeps: bool) -> list[Change]:
        """Bring `dots` up to date; a sweep reads everything, otherwise what changed since the last read."""
        now = self.clock()
        with self.engine.connect() as conn:
            if sweeps or self._cursor is None:
                read = snapshot_dots(conn, None, now)
            else:
                read = changed_dots(conn, self._cursor, None, now)
        found: dict[int, Dot | None] = {dot.person_id: _on_duty(dot) for dot in read.dots}
        if sweeps:
            found |= dict.fromkeys(self.dots.keys() - found.keys())
        changes = [Change(now, key, self.dots.get(key), dot) for key, dot in found.items()]
        changes = [change for change in changes if not is_same(change.before, change.after)]
        after = self.dots | {change.person_id: change.after for change in changes}
        is_first = self._steady_since is None
        self.dots = {key: dot for key, dot in after.items() if dot is not None}
        self._cursor, self.read_at = read.cursor, now
        self._steady_since = now if is_first else self._steady_since
        return [] if is_first else changes

    def _tell(self, changes: list[Change], *, tick: bool) -> None:
        """One frame per scope to its viewers; where nothing changed only the tick, which proves the feed lives."""
        at = self.read_at or self.clock()
        self._snapshots.clear()
        self._changes.extend(changes)
        while self._changes and self._changes[0].at < at - REMEMBERED:
            self._changes.popleft()
        by_scope: dict[Scope, list[Viewer]] = defaultdict(list)
        for viewer in self.viewers:
            by_scope[viewer.scope].append(viewer)
        for scope, viewers in by_scope.items():
            frame = tell_frame(scope, at, changes, tick=tick)
            for viewer in viewers if frame else ():
                viewer.offer(frame)

    async def _recheck_on(self) -> None:
        """Ask again, several times a minute, what each viewer may see."""
        while True:
            await asyncio.sleep(RECHECK_S)
            permits = {viewer.key: viewer.permit for viewer in self.viewers}
            if not permits:
                continue
            try:
                scopes = await asyncio.to_thread(self._ask_permits, permits)
            except (SQLAlchemyError, psycopg.Error) as error:
                logger.warning("grants cannot be read", extra={"kind": type(error).__name__})
                continue
            for viewer in self.viewers:
                self._apply(viewer, scopes.get(viewer.key, viewer.scope))

    def _ask_permits(self, permits: dict[str, Permit]) -> dict[str, Scope | None]:
        with self.engine.connect() as conn:
            return {key: permit(conn) for key, permit in permits.items()}

    def _apply(self, viewer: Viewer, scope: Scope | None) -> None:
        if scope is None:
            viewer.end(refused=True)
        elif scope != viewer.scope:
            viewer.scope = scope
            viewer.start_over()


def _on_duty(dot: Dot) -> Dot | None:
    """Off shift nobody is shown."""
    return None if dot.state == "off_shift" else dot
