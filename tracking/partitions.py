"""Partitions by UTC day of `fix` (by fix time) and `raw_report` (by receipt): made ahead, and for any day when needed."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from psycopg import sql
from sqlalchemy import Connection, Table, func, select

from core.db import driver, sql_file
from tracking.tables import fix, raw_report

PARTITIONED_BY = {"fix": "fixed_at", "raw_report": "received_at"}
_LOCK = 0x66697800  # any constant of our own: one maker of partitions at a time


def partition_name(table: Table, day: date) -> str:
    return f"{table.name}_{day:%Y%m%d}"


def ensure_partitions(conn: Connection, table: Table, days: Iterable[date]) -> list[date]:
    """Make what is missing of these days; returns those made. Safe beside others that do the same.

    A table is made first and attached then, which lets reading and writing of the other days go on;
    the lock keeps two makers apart and is taken only when something is missing.
    """
    wanted = sorted(set(days))
    missing = _missing(conn, table, wanted)
    if missing:
        conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        missing = _missing(conn, table, missing)
    for day in missing:
        _make(conn, table, day)
    return missing


def make_ahead(conn: Connection, now: datetime, days: int = 3) -> int:
    """Make the partitions of today and the next days; returns how many were made."""
    coming = [now.astimezone(UTC).date() + timedelta(days=n) for n in range(days + 1)]
    return len(ensure_partitions(conn, fix, coming)) + len(ensure_partitions(conn, raw_report, coming))


def _missing(conn: Connection, parent: Table, days: list[date]) -> list[date]:
    if not days:
        return []
    names = [partition_name(parent, day) for day in days]
    found = set(conn.execute(sql_file("tracking", "tables_there"), {"names": names}).scalars())
    return [day for day, name in zip(days, names, strict=True) if name not in found]


def _make(conn: Connection, table: Table, day: date) -> None:
    name, parent = sql.Identifier(partition_name(table, day)), sql.Identifier(table.name)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    bounds = (sql.Literal(start.isoformat()), sql.Literal((start + timedelta(days=1)).isoformat()))
    raw = driver(conn)
    raw.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, parent))
    raw.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            parent, name, *bounds
        )
    )


def stored_days(conn: Connection, table: Table) -> list[date]:
    """The days that have a partition, oldest first."""
    found = driver(conn).execute(
        sql.SQL("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = {}::regclass").format(
            sql.Literal(table.name)
        )
    )
    names = [str(name).rpartition("_")[2] for (name,) in found]
    return sorted(datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in names)
