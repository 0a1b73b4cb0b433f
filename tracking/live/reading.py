"""What the wall needs to know, read from the database: who is on shift, and what moved since a reader last looked.

A cursor is the reader's snapshot. What it could not see yet, whether or not the transaction had begun, is new to it:
a change whose transaction commits late is never skipped, and none is given twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, func, select

from core.db import plan_for_values, sql_file
from tracking.live.dots import Dot, Held, Position, Sign, Standing, make_dot
from tracking.tables import sos

EVERYTHING = "3:3:"
"""The cursor of a reader that has seen nothing: no transaction of a user is older than 3."""


def read_cursor(conn: Connection) -> str:
    """What a reader sees now; take it first, then read since the one before."""
    return str(conn.scalar(select(cast(func.pg_current_snapshot(), Text))))


def read_standing(
    conn: Connection,
    now: datetime,
    *,
    persons: Sequence[int] | None = None,
    paths: Sequence[str] | None = None,
) -> Sequence[Row[Any]]:
    """A row for everybody on shift, or for these persons on shift or not, by code: see `standing_of`. The person's id
    comes first, and last whether there is a last fix.

    `paths`: ltree paths of unit subtrees to keep to, by where people serve now. Untracked roles are left out.
    """
    wanted = {
        "now": now,
        "persons": None if persons is None else list(persons),
        "paths": None if paths is None else list(paths),
    }
    return conn.execute(sql_file("tracking", "standing"), wanted).all()


def standing_of(row: Row[Any]) -> Standing:
    """What a row of `read_standing` says."""
    held = zip(
        row.device_id or (), row.interval_s or (), row.heartbeat_s or (), row.held_since or (), strict=True
    )
    return Standing(
        person_id=row.person_id,
        person_code=row.person_code,
        name=row.name,
        role=row.role,
        role_name=row.role_name,
        unit_code=row.unit_code,
        unit_name=row.unit_name,
        paths=tuple(sorted(set(row.paths or ()))),
        since=row.since,
        until=row.until,
        held=tuple(Held(*one) for one in held),
    )


def read_positions(
    conn: Connection, since: str = EVERYTHING, persons: Sequence[int] | None = None
) -> Iterator[Position]:
    """Last fixes changed since the cursor, of everybody or of these persons."""
    wanted = {"since": since, "persons": None if persons is None else list(persons)}
    return (Position(*row) for row in conn.execute(sql_file("tracking", "positions"), wanted))


def read_signs(
    conn: Connection, since: str = EVERYTHING, devices: Sequence[int] | None = None
) -> Iterator[Sign]:
    """Signs of life changed since the cursor, of every device or of these."""
    wanted = {"since": since, "devices": None if devices is None else list(devices)}
    return (Sign(*row) for row in conn.execute(sql_file("tracking", "signs"), wanted))


def mark_of_calls(conn: Connection) -> tuple[object, ...]:
    """Another value once somebody called for help, or a call was acknowledged. Costs next to nothing."""
    return tuple(conn.execute(select(func.max(sos.c.id), func.max(sos.c.acknowledged_at))).one())


def snapshot_dots(conn: Connection, paths: Sequence[str] | None, now: datetime) -> list[Dot]:
    """Everybody on shift who serves in these subtrees (None: anywhere), by person code."""
    plan_for_values(conn)
    return _put_together(conn, [standing_of(row) for row in read_standing(conn, now, paths=paths)], now)


def dots_of(conn: Connection, persons: Sequence[int], now: datetime) -> dict[int, Dot]:
    """The dots of these persons by their ids, on shift or not, whoever asks; those in no tracked role have none."""
    if not persons:
        return {}
    plan_for_values(conn)
    standing = [standing_of(row) for row in read_standing(conn, now, persons=persons)]
    return {dot.person_id: dot for dot in _put_together(conn, standing, now)}


def _put_together(conn: Connection, standing: Sequence[Standing], now: datetime) -> list[Dot]:
    persons = [one.person_id for one in standing]
    devices = [held.device_id for one in standing for held in one.held]
    positions = {one.person_id: one for one in read_positions(conn, EVERYTHING, persons)}
    signs = {one.device_id: one for one in read_signs(conn, EVERYTHING, devices)}
    return [make_dot(one, positions.get(one.person_id), signs, now) for one in standing]
