"""A person's time and way on duty: in the own grid and outside, moving and standing, unobserved; metres that count and
metres that do not, with the reason. What is not known is called unobserved and never anything worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely

from analysis.coverage.fixes import Bools, Duty, Fixes, Floats, Ints, rows_during
from analysis.coverage.legs import LEAP, LEG, RIDE, SILENCE, VEHICLE, Legs, Tracks
from analysis.coverage.plane.edges import edges_of, where_crossed
from analysis.coverage.plane.squares import Places, each_of, places_of

TIMES: Final = ("inside_moving", "inside_still", "outside_moving", "outside_still", "unobserved")
WAYS: Final = ("walked", "ridden", "drift", "vehicle", "inaccurate", "leap", "silence")
"""The first two are valid kilometres; the others are told beside them: the drift of a standing phone, a ride faster than a
patrol's, ends too inaccurate, a step nobody can make, the straight line over a silence.
"""
VALID: Final = 2
_DISC_DEG: Final = 1e-4


@dataclass(frozen=True)
class OwnGround:
    """Where persons are to be, from one instant to another (microseconds of the window): their grids as they were then,
    WGS-84, with a margin. By person and time.
    """

    person: Ints
    from_us: Ints
    to_us: Ints
    shape: np.ndarray[Any, np.dtype[np.object_]]

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def bounds(self) -> Floats:
        """West, south, east, north."""
        return np.asarray(shapely.bounds(self.shape), np.float64).reshape(-1, 4)

    @cached_property
    def discs(self) -> Floats:
        """Middle and radius, in degrees, of a disc well inside each ground, so that few fixes have to be looked at closely."""
        radii = shapely.maximum_inscribed_circle(self.shape, tolerance=_DISC_DEG)
        ends = shapely.get_coordinates(radii).reshape(-1, 4)
        return np.stack([ends[:, 0], ends[:, 1], np.hypot(*(ends[:, 2:] - ends[:, :2]).T) * 0.999], axis=1)

    @cached_property
    def edges(self) -> tuple[Places, Places, Ints]:
        """Where each edge begins and where it leads, shape by shape; the first of each shape, and at the end their number."""
        begin, end, owner = edges_of(self.shape)
        return begin, end - begin, np.searchsorted(owner, np.arange(len(self.shape) + 1))


@dataclass(frozen=True)
class DutyFigures:
    """One row a stretch of duty. `times_us`: (rows, TIMES), each row adds up to `lasts_us`. `ways_mm`: (rows, WAYS).

    `has_own`: some ground was the person's own; without, all observed time is outside of none and stands as inside.
    """

    duty: Duty
    times_us: Ints
    ways_mm: Ints
    has_own: Bools

    @property
    def observed_us(self) -> Ints:
        observed: Ints = self.times_us[:, :-1].sum(axis=1)
        return observed


def measure_duty(tracks: Tracks, own: OwnGround) -> DutyFigures:
    """Every stretch of duty's figures."""
    legs, parts, duty = tracks.legs, tracks.parts, tracks.duty
    share, known = share_inside(tracks.fixes, legs, own)
    still = legs.still[parts.leg]
    inside = np.rint(parts.credited_us * np.where(known, share, 1.0)[parts.leg]).astype(np.int64)
    times = np.zeros((len(duty), len(TIMES)), np.int64)
    for column, spent in ((0, inside), (2, parts.credited_us - inside)):
        both = _summed(parts.duty * 2 + still, spent, 2 * len(duty))
        times[:, column : column + 2] = both.reshape(-1, 2)
    times[:, -1] = duty.lasts_us - times.sum(axis=1)
    return DutyFigures(duty, times, measure_ways(tracks), np.isin(duty.person, own.person))


def _summed(owner: Ints, spent: Ints, owners: int) -> Ints:
    """Whole numbers, exact: what anybody spends in a day is far below 2⁵³."""
    return np.bincount(owner, spent, owners).astype(np.int64)


def join_duty(groups: Sequence[DutyFigures]) -> DutyFigures:
    """Figures of people that come one after the other."""
    duty = Duty(
        *(np.concatenate([getattr(each.duty, name) for each in groups]) for name in Duty.__dataclass_fields__)
    )
    return DutyFigures(
        duty,
        np.concatenate([each.times_us for each in groups]),
        np.concatenate([each.ways_mm for each in groups]),
        np.concatenate([each.has_own for each in groups]),
    )


