"""What a running service does by itself: the watch over what deserves attention, what was decided for borders whose instant
has come, and every hour the partitions of the days to come, the expired dropped, and the units of told speeds held against
the way that was gone.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from analysis.alerts import WatchRules, watch, watch_rules_of
from analysis.expiry import drop_expired
from analysis.handover import take_effect
from api.coverage_chore import keep_coverage
from core.db import make_engine
from core.errors import WanggeError
from core.settings import Settings
from tracking.devices import check_speed_units

log = logging.getLogger(__name__)

PURGE_S = 3600
WATCH_S = 10
COVER_FIRST_S, COVER_S = 60, 900
_MEASURER = 0x756E6974  # any constant of our own: one process measures at a time
_WATCHMAN = 0x77617463  # any constant of our own: the session that holds it keeps watch
Clock = Callable[[], datetime]


@contextmanager
def chores_done(engine: Engine, settings: Settings, clock: Clock) -> Iterator[None]:
    """Each chore in a thread of its own while the block runs. Of several processes one does it."""
    over = threading.Event()
    chores = (
        threading.Thread(target=_tidy_on, args=(engine, settings, clock, over), name="chores", daemon=True),
        threading.Thread(
            target=_watch_on, args=(engine, watch_rules_of(settings), clock, over), name="watch", daemon=True
        ),
        threading.Thread(
            target=_cover_on, args=(engine, settings, clock, over), name="coverage", daemon=True
        ),
    )
    for chore in chores:
        chore.start()
    try:
        yield
    finally:
        over.set()
        for chore in chores:
            chore.join(10)


def _tidy_on(engine: Engine, settings: Settings, clock: Clock, over: threading.Event) -> None:
    while not over.is_set():
        try:
            drop_expired(engine.begin, clock(), settings, waits=False)
            if not over.wait(PURGE_S):
                measure_some(engine, clock())
        except (
            SQLAlchemyError,
            psycopg.Error,
            OSError,
        ) as error:  # also a full pool: the next hour must come
            _tell(error)
            over.wait(PURGE_S)


def measure_some(engine: Engine, now: datetime) -> None:
    """Some of the devices whose speeds were not measured for a day; nothing while another process does it."""
    with engine.begin() as conn:
        if conn.scalar(select(func.pg_try_advisory_xact_lock(_MEASURER))):
            done = check_speed_units(conn, now)
            log.info(
                "speeds measured", extra={"devices": len(done), "changed": sum(one.changed for one in done)}
            )


def _watch_on(engine: Engine, rules: WatchRules, clock: Clock, over: threading.Event) -> None:
    """Keep watch over a connection of its own, whose session lock keeps the other processes from it; should it break,
    another process takes over.
    """
    own = make_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
    while not over.is_set():
        try:
            with own.connect() as conn:
                is_mine = False
                while not over.is_set():
                    with conn.begin():
                        is_mine = is_mine or bool(conn.scalar(select(func.pg_try_advisory_lock(_WATCHMAN))))
                        if is_mine:
                            watch(conn, clock(), rules)
                            take_effect(conn, clock())
                    over.wait(WATCH_S)
        except (SQLAlchemyError, psycopg.Error) as error:
            _tell(error)
            over.wait(WATCH_S)
    own.dispose()


def _cover_on(engine: Engine, settings: Settings, clock: Clock, over: threading.Event) -> None:
    wait_s = COVER_FIRST_S
    while not over.wait(wait_s):
        wait_s = COVER_S
        try:
            keep_coverage(engine, settings, clock(), over)
        except (SQLAlchemyError, psycopg.Error, WanggeError, OSError) as error:
            _tell(error)


def _tell(error: Exception) -> None:
    log.warning("chores failed", extra={"kind": type(getattr(error, "orig", error)).__name__})
