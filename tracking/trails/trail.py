"""Trails: the accepted fixes of a person-day as segments, the gaps between them, and the stays on the way.

Everything here follows from the stored fixes of the day alone, whatever the order they arrived in. Nothing is
drawn across a gap: nobody knows what was there.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from core.clock import day_bounds
from core.settings import Settings
from geo.metric import distance_m
from people.tables import person
from tracking.tables import fix
from tracking.trails.stays import Stay, find_stays

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrailRules:
    """When a trail breaks, and what a stay is."""

    gap_s: float = 120
    implausible_speed_mps: float = 50
    stay_radius_m: float = 50
    stay_s: float = 180


def trail_rules_of(settings: Settings) -> TrailRules:
    return TrailRules(settings.gap_s, settings.implausible_speed_mps, settings.stay_radius_m, settings.stay_s)


@dataclass(frozen=True)
class Gap:
    """Two fixes of one device with nothing believable between them; `first` and `last` are indexes of fixes."""

    first: int
    last: int
    reason: Literal["silence", "leap"]


@dataclass(frozen=True)
class Trail:
    """One person on one day. Columns are a row a fix, by device and then time; `segments` are [first, last] of them.

    `unit_version` is of the governance network at the time, -1 outside. A segment may hold a single fix. `moved_m` is the length of all segments without what lies inside a stay.
    """

    person_id: int
    person_code: str
    name: str
    on: date
    fixed_at: NDArray[np.datetime64]
    device: NDArray[np.int64]
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    speed_mps: Floats
    heading_deg: Floats
    unit_version: NDArray[np.int64]
    segments: tuple[tuple[int, int], ...]
    gaps: tuple[Gap, ...]
    stays: tuple[Stay, ...]
    moved_m: float

    def length_m(self, first: int, last: int) -> float:
        """Metres along the fixes from one index to another."""
        here = slice(first, last + 1)
        return float(legs_m(self.lon[here], self.lat[here]).sum())


def legs_m(lon: Floats, lat: Floats) -> Floats:
    """Metres from each position to the next, one fewer than positions."""
    return distance_m(lon[:-1], lat[:-1], lon[1:], lat[1:])


def read_trail(conn: Connection, person_id: int, on: date, *, zone: ZoneInfo, rules: TrailRules) -> Trail:
    """The trail of one person on a civil day; without fixes it is empty."""
    for trail in read_trails(conn, [person_id], on, zone=zone, rules=rules):
        return trail
    who = conn.execute(select(person.c.code, person.c.name).where(person.c.id == person_id)).one()
    return _trail(person_id, who.code, who.name, on, [], rules)


def read_trails(
    conn: Connection, person_ids: Collection[int], on: date, *, zone: ZoneInfo, rules: TrailRules
) -> Iterator[Trail]:
    """The trails of those who have accepted fixes on the day, in one query, by person."""
    since, until = day_bounds(on, zone)
    rows = conn.execute(
        select(
            fix.c.person_id, person.c.code, person.c.name, fix.c.device_id, fix.c.fixed_at, fix.c.lon, fix.c.lat,
            fix.c.accuracy_m, fix.c.speed_mps, fix.c.heading_deg, fix.c.unit_version_id,
        )
        .join(person, person.c.id == fix.c.person_id)
        .where(
            fix.c.person_id.in_(list(person_ids)), fix.c.fixed_at >= since, fix.c.fixed_at < until, fix.c.flags == 0
        )
        .order_by(fix.c.person_id, fix.c.device_id, fix.c.fixed_at)
    )  # fmt: skip
    own: list[Any] = []
    for row in rows:
        if own and own[0].person_id != row.person_id:
            yield _trail(own[0].person_id, own[0].code, own[0].name, on, own, rules)
            own = []
        own.append(row)
    if own:
        yield _trail(own[0].person_id, own[0].code, own[0].name, on, own, rules)


def _trail(person_id: int, code: str, name: str, on: date, rows: list[Any], rules: TrailRules) -> Trail:
    """Columns by device in the order of their first fix, so that numbers of the database never show."""
    begins: dict[int, datetime] = {}
    for row in rows:
        begins.setdefault(row.device_id, row.fixed_at)
    rank = {device: n for n, device in enumerate(sorted(begins, key=lambda device: (begins[device], device)))}
    ordered = sorted(rows, key=lambda row: rank[row.device_id])
    at = np.array([row.fixed_at.replace(tzinfo=None) for row in ordered], "datetime64[us]")
    device = np.array([rank[row.device_id] for row in ordered], np.int64)
    lon, lat = _column(ordered, "lon"), _column(ordered, "lat")
    segments, gaps = _broken(at, device, lon, lat, rules)
    stays = _stays(at, lon, lat, segments, rules)
    return Trail(
        person_id=person_id,
        person_code=code,
        name=name,
        on=on,
        fixed_at=at,
        device=device,
        lon=lon,
        lat=lat,
        accuracy_m=_column(ordered, "accuracy_m"),
        speed_mps=_column(ordered, "speed_mps"),
        heading_deg=_column(ordered, "heading_deg"),
        unit_version=np.array(
            [-1 if row.unit_version_id is None else row.unit_version_id for row in ordered], np.int64
        ),
        segments=segments,
        gaps=gaps,
        stays=stays,
        moved_m=_moved_m(lon, lat, segments, stays),
    )


def _column(rows: list[Any], name: str) -> Floats:
    return np.array([np.nan if (value := getattr(row, name)) is None else value for row in rows], np.float64)


def _seconds(at: NDArray[np.datetime64]) -> Floats:
    return at.astype(np.int64) / 1e6


def gap_limits_s(seconds: Floats, device: NDArray[np.int64], least_s: float) -> Floats:
    """For each fix the longest silence that does not break its device's trail: max(least_s, 3 × median interval)."""
    limits = np.full(len(seconds), least_s)
    for one in np.unique(device):
        own = device == one
        steps = np.diff(seconds[own])
        if steps.size:
            limits[own] = max(least_s, 3 * float(np.median(steps)))
    return limits


