"""What a running service does by itself: the partitions of the days to come, and what has expired dropped."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.settings import Settings
from tracking.purge import retention_of, tidy

log = logging.getLogger(__name__)

EVERY_S = 3600


@contextmanager
def chores_done(engine: Engine, settings: Settings, clock: Callable[[], datetime]) -> Iterator[None]:
    """At once and every hour, in a thread of its own, while the block runs. Of several processes one does it."""
    over = threading.Event()
    thread = threading.Thread(target=_run, args=(engine, settings, clock, over), name="chores", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def _run(engine: Engine, settings: Settings, clock: Callable[[], datetime], over: threading.Event) -> None:
    while not over.is_set():
        try:
            with engine.begin() as conn:
                tidy(conn, clock(), retention_of(settings))
        except (SQLAlchemyError, psycopg.Error) as error:  # also a full pool: the next hour must come
            log.warning("chores failed", extra={"kind": type(getattr(error, "orig", error)).__name__})
        over.wait(EVERY_S)
