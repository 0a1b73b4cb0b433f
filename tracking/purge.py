"""What has expired goes: fixes, payloads, last positions and signs of life. Counts of the dropped stay, they name nobody.

An age is counted from the later of fix time and receipt, so a day's partition is dropped whole once nothing
in it is young; until then its expired rows are deleted.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import sql
from sqlalchemy import Connection, Table, and_, delete, func, select

from core.db import driver
from core.settings import Settings
from tracking.partitions import PARTITIONED_BY, make_ahead, partition_name, stored_days
from tracking.tables import device_heard, fix, last_fix, raw_report

log = logging.getLogger(__name__)

_LOCK = 0x66697801  # any constant of our own: one purge at a time


@dataclass(frozen=True, slots=True)
class Retention:
    """How long fixes and payloads as received are kept."""

    fixes: timedelta
    raw_reports: timedelta


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind went, and how many of them by whole partitions."""

    fixes: int
    raw_reports: int
    partitions: int
    last_fixes: int


def retention_of(settings: Settings) -> Retention:
    return Retention(timedelta(days=settings.fix_days), timedelta(days=settings.raw_report_days))


def tidy(conn: Connection, now: datetime, retention: Retention) -> Purged | None:
    """What a running service does every hour: partitions made ahead, the expired dropped. None when another does it now."""
    if not conn.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one():
        return None
    make_ahead(conn, now)
    return purge_expired(conn, now, retention)


def purge_expired(conn: Connection, now: datetime, retention: Retention) -> Purged:
    """Drop what was kept long enough; reports how much, to the caller and to the log. Waits for another purge."""
    conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    fixes, fix_days = _purge(conn, fix, now - retention.fixes)
    raw, raw_days = _purge(conn, raw_report, now - retention.raw_reports)
    before = now - retention.fixes
    last = conn.execute(delete(last_fix).where(last_fix.c.fixed_at < before, last_fix.c.received_at < before))
    conn.execute(
        delete(device_heard).where(device_heard.c.heard_at < before, device_heard.c.received_at < before)
    )
    done = Purged(fixes, raw, fix_days + raw_days, last.rowcount)
    log.info(
        "purged",
        extra={
            "fixes": done.fixes,
            "raw_reports": done.raw_reports,
            "partitions": done.partitions,
            "before": before,
        },
    )
    return done


def _purge(conn: Connection, table: Table, before: datetime) -> tuple[int, int]:
    """(rows, whole partitions) gone of those whose fix and receipt are both before the instant.

    Each partition is locked before it is looked at, so that nothing can be stored in one that is dropped.
    """
    key = table.c[PARTITIONED_BY[table.name]]
    expired = and_(table.c.fixed_at < before, table.c.received_at < before)
    rows = partitions = 0
    for day in stored_days(conn, table):
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if start >= before:
            break
        own = and_(key >= start, key < start + timedelta(days=1))
        name = sql.Identifier(partition_name(table, day))
        driver(conn).execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
        total, old = conn.execute(
            select(func.count(), func.count().filter(expired)).select_from(table).where(own)
        ).one()
        rows += old
        if total == old and start + timedelta(days=1) <= before:
            driver(conn).execute(sql.SQL("DROP TABLE {}").format(name))
            partitions += 1
        elif old:
            conn.execute(delete(table).where(own, expired))
    return rows, partitions
