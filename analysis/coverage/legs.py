"""Legs: what lies between two fixes that follow one another. A gap is no leg; a standing phone's drift is no way.

Parts are legs cut to duty. Where a person carries two phones, an instant is credited to one of them alone.
"""

from dataclasses import dataclass

import numpy as np

from analysis.coverage.fixes import (
    SECOND_US,
    SPAN_US,
    Bools,
    Duty,
    Fixes,
    Floats,
    Ints,
    first_duty_after,
    same_device,
)
from analysis.coverage.rules import CoverageRules
from analysis.coverage.standing import find_standing
from geo.metric import short_distance_m

LEG, SILENCE, LEAP = 0, 1, 2
WALK, RIDE, VEHICLE = 0, 1, 2


@dataclass(frozen=True)
class Legs:
    """One row for each fix that is followed by another of the same device; `start` is its row, `start + 1` the other's.

    `kind`: LEG, or what broke the trail. `still`: inside a stay. `mode` by the speed around it, WALK where still.
    `sure`: both ends accurate to the inradius of a cell; `short`: short enough to prove what it crosses.
    """

    start: Ints
    kind: Ints
    lasts_us: Ints
    length_mm: Ints
    still: Bools
    mode: Ints
    sure: Bools
    short: Bools

    @property
    def proving(self) -> Bools:
        """Whether what the leg crosses is proven to have been crossed, on foot or by a slow ride."""
        proving: Bools = (self.kind == LEG) & self.sure & self.short & (self.mode != VEHICLE)
        return proving


def find_legs(fixes: Fixes, rules: CoverageRules, *, until_us: int) -> Legs:
    """Legs and breaks of ordered fixes; the window is [0, until_us)."""
    same = same_device(fixes)
    lasts = np.diff(fixes.at_us)
    length_m = short_distance_m(fixes.lon[:-1], fixes.lat[:-1], fixes.lon[1:], fixes.lat[1:])
    kind = np.full(len(same), LEG)
    seconds = lasts / SECOND_US
    inside = same & (fixes.at_us[:-1] >= 0) & (fixes.at_us[1:] < until_us)
    limit = gap_limits_us(same, inside, lasts, rules)
    kind[lasts > limit] = SILENCE
    kind[(kind == LEG) & (length_m > rules.trail.implausible_speed_mps * np.maximum(seconds, 1))] = LEAP
    linked = same & (kind == LEG)
    still = find_standing(fixes, linked, rules.trail)
    mode = find_modes(fixes.at_us, np.where(linked & ~still, length_m, 0.0), linked & ~still, rules)
    sure = is_sure(fixes, rules)
    rows = np.flatnonzero(same)
    return Legs(
        start=rows,
        kind=kind[rows],
        lasts_us=lasts[rows],
        length_mm=np.rint(length_m[rows] * 1000).astype(np.int64),
        still=still[rows],
        mode=mode[rows],
        sure=(sure[:-1] & sure[1:])[rows],
        short=((seconds <= rules.proving_s) & (length_m <= rules.proving_m))[rows],
    )


def is_sure(fixes: Fixes, rules: CoverageRules) -> Bools:
    """Accurate to the inradius of a cell, or silent about its accuracy."""
    sure: Bools = ~(fixes.accuracy_m > rules.inradius_m)
    return sure


