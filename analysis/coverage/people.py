"""A person's time and way on duty: in the own grid and outside, moving and standing, unobserved; metres that count and
metres that do not, with the reason. What is not known is called unobserved and never anything worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from analysis.coverage.fixes import SPAN_US, Bools, Duty, Fixes, Floats, Ints
from analysis.coverage.legs import LEAP, LEG, RIDE, SILENCE, VEHICLE, Legs, Parts
from analysis.coverage.rules import CoverageRules

TIMES: Final = ("inside_moving", "inside_still", "outside_moving", "outside_still", "unobserved")
WAYS: Final = ("walked", "ridden", "drift", "vehicle", "inaccurate", "leap", "silence")
"""The first two are valid kilometres; the others are told beside them: the drift of a standing phone, a ride faster than a
patrol's, ends too inaccurate, a step nobody can make, the straight line over a silence.
"""
VALID: Final = 2


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


def measure_duty(
    fixes: Fixes, legs: Legs, parts: Parts, duty: Duty, *, own: OwnGround, rules: CoverageRules
) -> DutyFigures:
    """Every stretch of duty's figures."""
    share, known = share_inside(fixes, legs, own)
    still = legs.still[parts.leg]
    inside = np.rint(parts.credited_us * np.where(known, share, 1.0)[parts.leg]).astype(np.int64)
    times = np.zeros((len(duty), len(TIMES)), np.int64)
    for column, spent in (
        (0, np.where(still, 0, inside)),
        (1, np.where(still, inside, 0)),
        (2, np.where(still, 0, parts.credited_us - inside)),
        (3, np.where(still, parts.credited_us - inside, 0)),
    ):
        np.add.at(times[:, column], parts.duty, spent)
    times[:, -1] = duty.lasts_us - times.sum(axis=1)
    has_own = np.isin(duty.person, own.person)
    return DutyFigures(duty, times, measure_ways(fixes, legs, parts, len(duty), rules), has_own)


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


def measure_ways(fixes: Fixes, legs: Legs, parts: Parts, rows: int, rules: CoverageRules) -> Ints:
    """Millimetres of each kind of way. Of a leg that is credited in part (two phones, the end of a shift) that part."""
    kind, leg = legs.kind[parts.leg], parts.leg
    wide = fixes.accuracy_m > rules.valid_accuracy_m
    inaccurate = (wide[legs.start] | wide[legs.start + 1])[leg]
    reason = np.select(
        [
            kind == SILENCE,
            kind == LEAP,
            legs.still[leg],
            legs.mode[leg] == VEHICLE,
            inaccurate,
            legs.mode[leg] == RIDE,
        ],
        [WAYS.index(name) for name in ("silence", "leap", "drift", "vehicle", "inaccurate", "ridden")],
        WAYS.index("walked"),
    )
    counted = np.where(kind == LEG, parts.credited_us, parts.to_us - parts.from_us)
    length = np.rint(legs.length_mm[leg] * (counted / legs.lasts_us[leg])).astype(np.int64)
    ways = np.zeros((rows, len(WAYS)), np.int64)
    np.add.at(ways, (parts.duty, reason), length)
    return ways


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
        lines = shapely.linestrings(np.stack([fixes.lon[ends], fixes.lat[ends]], axis=2))
        length = shapely.length(lines)
        within = shapely.length(shapely.intersection(lines, own.shape[ground[start[mixed]]]))
        with np.errstate(invalid="ignore", divide="ignore"):
            share[mixed] = np.where(length > 0, np.minimum(within / length, 1), 0.5)
    return share, (ground[start] >= 0) | (ground[start + 1] >= 0)


def _fixes_inside(fixes: Fixes, own: OwnGround) -> tuple[Bools, Ints]:
    """Whether each fix lies on its person's own ground, and the row of that ground, -1 where there is none."""
    inside, ground = np.zeros(len(fixes), np.bool_), np.full(len(fixes), -1)
    mine = np.flatnonzero(np.isin(fixes.person, own.person))
    people = np.unique(own.person)
    keys = np.searchsorted(people, fixes.person[mine]) * SPAN_US + fixes.at_us[mine]
    order = np.argsort(keys, kind="stable")
    keys, mine = keys[order], mine[order]
    owner = np.searchsorted(people, own.person) * SPAN_US
    first, last = np.searchsorted(keys, owner + own.from_us), np.searchsorted(keys, owner + own.to_us)
    shapely.prepare(own.shape)
    for row in range(len(own)):
        rows = mine[first[row] : last[row]]
        inside[rows] = shapely.intersects_xy(own.shape[row], fixes.lon[rows], fixes.lat[rows])
        ground[rows] = row
    return inside, ground