def measure_ways(tracks: Tracks) -> Ints:
    """Millimetres of each kind of way. Of a leg that is credited in part (two phones, the end of a shift) that part."""
    fixes, legs, parts, rules = tracks.fixes, tracks.legs, tracks.parts, tracks.rules
    wide = fixes.accuracy_m > rules.valid_accuracy_m
    reason = np.zeros(len(legs.kind), np.int64)
    for which, name in (  # the last one that holds is told
        (legs.mode == RIDE, "ridden"),
        (wide[legs.start] | wide[legs.start + 1], "inaccurate"),
        (legs.mode == VEHICLE, "vehicle"),
        (legs.still, "drift"),
        (legs.kind == LEAP, "leap"),
        (legs.kind == SILENCE, "silence"),
    ):
        reason[which] = WAYS.index(name)
    leg = parts.leg
    counted = np.where(legs.kind[leg] == LEG, parts.credited_us, parts.to_us - parts.from_us)
    length = np.rint(legs.length_mm[leg] * (counted / legs.lasts_us[leg])).astype(np.int64)
    rows = len(tracks.duty)
    return _summed(parts.duty * len(WAYS) + reason[leg], length, rows * len(WAYS)).reshape(rows, len(WAYS))


def share_inside(fixes: Fixes, legs: Legs, own: OwnGround) -> tuple[Floats, Bools]:
    """Of each leg the share, by length, on the person's own ground; and whether any ground was the person's then.

    A leg with both ends inside is inside; one with both ends outside is not.
    """
    inside, ground = _fixes_inside(fixes, own)
    start = legs.start
    share = (inside[start].astype(np.float64) + inside[start + 1]) / 2
    mixed = np.flatnonzero((inside[start] != inside[start + 1]) & (ground[start] >= 0) & (legs.kind == LEG))
    if len(mixed):
        ends = start[mixed, None] + np.array([0, 1])
        places = places_of(fixes.lon[ends], fixes.lat[ends])
        share[mixed] = _share_of(own, ground[start[mixed]], places, inside[start[mixed]])
    return share, (ground[start] >= 0) | (ground[start + 1] >= 0)


def _share_of(own: OwnGround, ground: Ints, ends: Places, leaves: Bools) -> Floats:
    """Of legs with one end inside the share that lies inside: up to where the border is crossed, or from there.

    Those that cross it more than once are left to general intersection. `ends`: (legs, 2), degrees.
    """
    begin, edge, opens = own.edges
    leg, place = each_of(np.diff(opens)[ground])
    row = opens[ground][leg] + place
    way = ends[:, 1] - ends[:, 0]
    at, across = where_crossed(ends[leg, 0], way[leg], begin[row], edge[row])
    leg = leg[across]
    share = np.zeros(len(ground))
    share[leg] = np.where(leaves[leg], at, 1 - at)
    often = np.flatnonzero(np.bincount(leg, minlength=len(ground)) != 1)
    lines = shapely.linestrings(ends[often].view(np.float64).reshape(-1, 2, 2))
    within, length = shapely.length(shapely.intersection(lines, own.shape[ground[often]])), np.abs(way[often])
    with np.errstate(invalid="ignore", divide="ignore"):
        share[often] = np.where(length > 0, np.minimum(within / length, 1), 0.5)
    return share


def _fixes_inside(fixes: Fixes, own: OwnGround) -> tuple[Bools, Ints]:
    """Whether each fix lies on its person's own ground, and the row of that ground, -1 where there is none."""
    inside, ground = np.zeros(len(fixes), np.bool_), np.full(len(fixes), -1)
    shapely.prepare(own.shape)
    bounds, discs = own.bounds.tolist(), own.discs.tolist()
    for row, first, last in zip(
        *(each.tolist() for each in rows_during(fixes, own.person, own.from_us, own.to_us)), strict=True
    ):
        lon, lat = fixes.lon[first:last], fixes.lat[first:last]
        west, south, east, north = bounds[row]
        x, y, radius = discs[row]
        boxed = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        near = (lon - x) ** 2 + (lat - y) ** 2 < radius * radius
        edge = np.flatnonzero(boxed & ~near)
        near[edge] = shapely.intersects_xy(own.shape[row], lon[edge], lat[edge])
        inside[first:last], ground[first:last] = near, row
    return inside, ground
