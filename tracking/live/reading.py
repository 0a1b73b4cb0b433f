"""What the wall needs to know, read from the database: who is on shift, and what moved since a reader last looked.

A cursor is the reader's snapshot. What it could not see yet, whether or not the transaction had begun, is new to it:
a change whose transaction commits late is never skipped, and none is given twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, func, select

from core.db import Question, ask_together, plan_for_values, read_arrays, sql_file
from geo.tables import unit_version
from people.tables import assignment, shift
from tracking.live.crowd import FIX, Crowd
from tracking.live.dots import Dot, Held, Sign, Standing
from tracking.roster import EVERYTHING
from tracking.tables import device_holder, sos


def read_next_turn(conn: Connection, now: datetime) -> datetime | None:
    """When time alone makes the next sweep find something else: a shift, a post, a border or the holding of a device
    that was entered long before begins or ends. (The end of a shift needs no sweep: a standing tells it.)
    """
    edges: list[ColumnElement[datetime]] = [shift.c.starts_at]
    for dated in (assignment, device_holder, unit_version):
        edges += [func.lower(dated.c.valid), func.upper(dated.c.valid)]
    firsts = [select(func.min(edge)).where(edge > now).scalar_subquery() for edge in edges]
    found: datetime | None = conn.scalar(select(func.least(*firsts)))
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
    conn: Connection, since: str = EVERYTHING, persons: Sequence[int] | None = None
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Whose last fixes changed since the cursor, of everybody or of these persons, and the fixes (FIX)."""
    wanted = {"since": since, "persons": None if persons is None else list(persons)}
    person_id, *columns = read_arrays(conn, sql_file("tracking", "positions"), wanted)
    fixes = np.empty(len(person_id), FIX)
    for name, column in zip(FIX.names or (), columns, strict=True):
        fixes[name] = column.astype(np.int64) / 1e6 if column.dtype.kind == "M" else column
    return person_id, fixes


def read_units(conn: Connection, versions: NDArray[np.int64], codes: dict[int, str]) -> None:
    """Add the codes of these unit versions to those known by id; -1 is none."""
    asked = set(np.unique(versions).tolist()) - codes.keys() - {-1}
    if asked:
        query = select(unit_version.c.id, unit_version.c.code)
        found = conn.execute(query.where(unit_version.c.id == func.any(list(asked))))
        codes |= {row.id: row.code for row in found}


def read_signs(
    conn: Connection, since: str = EVERYTHING, devices: Sequence[int] | None = None
) -> Iterator[Sign]:
    """Signs of life changed since the cursor, of every device or of these."""
    (rows,) = ask_together(conn, signs_question(since, devices))
    return (Sign(*row) for row in rows)


def signs_question(since: str, devices: Sequence[int] | None = None) -> Question:
    """The same, to be asked together with others."""
    wanted = {"since": since, "devices": None if devices is None else list(devices)}
    return sql_file("tracking", "signs"), wanted


def mark_of_calls(conn: Connection) -> tuple[object, ...]:
    """Another value once somebody called for help, or a call was acknowledged. Costs next to nothing."""
    ((mark,),) = ask_together(conn, (_MARK, {}))
    return tuple(mark)


_MARK = select(func.max(sos.c.id).label("last"), func.max(sos.c.acknowledged_at).label("answered"))


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
    crowd, units = Crowd(), dict[int, str]()
    devices = [held.device_id for one in standing for held in one.held]
    places = crowd.places_of(one.person_id for one in standing)
    crowd.take_signs(read_signs(conn, EVERYTHING, devices))
    for place, one in zip(places.tolist(), standing, strict=True):
        crowd.stand(place, one)
    persons, fixes = read_positions(conn, EVERYTHING, [one.person_id for one in standing])
    crowd.take_fixes(persons.tolist(), fixes)
    read_units(conn, fixes["unit"], units)
    return crowd.dots(places, now, units)
