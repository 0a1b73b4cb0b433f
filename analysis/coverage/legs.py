"""Legs: what lies between two fixes that follow one another. A gap is no leg; a standing phone's drift is no way.

Parts are legs cut to duty. Where a person carries two phones, an instant is credited to one of them alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.coverage.fixes import (
    SECOND_US,
    SPAN_US,
    Bools,
    Duty,
    Fixes,
    Floats,
    Ints,
    duty_of,
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
    kind[lasts > gap_limits_us(same, inside, lasts, rules)] = SILENCE
    kind[(kind == LEG) & (length_m > rules.trail.implausible_speed_mps * np.maximum(seconds, 1))] = LEAP
    linked = same & (kind == LEG)
    still = find_standing(fixes, linked, rules.trail)
    mode = find_modes(fixes.at_us, length_m, linked & ~still, rules)
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
    Devices without a longer silence than the plain gap keep that: nothing of theirs could break.
    """
    plain = round(rules.trail.gap_s * SECOND_US)
    limits = np.full(len(same), plain)
    silent = np.flatnonzero(within & (lasts > plain))
    breaks = np.concatenate([[-1], np.flatnonzero(~same), [len(same)]])
    for device in np.unique(np.searchsorted(breaks, silent) - 1).tolist():
        own = np.arange(breaks[device] + 1, breaks[device + 1])
        own = own[within[own]]
        ranked = np.sort(lasts[own])
        middle = ranked[(len(own) - 1) // 2] + ranked[len(own) // 2]
        limits[own] = max(plain, 3 * int(middle) // 2)
    return limits


def find_modes(at_us: Ints, length_m: Floats, linked: Bools, rules: CoverageRules) -> Ints:
    """WALK, RIDE or VEHICLE of each step by the speed along the way from `window_s` before its middle to as much after.

    Only linked steps are looked at, and the window ends where a run of them ends. Where no step of the window is faster
    than a walk none of it is more than one.
    """
    mode = np.full(len(linked), WALK)
    fast = np.flatnonzero(linked & (length_m > rules.ride_mps / SECOND_US * (1 - _SLACK) * np.diff(at_us)))
    if not len(fast):
        return mode
    reach = round(rules.window_s * SECOND_US)
    runs = np.concatenate([[0], np.cumsum(~linked)])
    keys = runs * SPAN_US + at_us
    steps = _steps_about(keys, runs, fast, reach)
    steps = steps[linked[steps]]
    opens = np.searchsorted(keys, runs[steps] * SPAN_US - SPAN_US // 2)
    closes = np.searchsorted(keys, runs[steps] * SPAN_US + SPAN_US // 2) - 1
    middle = (at_us[steps] + at_us[steps + 1]) // 2
    since, until = np.maximum(middle - reach, at_us[opens]), np.minimum(middle + reach, at_us[closes])
    walked = np.concatenate([[0], np.cumsum(np.rint(np.where(linked, length_m, 0) * 1e6).astype(np.int64))])
    way_um = _walked_between(keys, walked, runs[steps] * SPAN_US, since, until)
    speed = way_um / (until - since)
    mode[steps] = np.select([speed > rules.vehicle_mps, speed > rules.ride_mps], [VEHICLE, RIDE], WALK)
    return mode


_SLACK = 1e-6
"""A step so little slower than a ride is looked at too, since lengths are rounded to micrometres."""


def _steps_about(keys: Ints, runs: Ints, fast: Ints, reach: int) -> Ints:
    """The steps in whose window one of the fast ones may lie: up to twice its half, and those beside them."""
    since = np.searchsorted(keys, keys[fast] - 2 * reach) - 1
    until = np.searchsorted(keys, keys[fast + 1] + 2 * reach) + 1
    edges = np.zeros(len(keys) + 1, np.int64)
    np.add.at(edges, np.maximum(since, 0), 1)
    np.add.at(edges, np.minimum(until, len(keys) - 1), -1)
    return np.flatnonzero(np.cumsum(edges)[: len(runs) - 1] > 0)


def _walked_between(keys: Ints, walked: Ints, base: Ints, since: Ints, until: Ints) -> Floats:
    """Micrometres walked from instant to instant of a run: between two fixes in proportion to the time."""
    whole, rest = np.zeros(len(base), np.int64), np.zeros(len(base))
    for sign, at_us in ((-1, since), (1, until)):
        wanted = base + at_us
        after = np.clip(np.searchsorted(keys, wanted), 1, len(keys) - 1)
        step = keys[after] - keys[after - 1]
        whole += sign * walked[after - 1]
        rest += sign * (wanted - keys[after - 1]) / step * (walked[after] - walked[after - 1])
    return whole + rest


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
    on, start = duty_of(duty, fixes), legs.start
    begin = fixes.at_us[start]
    whole = (on[start] >= 0) & (on[start] == on[start + 1])
    leg, of = _meetings(fixes, legs, duty, np.flatnonzero(~whole))
    simple = np.flatnonzero(whole)
    place = np.searchsorted(simple, leg)
    leg, of = np.insert(simple, place, leg), np.insert(on[start[simple]], place, of)
    since = np.maximum(begin[leg], duty.starts_us[of])
    until = np.minimum(begin[leg] + legs.lasts_us[leg], duty.ends_us[of])
    credited = np.zeros(len(leg), np.int64)
    real = np.flatnonzero(legs.kind[leg] == LEG)
    credited[real] = credit(of[real], since[real], until[real], fixes.lon[start[leg[real]]])
    return Parts(leg, of, since, until, credited)


def _meetings(fixes: Fixes, legs: Legs, duty: Duty, rows: Ints) -> tuple[Ints, Ints]:
    """Those of some legs and the duty of their persons that have time in common."""
    person, begin = fixes.person[legs.start], fixes.at_us[legs.start]
    end = begin + legs.lasts_us
    found = np.zeros(len(begin), np.int64)
    found[rows] = first_duty_after(duty, person[rows], begin[rows])
    met: list[tuple[Ints, Ints]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    while len(rows):
        here = found[rows]
        rows, here = rows[here < len(duty)], here[here < len(duty)]
        touches = (duty.person[here] == person[rows]) & (duty.starts_us[here] < end[rows])
        rows, here = rows[touches], here[touches]
        met.append((rows, here))
        found[rows] += 1
    leg, of = (np.concatenate(each) for each in zip(*met, strict=True))
    order = np.lexsort((of, leg))
    return leg[order], of[order]


def credit(owner: Ints, since: Ints, until: Ints, tie: Floats) -> Ints:
    """Of each interval the time that no interval before it (by start, end and `tie`) of the same owner holds."""
    credited = until - since
    again = np.concatenate([[False], owner[1:] != owner[:-1]])
    opens = np.flatnonzero(again | (np.arange(len(owner)) == 0))
    shared = np.bincount(owner[opens], minlength=int(owner.max(initial=-1)) + 1) > 1
    shared[owner[1:][~again[1:] & (since[1:] < until[:-1])]] = True
    rows = np.flatnonzero(shared[owner])
    order = rows[np.lexsort((tie[rows], until[rows], since[rows], owner[rows]))]
    base = owner[order] * SPAN_US
    ends = np.maximum.accumulate(base + until[order])
    begins = np.maximum(base + since[order], np.concatenate([[0], ends[:-1]])[: len(order)])
    credited[order] = np.maximum(base + until[order] - begins, 0)
    return credited


@dataclass(frozen=True)
class Tracks:
    """Ordered fixes with what is reckoned from them: legs, and their parts on duty."""

    fixes: Fixes
    legs: Legs
    parts: Parts
    duty: Duty
    rules: CoverageRules

    @cached_property
    def on(self) -> Ints:
        """The row of the duty of each fix, -1 off duty."""
        return duty_of(self.duty, self.fixes)

    @cached_property
    def sure(self) -> Bools:
        return is_sure(self.fixes, self.rules)

    @cached_property
    def driving(self) -> Bools:
        """The fixes on a vehicle: with a leg beside them, and none that is no vehicle's."""
        start, driven = (
            self.legs.start[self.legs.kind == LEG],
            self.legs.mode[self.legs.kind == LEG] == VEHICLE,
        )
        driving = np.zeros(len(self.fixes), np.bool_)
        driving[start[driven]] = driving[start[driven] + 1] = True
        driving[start[~driven]] = driving[start[~driven] + 1] = False
        return driving


def follow(fixes: Fixes, duty: Duty, rules: CoverageRules, *, until_us: int) -> Tracks:
    """The tracks of ordered fixes and duty in the window [0, until_us)."""
    legs = find_legs(fixes, rules, until_us=until_us)
    return Tracks(fixes, legs, cut_parts(fixes, legs, duty), duty, rules)
