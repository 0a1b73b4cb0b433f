"""What the wall needs to know, read from the database: who is on shift, and what moved since a reader last looked.

A cursor is the reader's snapshot. What it could not see yet, whether or not the transaction had begun, is new to it:
a change whose transaction commits late is never skipped, and none is given twice.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select

from core.db import plan_for_values, read_arrays, sql_file
from geo.tables import unit_version
from people.tables import shift
from tracking.live.dots import Dot, Held, Position, Sign, Standing, make_dot
from tracking.roster import EVERYTHING
from tracking.tables import sos


def read_next_shift(conn: Connection, now: datetime) -> datetime | None:
    """When the next shift begins."""
    found: datetime | None = conn.scalar(select(func.min(shift.c.starts_at)).where(shift.c.starts_at > now))
    return found


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
    conn: Connection,
    since: str = EVERYTHING,
    persons: Sequence[int] | None = None,
    codes: dict[int, str] | None = None,
) -> list[Position]:
    """Last fixes changed since the cursor, of everybody or of these persons.

    `codes`: of unit versions by id, as far as they were looked up before; what is missing is added.
    """
    wanted = {"since": since, "persons": None if persons is None else list(persons)}
    person_id, device_id, fixed_us, *rest, charging, moving, version = read_arrays(
        conn, sql_file("tracking", "positions"), wanted
    )
    at_unit = _codes_of(conn, version, {} if codes is None else codes)
    fixed_at = [at.replace(tzinfo=UTC) for at in fixed_us.view("datetime64[us]").tolist()]
    lon, lat, *told = rest
    columns = (
        person_id.tolist(),
        device_id.tolist(),
        fixed_at,
        lon.tolist(),
        lat.tolist(),
        *(_or_none(column, np.isnan(column)) for column in told),
        _or_none(charging.astype(bool), charging < 0),
        moving.astype(bool).tolist(),
        at_unit,
    )
    return list(map(Position._make, zip(*columns, strict=True)))


def _or_none(column: NDArray[Any], missing: NDArray[np.bool_]) -> list[Any]:
    told = column.astype(object)
    told[missing] = None
    return list(told)


def _codes_of(conn: Connection, version: NDArray[np.int64], codes: dict[int, str]) -> list[str | None]:
    asked = set(version.tolist()) - codes.keys() - {-1}
    if asked:
        query = select(unit_version.c.id, unit_version.c.code).where(
            unit_version.c.id == func.any(list(asked))
        )
        codes |= {row.id: row.code for row in conn.execute(query)}
    return [codes.get(one) for one in version.tolist()]


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