def gap_limits_us(same: Bools, within: Bools, lasts: Ints, rules: CoverageRules) -> Ints:
    """The longest silence that breaks nothing, for each step: max(gap, 3 × the device's median interval in the window).

    A step over the beginning or the end of the window has the plain gap, since the window does not know the other side.
    """
    limits = np.full(len(same), round(rules.trail.gap_s * SECOND_US))
    inside = np.flatnonzero(within)
    if not len(inside):
        return limits
    breaks = np.flatnonzero(~same)
    sequence = np.searchsorted(breaks, inside)
    order = np.lexsort((lasts[inside], sequence))
    ranked, of = lasts[inside][order], sequence[order]
    first = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]]))
    count = np.diff(np.append(first, len(of)))
    middle = ranked[first + (count - 1) // 2] + ranked[first + count // 2]
    limits[inside] = np.maximum(limits[inside], np.repeat(3 * middle // 2, count)[np.argsort(order)])
    return limits


def find_modes(at_us: Ints, length_m: Floats, linked: Bools, rules: CoverageRules) -> Ints:
    """WALK, RIDE or VEHICLE of each step by the speed along the way from `window_s` before its middle to as much after.

    Only linked steps are looked at, and the window ends where a run of them ends.
    """
    mode = np.full(len(linked), WALK)
    runs = np.diff(np.concatenate([[0], linked.astype(np.int8), [0]]))
    first, last = np.flatnonzero(runs == 1), np.flatnonzero(runs == -1)
    if not len(first):
        return mode
    steps = np.flatnonzero(linked)
    run = np.repeat(np.arange(len(first)), last - first)
    begin, end = at_us[first][run], at_us[last][run]
    middle = (at_us[steps] + at_us[steps + 1]) // 2
    reach = round(rules.window_s * SECOND_US)
    since, until = np.maximum(middle - reach, begin), np.minimum(middle + reach, end)
    nodes = np.flatnonzero(np.concatenate([linked, [False]]) | np.concatenate([[False], linked]))
    walked = np.concatenate([[0.0], np.cumsum(length_m)])[nodes]
    numbers = np.repeat(np.arange(len(first)), last - first + 1)
    keys = (numbers * SPAN_US + at_us[nodes]).astype(np.float64)
    way = np.interp(run * SPAN_US + until, keys, walked) - np.interp(run * SPAN_US + since, keys, walked)
    speed = way / ((until - since) / SECOND_US)
    mode[steps] = np.select([speed > rules.vehicle_mps, speed > rules.ride_mps], [VEHICLE, RIDE], WALK)
    return mode


@dataclass(frozen=True)
class Parts:
    """Legs and breaks cut to duty. `leg` and `duty` are rows; from and to in microseconds of the window.

    `credited_us`: what of it no earlier part of the same duty holds; 0 for breaks.
    """

    leg: Ints
    duty: Ints
    from_us: Ints
    to_us: Ints
    credited_us: Ints


def cut_parts(fixes: Fixes, legs: Legs, duty: Duty) -> Parts:
    """Each leg's time on duty, by leg and duty."""
    person, begin = fixes.person[legs.start], fixes.at_us[legs.start]
    end = begin + legs.lasts_us
    found = first_duty_after(duty, person, begin)
    pieces: list[tuple[Ints, Ints]] = []
    rows = np.arange(len(begin))
    while len(rows):
        here = found[rows]
        rows, here = rows[here < len(duty)], here[here < len(duty)]
        touches = (duty.person[here] == person[rows]) & (duty.starts_us[here] < end[rows])
        rows, here = rows[touches], here[touches]
        pieces.append((rows, here))
        found[rows] += 1
    leg = np.concatenate([each[0] for each in pieces]) if pieces else np.empty(0, np.int64)
    of = np.concatenate([each[1] for each in pieces]) if pieces else np.empty(0, np.int64)
    order = np.lexsort((of, leg))
    leg, of = leg[order], of[order]
    since, until = np.maximum(begin[leg], duty.starts_us[of]), np.minimum(end[leg], duty.ends_us[of])
    credited = np.zeros(len(leg), np.int64)
    real = np.flatnonzero(legs.kind[leg] == LEG)
    lon = fixes.lon[legs.start[leg[real]]]
    credited[real] = credit(of[real], since[real], until[real], lon)
    return Parts(leg, of, since, until, credited)


def credit(owner: Ints, since: Ints, until: Ints, tie: Floats) -> Ints:
    """Of each interval the time that no interval before it (by start, end and `tie`) of the same owner holds."""
    apart = (owner[1:] > owner[:-1]) | ((owner[1:] == owner[:-1]) & (since[1:] >= until[:-1]))
    if apart.all():
        return until - since
    order = np.lexsort((tie, until, since, owner))
    base = owner[order] * SPAN_US
    ends = np.maximum.accumulate(base + until[order])
    begins = np.maximum(base + since[order], np.concatenate([[0], ends[:-1]]))
    credited = np.empty(len(order), np.int64)
    credited[order] = np.maximum(base + until[order] - begins, 0)
    return credited