def _broken(
    at: NDArray[np.datetime64], device: NDArray[np.int64], lon: Floats, lat: Floats, rules: TrailRules
) -> tuple[tuple[tuple[int, int], ...], tuple[Gap, ...]]:
    """Segments and gaps. A step too fast to be believed breaks the trail as silence does."""
    if not len(at):
        return (), ()
    seconds = _seconds(at)
    waited = np.diff(seconds)
    same = device[1:] == device[:-1]
    silent = waited > gap_limits_s(seconds, device, rules.gap_s)[1:]
    leap = legs_m(lon, lat) > rules.implausible_speed_mps * np.maximum(waited, 1)
    breaks = np.flatnonzero(~same | silent | leap)
    edges = [0, *(breaks + 1).tolist(), len(at)]
    segments = tuple((first, end - 1) for first, end in pairwise(edges))
    gaps = tuple(Gap(n, n + 1, "silence" if silent[n] else "leap") for n in breaks.tolist() if same[n])
    return segments, gaps


def _stays(
    at: NDArray[np.datetime64],
    lon: Floats,
    lat: Floats,
    segments: tuple[tuple[int, int], ...],
    rules: TrailRules,
) -> tuple[Stay, ...]:
    seconds = _seconds(at)
    found: list[Stay] = []
    for first, last in segments:
        own = slice(first, last + 1)
        here = find_stays(
            seconds[own], lon[own], lat[own], radius_m=rules.stay_radius_m, least_s=rules.stay_s
        )
        found += [Stay(stay.first + first, stay.last + first, stay.lon, stay.lat) for stay in here]
    return tuple(found)


def _moved_m(
    lon: Floats, lat: Floats, segments: tuple[tuple[int, int], ...], stays: tuple[Stay, ...]
) -> float:
    if len(lon) < 2:
        return 0.0
    counted = np.zeros(len(lon) - 1, bool)
    for first, last in segments:
        counted[first:last] = True
    for stay in stays:
        counted[stay.first : stay.last] = False
    return float(legs_m(lon, lat)[counted].sum())
