"""A worker's day so far: the way along the trail, and the time in the own grid, each with what it is a share of."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, any_, cast, func, literal, or_, select

from core.clock import day_bounds, day_of
from geo.tables import unit_version
from people.persons import list_assignments
from people.shifts import shifts_covering
from tracking.trails import Trail, TrailRules, read_trail


@dataclass(frozen=True)
class Today:
    """From midnight until `as_of`. `moved_m` along the segments, never across a gap, without what lies inside a stay.

    `in_own_s` of `on_shift_s`: between two fixes of a segment that both lie in a unit the person serves in, or below; two
    phones at once count once. `observed_s` is the time in segments at all: the rest of the shift nobody knows about.
    """

    on: date
    as_of: datetime
    moved_m: float
    in_own_s: float
    observed_s: float
    on_shift_s: float
    fixes: int


def read_today(
    conn: Connection, person_id: int, now: datetime, *, zone: ZoneInfo, rules: TrailRules
) -> Today:
    """The day so far of one person."""
    on = day_of(now, zone)
    trail = read_trail(conn, person_id, on, zone=zone, rules=rules)
    since, _ = day_bounds(on, zone)
    shifts = shifts_covering(conn, [person_id], since, now).get(person_id, [])
    on_shift_s = sum((min(one.ends_at, now) - max(one.starts_at, since)).total_seconds() for one in shifts)
    own = np.isin(trail.unit_version, _own_versions(conn, person_id, trail, now))
    return Today(
        on=on,
        as_of=now,
        moved_m=trail.moved_m,
        in_own_s=_seconds_in(trail, own),
        observed_s=_seconds_in(trail, np.ones(len(own), bool)),
        on_shift_s=on_shift_s,
        fixes=len(trail.fixed_at),
    )


def _own_versions(conn: Connection, person_id: int, trail: Trail, now: datetime) -> NDArray[np.int64]:
    """Which unit versions of the trail lie in a unit the person serves in now, or below one."""
    served = {one.unit_id for one in list_assignments(conn, [person_id], now).get(person_id, [])}
    seen = np.unique(trail.unit_version[trail.unit_version >= 0]).tolist()
    if not served or not seen:
        return np.array([], np.int64)
    labels = func.string_to_array(cast(unit_version.c.path, Text), ".")
    wanted = [literal(one.hex) == any_(labels) for one in served]
    return np.array(
        conn.scalars(select(unit_version.c.id).where(unit_version.c.id.in_(seen), or_(*wanted))).all(),
        np.int64,
    )


def _seconds_in(trail: Trail, inside: NDArray[np.bool_]) -> float:
    """Seconds of the steps within segments whose two fixes are inside; where phones overlap, counted once."""
    if len(inside) < 2:
        return 0.0
    counted = np.zeros(len(inside) - 1, bool)
    for first, last in trail.segments:
        counted[first:last] = True
    counted &= inside[:-1] & inside[1:]
    at = trail.fixed_at.astype(np.int64) / 1e6
    begins, ends = at[:-1][counted], at[1:][counted]
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], ends[order]
    reached = np.concatenate([[-np.inf], np.maximum.accumulate(ends)[:-1]]) if len(ends) else ends
    return float(np.maximum(ends - np.maximum(begins, reached), 0).sum())
