"""The bell "edition": rung when an edition is published, heard over a lookup's own connection to the database."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from core.db import driver, listen, make_engine

_LOOK_ANYWAY_S = 10.0
"""A connection may die unheard (a router between): after this long the editions are read though no bell rang."""
_RETRY_S = 1.0


class EditionBell:
    """A connection outside the pool, so that no request waits for another's, and the bell heard over it.

    Over a single connection (`source` is one) there is no bell: it may be rung inside its own transaction, so
    `rang` is always true.
    """

    def __init__(self, source: Engine | Connection) -> None:
        self._given = source if isinstance(source, Connection) else None
        self._engine = None if isinstance(source, Connection) else _of_its_own(source)
        self._open: Connection | None = None
        self._lock = RLock()
        self._rung = False
        self._next_look_at = 0.0

    def close(self) -> None:
        with self._lock:
            self._drop()
            if self._engine is not None:
                self._engine.dispose()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The connection, for one thread at a time; a lost one is opened again the next time."""
        with self._lock:
            try:
                yield self._given or self._connected()
            except DBAPIError:
                self._drop()
                self._next_look_at = time.monotonic() + _RETRY_S
                raise

    def rang(self) -> bool:
        """Whether the bell may have rung since this was last true. Costs microseconds, and never waits."""
        if self._given is not None:
            return True
        if not self._lock.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            rung, self._rung = self._rung or self._heard() or now >= self._next_look_at, False
            if rung:
                self._next_look_at = now + _LOOK_ANYWAY_S
            return rung
        finally:
            self._lock.release()

    def _connected(self) -> Connection:
        if self._open is None:
            if self._engine is None:
                raise RuntimeError("closed")
            self._open = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            driver(self._open).add_notify_handler(self._hear)
            listen(self._open, "edition")
            self._next_look_at = time.monotonic() + _LOOK_ANYWAY_S
        return self._open

    def _hear(self, _notify: psycopg.Notify) -> None:
        """A ring that arrived while a statement ran."""
        self._rung = True

    def _heard(self) -> bool:
        """A ring that waits in the socket, or the end of the connection."""
        if self._open is None:
            return False
        raw = driver(self._open).pgconn
        waiting = select.poll()  # select() knows no descriptor above 1023, and pages hold many
        waiting.register(raw.socket, select.POLLIN)
        if not waiting.poll(0):
            return False
        try:
            raw.consume_input()
            return any(iter(raw.notifies, None))
        except psycopg.OperationalError:
            self._drop()
            return True

    def _drop(self) -> None:
        if self._open is not None:
            self._open.invalidate()
            self._open.close()
            self._open = None


def _of_its_own(engine: Engine) -> Engine:
    return make_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
