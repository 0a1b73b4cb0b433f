"""Where people stood: the stays of `tracking.trails.stays`, found for everybody of a day at once."""

import numpy as np

from analysis.coverage.fixes import SECOND_US, SPAN_US, Bools, Fixes, Floats, Ints
from geo.metric import metres_per_degree, short_distance_m
from tracking.trails import TrailRules

_AHEAD = 64
_SLACK = 1e-4
"""Boxes are measured by the length of a degree at their first fix, which is that much of it off at most."""


def find_standing(fixes: Fixes, linked: Bools, rules: TrailRules) -> Bools:
    """For each step between two fixes whether it lies inside a stay. `linked`: the step is a leg.

    A stay begins at the earliest fix that is followed by `stay_s` of fixes within `stay_radius_m` of it, and lasts
    until the last of those; the next one begins after it. A break ends it.
    """
    run = np.concatenate([[0], np.cumsum(~linked)])
    may, held = _may_begin(fixes, run, rules)
    first, last = _follow_on(fixes, run, may, held, rules.stay_radius_m)
    edges = np.zeros(len(linked) + 1, np.int8)
    edges[first] += 1
    edges[last] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8) > 0


def _may_begin(fixes: Fixes, run: Ints, rules: TrailRules) -> tuple[Ints, Ints]:
    """The fixes from which on all of the next `stay_s` lie within reach, and the first fix at or after its end."""
    radius_m = rules.stay_radius_m
    end = _first_after(run * SPAN_US + fixes.at_us, round(rules.stay_s * SECOND_US))
    rows = _not_far(fixes, np.minimum(end, len(fixes) - 1), radius_m)
    rows = rows[(end[rows] < len(fixes)) & (run[np.minimum(end[rows], len(fixes) - 1)] == run[rows])]
    far, near = _extents(fixes, rows, end[rows])
    unclear = rows[(near <= radius_m * (1 + _SLACK)) & (far > radius_m * (1 - _SLACK))]
    step, longest = 1, int((end[unclear] - unclear).max(initial=0))
    out = np.zeros(len(fixes), np.bool_)
    out[rows[near > radius_m * (1 + _SLACK)]] = True
    while step <= longest:
        unclear = unclear[unclear + step <= end[unclear]]
        inside = _within(fixes, unclear, unclear + step, radius_m)
        out[unclear[~inside]] = True
        unclear, step = unclear[inside], step + 1
    may = rows[~out[rows]]
    return may, end[may]


def _not_far(fixes: Fixes, end: Ints, radius_m: float) -> Ints:
    """The fixes whose `end` is not clearly out of reach to one side, by the shortest degree there is among them."""
    across, _ = metres_per_degree(np.abs(fixes.lat).max(initial=0))
    _, along = metres_per_degree(0.0)
    reach_m = radius_m * (1 + _SLACK)
    beside = np.abs(fixes.lon[end] - fixes.lon) * across <= reach_m
    return np.flatnonzero(beside & (np.abs(fixes.lat[end] - fixes.lat) * along <= reach_m))


def _first_after(keys: Ints, ahead: int) -> Ints:
    """For each of the ascending keys the first that is at least `ahead` more; most lie as many rows off as most others."""
    count = len(keys)
    sample = np.arange(0, count, max(count // 256, 1))
    usual = int(np.median(np.searchsorted(keys, keys[sample] + ahead) - sample)) if count else 0
    end = np.minimum(np.arange(count) + usual, count)
    if usual < 1 or usual >= count:
        return np.searchsorted(keys, keys + ahead)
    there = keys[usual:] >= keys[:-usual] + ahead
    too_far = keys[usual - 1 : -1] >= keys[:-usual] + ahead
    other = np.append(np.flatnonzero(~there | too_far), np.arange(count - usual, count))
    end[other] = np.searchsorted(keys, keys[other] + ahead)
    return end


def _extents(fixes: Fixes, rows: Ints, end: Ints) -> tuple[Floats, Floats]:
    """Metres from each fix to the farthest corner, and at least to the farthest side, of the box of all until `end`."""
    east, north = metres_per_degree(fixes.lat[rows])
    west, far_east = _reaches(fixes.lon, rows, end)
    south, far_north = _reaches(fixes.lat, rows, end)
    across, along = np.maximum(west, far_east) * east, np.maximum(south, far_north) * north
    return np.sqrt(across * across + along * along), np.maximum(across, along)


def _reaches(values: Floats, rows: Ints, end: Ints) -> tuple[Floats, Floats]:
    """How far the values of each row up to `end` lie below and above that of the row: by the least and the most of runs
    of a power of two, any run being two of those.
    """
    below, above = np.zeros(len(rows)), np.zeros(len(rows))
    level = np.frexp(end - rows + 1)[1] - 1
    least, most, size = values, values, 1
    for power in range(int(level.max(initial=-1)) + 1):
        if power:
            least = np.minimum(least[: len(least) - size], least[size:])
            most = np.maximum(most[: len(most) - size], most[size:])
            size *= 2
        own = np.flatnonzero(level == power)
        if len(own):
            here, there = rows[own], end[own] - size + 1
            below[own] = values[here] - np.minimum(least[here], least[there])
            above[own] = np.maximum(most[here], most[there]) - values[here]
    return below, above


def _within(fixes: Fixes, rows: Ints, others: Ints, radius_m: float) -> Bools:
    apart = short_distance_m(fixes.lon[rows], fixes.lat[rows], fixes.lon[others], fixes.lat[others])
    near: Bools = apart <= radius_m
    return near


def _follow_on(fixes: Fixes, run: Ints, may: Ints, held: Ints, radius_m: float) -> tuple[Ints, Ints]:
    """First and last fix of every stay: the first of the fixes that may begin one, then the first after its end, and so on;
    in all runs at once. `held`: within reach up to there.
    """
    ends = np.append(np.flatnonzero(np.diff(run)), len(run) - 1)
    opens = np.flatnonzero(np.concatenate([[True], np.diff(run[may]) != 0])) if len(may) else may
    stops = np.append(opens[1:], len(may))
    begun, ended = [], []
    place = opens
    while len(place):
        first = may[place]
        last = _reach(fixes, first, held[place], ends[run[first]], radius_m)
        begun.append(first)
        ended.append(last)
        place = np.searchsorted(may, last, side="right")
        on = place < stops
        place, stops = place[on], stops[on]
    nothing = np.empty(0, np.int64)
    return np.concatenate([nothing, *begun]), np.concatenate([nothing, *ended])


def _reach(fixes: Fixes, first: Ints, held: Ints, most: Ints, radius_m: float) -> Ints:
    """The last fix, `most` at the latest, before one lies out of reach of the first."""
    last, going, step = held.copy(), np.arange(len(first)), _AHEAD
    east, north = metres_per_degree(fixes.lat[first])
    while len(going):
        begin = first[going, None]
        ahead = last[going, None] + np.arange(1, step + 1)
        rows = np.minimum(ahead, most[going, None])
        across = (fixes.lon[rows] - fixes.lon[begin]) * east[going, None]
        along = (fixes.lat[rows] - fixes.lat[begin]) * north[going, None]
        stops = (across * across + along * along > radius_m * radius_m) | (ahead > most[going, None])
        left = stops.any(axis=1)
        last[going] += np.where(left, np.argmax(stops, axis=1), step)
        going, step = going[~left], step * 2
    return last
