"""What has expired goes: fixes, payloads, last positions, signs of life, places of answered calls. Counts of the dropped stay, they name nobody.

An age is counted from the later of fix time and receipt, so a day's partition is dropped whole once nothing
in it is young; until then its expired rows are deleted.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select

from core.db import driver
from core.settings import Settings
from tracking.partitions import PARTITIONED_BY, make_ahead, partition_name, stored_days
from tracking.roster import forget_roster_changes
from tracking.sos import forget_places
from tracking.tables import device_heard, fix, last_fix, raw_report

log = logging.getLogger(__name__)

Begin = Callable[[], AbstractContextManager[Connection]]

LONGEST_WAIT: Final = "500ms"
"""Under PostgreSQL's deadlock_timeout of one second."""
_LOCK = 0x66697801  # any constant of our own: one purge at a time


@dataclass(frozen=True, slots=True)
class Retention:
    """How long fixes, payloads as received, and the places of answered calls for help are kept."""

    fixes: timedelta
    raw_reports: timedelta
    sos_places: timedelta


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind went, and how many of them by whole partitions; `put_off`: partitions in use, for which
    the next purge is soon enough.
    """

    fixes: int
    raw_reports: int
    partitions: int
    put_off: int
    last_fixes: int
    sos_places: int


def retention_of(settings: Settings) -> Retention:
    return Retention(
        timedelta(days=settings.fix_days),
        timedelta(days=settings.raw_report_days),
        timedelta(days=settings.sos_days),
    )


def purge_expired(begin: Begin, now: datetime, retention: Retention, *, waits: bool = True) -> Purged | None:
    """Make the partitions of the days to come and drop what was kept long enough; reports how much, to the caller and to
    the log. Each partition in a transaction of its own, so that a writer never waits for more than one day's.

    `begin` opens a transaction that commits at its end. While another purge is at work: None, or waits for its step.
    """
    with begin() as conn:
        if not _is_first(conn, waits=waits):
            return None
        make_ahead(conn, now)
    fixes = _purge(begin, fix, now - retention.fixes)
    raw = _purge(begin, raw_report, now - retention.raw_reports)
    with begin() as conn:
        last = _purge_latest(conn, now - retention.fixes)
        places = forget_places(conn, now - retention.sos_places)
        forget_roster_changes(conn)
    done = Purged(
        fixes.rows, raw.rows, fixes.partitions + raw.partitions, fixes.put_off + raw.put_off, last, places
    )
    log.info("purged", extra={**asdict(done), "before": now - retention.fixes})
    return done


def _is_first(conn: Connection, *, waits: bool) -> bool:
    if waits:
        conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        return True
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one())


def _purge_latest(conn: Connection, before: datetime) -> int:
    """Last positions and signs of life."""
    last = conn.execute(delete(last_fix).where(last_fix.c.fixed_at < before, last_fix.c.received_at < before))
    conn.execute(
        delete(device_heard).where(device_heard.c.heard_at < before, device_heard.c.received_at < before)
    )
    return last.rowcount


@dataclass
class _Gone:
    rows: int = 0
    partitions: int = 0
    put_off: int = 0


def _purge(begin: Begin, table: Table, before: datetime) -> _Gone:
    """What goes of the rows whose fix and receipt are both before the instant."""
    with begin() as conn:
        days = stored_days(conn, table)
    gone = _Gone()
    for day in days:
        if datetime(day.year, day.month, day.day, tzinfo=UTC) >= before:
            break
        try:
            with begin() as conn:
                conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                rows, whole = _purge_day(conn, table, day, before)
        except psycopg.errors.LockNotAvailable:
            gone.put_off += 1  # somebody reads or writes that day: nobody shall wait for a purge
        else:
            gone.rows, gone.partitions = gone.rows + rows, gone.partitions + whole
    return gone


def _purge_day(conn: Connection, table: Table, day: date, before: datetime) -> tuple[int, bool]:
    """(rows gone, whether with the whole partition). One that can go is counted again under a lock that keeps writers
    from it, so that nothing is stored in what is dropped.

    Dropping needs the parent too. A writer who waits for this day holds that one, and the wait for it ends before the
    server would call it a deadlock and might end the writer.
    """
    if day not in stored_days(conn, table):
        return 0, False  # another purge dropped it meanwhile
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    key = table.c[PARTITIONED_BY[table.name]]
    own = and_(key >= start, key < start + timedelta(days=1))
    expired = and_(table.c.fixed_at < before, table.c.received_at < before)
    total, old = _count(conn, table, own, expired)
    if total == old and start + timedelta(days=1) <= before:
        conn.execute(select(func.set_config("lock_timeout", LONGEST_WAIT, True)))
        name = sql.Identifier(partition_name(table, day))
        driver(conn).execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(name))
        total, old = _count(conn, table, own, expired)
        if total == old:
            driver(conn).execute(sql.SQL("DROP TABLE {}").format(name))
            return old, True
    if old:
        return conn.execute(delete(table).where(own, expired)).rowcount, False
    return 0, False


def _count(
    conn: Connection, table: Table, own: ColumnElement[bool], expired: ColumnElement[bool]
) -> tuple[int, int]:
    """All rows of a day, and the expired ones of them."""
    query = select(func.count(), func.count().filter(expired)).select_from(table).where(own)
    total, old = conn.execute(query).one()
    return total, old
