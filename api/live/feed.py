"""The live feed: who is where, read once a process and fanned out to every open page from memory.

One LISTEN connection hears the bell; a read follows at most once a second, and now and then a sweep finds
who came on duty or serves elsewhere. A viewer holds no database connection; one that reads too slowly
loses its waiting frames and gets a fresh snapshot.
"""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Final

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from analysis.alerts import Alert
from api import metrics
from api.live.board import Board, Cursor, News, Roots
from api.live.rail import Rail
from api.live.viewers import Frame, Permit, Viewer, count
from core.db import hear
from people.access import Scope
from tracking.ingest import BELL
from tracking.live import Changes, LiveMap

logger = logging.getLogger(__name__)

FRAME_S: Final = 1.0
SWEEP_S: Final = 5.0
LONGEST_SWEEP_S: Final = 20.0
SWEEP_SHARE: Final = 0.02
"""A sweep that takes long comes less often: at most this share of the time goes to sweeping."""
DEAF_SHARE: Final = 0.9
"""After a bell nobody listens for so much of a frame: it rings for every transaction, and the next read answers them all."""
TICK_S: Final = 10.0
RECHECK_S: Final = 20.0
RECONNECT_S: Final = 2.0
LINGER_S: Final = 60.0
"""The feed goes on for so long without a viewer: a page that lost its stream comes back to what it missed."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one read found; `alerts` None: not looked at this time."""

    at: datetime
    changes: Changes
    alerts: list[Alert] | None


