"""Whether the database answers: asked all the time, so that nobody waits for it once it is gone.

A server that is down refuses at once, and so do we. One that hangs (a stopped machine, a cut cable, a full disk)
would hold every request until its client gives up; here they get 503 within a second and come back later.
"""

import asyncio
import logging
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem
from core.db import driver, make_engine, ping

logger = logging.getLogger(__name__)

EVERY_S: Final = 0.25
LATE_S: Final = 0.6
RETRY_AFTER_S: Final = 2
WITHOUT: Final = ("/healthz", "/metrics", "/static/", "/docs", "/openapi.json", "/v1/fixes", "/v1/ingest")
"""What needs no database begins with one of these, and what looks itself whether it is there: the inbox."""


class Pulse:
    """Asks the database for a sign of life a few times a second, over a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._url = engine.url
        self._asked_at: float | None = None
        self._heard_at = 0.0
        self._refused = False
        self._socket: int | None = None

    @property
    def is_away(self) -> bool:
        """It refused when last asked, or has not answered for too long."""
        if self._refused:
            return True
        asked_at = self._asked_at
        if asked_at is None or time.monotonic() - max(asked_at, self._heard_at) <= LATE_S:
            return False
        return not self._is_answered()

    def _is_answered(self) -> bool:
        """The answer lies there, and the thread that asked has not come to run: this machine is busy, not the database away."""
        if self._socket is None:
            return False
        answers = select.poll()
        answers.register(self._socket, select.POLLIN)
        return any(event == select.POLLIN for _, event in answers.poll(0))

    def hear(self) -> None:
        """Something else was answered just now: nothing need be asked, and on a busy machine a question may be slow."""
        self._heard_at = time.monotonic()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Ask in a thread of its own while the block runs."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over,), name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(1)
            self._asked_at, self._refused = None, False

    def _beat(self, over: threading.Event) -> None:
        engine = make_engine(self._url.render_as_string(hide_password=False), pool_size=1)
        while not over.is_set():
            self._asked_at = time.monotonic()
            try:
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                    self._socket = driver(conn).fileno()
                    self._tell(refused=False)
                    while not over.wait(EVERY_S):
                        if time.monotonic() - self._heard_at < EVERY_S / 2:
                            continue
                        self._asked_at = time.monotonic()
                        ping(conn)
                        self._tell(refused=False)
            except (SQLAlchemyError, psycopg.Error):
                self._socket = None
                self._tell(refused=True)
                over.wait(EVERY_S)
        engine.dispose()

    def _tell(self, *, refused: bool) -> None:
        if refused != self._refused:
            logger.warning("the database is away" if refused else "the database is back")
        self._refused, self._asked_at = refused, None


class _Away:
    """Stands for the route in the log and the metrics."""

    path = "(database away)"


class Gate:
    """Answers 503 while the database is away, also to those who wait for it already."""

    def __init__(self, app: ASGIApp, *, pulse: Pulse) -> None:
        self.app = app
        self.pulse = pulse
        self._waiting: set[asyncio.Future[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(WITHOUT):
            await self.app(scope, receive, send)
            return
        if self.pulse.is_away:
            await self._refuse(scope, receive, send)
            return
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        await self._serve(scope, receive, _Call(send))

    async def _serve(self, scope: Scope, receive: Receive, call: "_Call") -> None:
        """In a task that goes on by itself when nobody waits for it any more: a thread cannot be interrupted."""
        given_up = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self.app(scope, receive, call.send))
        self._waiting.add(given_up)
        try:
            await asyncio.wait({task, given_up}, return_when=asyncio.FIRST_COMPLETED)
            if task.done() or call.started:
                await task
                return
            call.given_up = True
            task.add_done_callback(_forget)
            await self._refuse(scope, receive, call.answer)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._waiting.discard(given_up)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = _Away
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        await Problem(503, "the database does not answer now; try again", headers=headers)(
            scope, receive, send
        )

    async def _look(self) -> None:
        """Let go of those who wait once the database is away; ends when nobody waits."""
        while self._waiting:
            await asyncio.sleep(EVERY_S)
            if self.pulse.is_away:
                for future in self._waiting:
                    if not future.done():
                        future.set_result(None)


class _Call:
    """What was sent of an answer; nothing more once it is given up."""

    __slots__ = ("answer", "given_up", "started")

    def __init__(self, send: Send) -> None:
        self.answer = send
        self.started = self.given_up = False

    async def send(self, message: Message) -> None:
        if not self.given_up:
            self.started = True
            await self.answer(message)


def _forget(task: asyncio.Future[None]) -> None:
    """Whatever became of it: its client was answered."""
    with suppress(asyncio.CancelledError):
        if (error := task.exception()) is not None:
            logger.info("given up", extra={"kind": type(error).__name__})