class LiveFeed:
    """The dots of everybody on shift as last read, and the viewers of this process."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.clock = clock
        self.viewers: set[Viewer] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._rung = asyncio.Event()
        self._watched = asyncio.Event()
        self._news = asyncio.Condition()
        self._empty_since: float | None = None
        self._forget()

    def _forget(self) -> None:
        """Nobody watched for a while: what is held is old."""
        self.board = Board()
        self.rail = Rail()
        self._map = LiveMap()
        self._snapshots: dict[Roots, bytes] = {}

    # The viewers' side.

    @asynccontextmanager
    async def watch(
        self, key: str, permit: Permit, scope: Scope, since: Cursor | None
    ) -> AsyncIterator[Viewer]:
        """A viewer for as long as the block lasts, with what it missed since its cursor or a snapshot waiting."""
        self._start()
        viewer = Viewer(key, permit, scope)
        self._arrive(viewer)
        try:
            await self._wait_for_a_read()
            missed = None if since is None else self.board.tell_missed(viewer.roots, since)
            viewer.waiting.clear()
            if missed is None:
                viewer.start_over()
            else:
                told_at = asyncio.get_running_loop().time()
                viewer.offer(Frame(missed, told_at))
                viewer.offer(Frame(self.rail.tell(scope), told_at))
            yield viewer
        finally:
            self._leave(viewer)

    def _arrive(self, viewer: Viewer) -> None:
        self.viewers.add(viewer)
        self._empty_since = None
        if not self._watched.is_set():
            self._watched.set()
        if self.board.at is None:
            self._rung.set()
        metrics.VIEWERS.set(len(self.viewers))

    def _leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)
        if not self.viewers:
            self._empty_since = asyncio.get_running_loop().time()
        metrics.VIEWERS.set(len(self.viewers))

    async def _wait_for_a_read(self) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self.board.at is not None)

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
                yield self._counted(self.tell_snapshot(viewer.roots))
                yield self._counted(self.rail.tell(viewer.scope))
            elif viewer.waiting:
                yield self._counted(viewer.waiting.popleft().event)
            else:
                viewer.wake.clear()
                viewer.rests = True
                await viewer.wake.wait()
                viewer.rests = False

    def _counted(self, event: bytes) -> bytes:
        count(event)
        return event

    def tell_snapshot(self, roots: Roots) -> bytes:
        """Everybody in the scope as one event; the same bytes for all its viewers."""
        if roots not in self._snapshots:
            self._snapshots[roots] = self.board.tell_snapshot(roots)
        return self._snapshots[roots]

    # The reading side.

    def _start(self) -> None:
        """Begin with the first viewer, in the loop that runs; and again should a loop have ended."""
        if self._tasks and not any(task.done() for task in self._tasks):
            return
        self._begin_anew()
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
                    await asyncio.sleep(DEAF_SHARE * FRAME_S)
            except (psycopg.Error, OSError) as error:
                logger.warning("the live bell is not heard", extra={"kind": type(error).__name__})
            await asyncio.sleep(RECONNECT_S)

    async def _read_on(self) -> None:
        """Read after a bell and when a state falls due, at most once a second; sweep when it is time and may be."""
        loop = asyncio.get_running_loop()
        sweep_due = told = 0.0
        while True:
            if self._is_left_alone():
                self._watched.clear()
                self._forget()
            if not self._watched.is_set():
                await self._watched.wait()
                sweep_due = 0.0
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), FRAME_S)
            self._rung.clear()
            started = loop.time()
            sweeps = started >= sweep_due
            try:
                read = await asyncio.to_thread(self._read, sweeps=None if sweeps else False)
            except (SQLAlchemyError, psycopg.Error) as error:
                logger.warning("the live positions cannot be read", extra={"kind": type(error).__name__})
                await asyncio.sleep(RECONNECT_S)
                continue
            if self._map.swept:
                took_s = loop.time() - started
                sweep_due = started + min(max(SWEEP_S, took_s / SWEEP_SHARE), LONGEST_SWEEP_S)
            told = await self._spread(read, started, told)
            await asyncio.sleep(FRAME_S - min(loop.time() - started, FRAME_S / 2))

    def _is_left_alone(self) -> bool:
        """For long enough to stop; at once when nothing could be read yet."""
        if self.viewers or self._empty_since is None or not self._watched.is_set():
            return False
        return self.board.at is None or asyncio.get_running_loop().time() - self._empty_since > LINGER_S

    def _read(self, *, sweeps: bool | None) -> Read:
        """`sweeps` None: when it is due, False: not now."""
        began = time.perf_counter()
        with self.engine.connect() as conn:
            at = self.clock()  # after the connection: what is committed by then is seen
            changes = self._map.read(conn, at, sweeps=sweeps)
            read = Read(at, changes, self.rail.read(conn, at))
        metrics.READ.labels(str(self._map.swept).lower()).observe(time.perf_counter() - began)
        return read

    async def _spread(self, read: Read, started: float, told: float) -> float:
        """Take what was read to the board and tell the viewers; returns when they were last told of dots."""
        is_first, is_due = self.board.at is None, started - told >= TICK_S
        news = self.board.take(read.changes, read.at)
        self._snapshots.clear()
        if not is_first and (read.changes or is_due):
            told = started
            self._tell(news, started, tick=is_due)
        if self.rail.take(read.alerts, read.at):
            for viewer in self.viewers:
                viewer.offer(Frame(self.rail.tell(viewer.scope), started))
        async with self._news:
            self._news.notify_all()
        return told

    def _tell(self, news: News, started: float, *, tick: bool) -> None:
        """One frame per scope to its viewers; where nothing changed only the tick, which proves the feed lives."""
        frames: dict[Roots, Frame] = {}
        oldest = started
        for viewer in self.viewers:
            if viewer.roots not in frames:
                frames[viewer.roots] = Frame(news.tell_frame(viewer.roots, tick=tick), started)
            if (frame := frames[viewer.roots]).event:
                viewer.offer(frame)
            if viewer.waiting:
                oldest = min(oldest, viewer.waiting[0].read_at)
        metrics.UNSENT_AGE.set(started - oldest)

    async def _recheck_on(self) -> None:
        """Ask again, several times a minute, what each viewer may see."""
        while True:
            await asyncio.sleep(RECHECK_S)
            asked = {viewer.key: (viewer.permit, viewer.scope) for viewer in self.viewers}
            if not asked:
                continue
            try:
                scopes = await asyncio.to_thread(self._ask_permits, asked)
            except (SQLAlchemyError, psycopg.Error) as error:
                logger.warning("grants cannot be read", extra={"kind": type(error).__name__})
                continue
            for viewer in self.viewers:
                self._apply(viewer, scopes.get(viewer.key, viewer.scope))

    def _ask_permits(self, asked: dict[str, tuple[Permit, Scope]]) -> dict[str, Scope | None]:
        with self.engine.begin() as conn:
            return {key: permit(conn, scope) for key, (permit, scope) in asked.items()}

    def _apply(self, viewer: Viewer, scope: Scope | None) -> None:
        if scope is None:
            viewer.end(refused=True)
        elif scope != viewer.scope:
            viewer.move_to(scope)
