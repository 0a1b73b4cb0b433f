"""Where people stood: the stays of `tracking.trails.stays`, found for everybody of a day at once."""

import numpy as np

from analysis.coverage.fixes import SECOND_US, SPAN_US, Bools, Fixes, Ints
from geo.metric import metres_per_degree, short_distance_m
from tracking.trails import TrailRules

_AHEAD = 64


def find_standing(fixes: Fixes, linked: Bools, rules: TrailRules) -> Bools:
    """For each step between two fixes whether it lies inside a stay. `linked`: the step is a leg.

    A stay begins at the earliest fix that is followed by `stay_s` of fixes within `stay_radius_m` of it, and lasts
    until the last of those; the next one begins after it. A break ends it.
    """
    run = np.concatenate([[0], np.cumsum(~linked)])
    may = _may_begin(fixes, run, rules)
    ends = np.append(np.flatnonzero(~linked), len(fixes) - 1)[run[may]].tolist()
    radius = rules.stay_radius_m
    scale = metres_per_degree(fixes.lat[may])
    begin, found = 0, []
    for first, most, east, north in zip(may.tolist(), ends, *(each.tolist() for each in scale), strict=True):
        if first >= begin:
            last = _reach(fixes, first, most, (east, north, radius))
            found.append((first, last))
            begin = last + 1
    edges = np.zeros(len(linked) + 1, np.int64)
    for first, last in found:
        edges[first] += 1
        edges[last] -= 1
    return np.asarray(np.cumsum(edges)[:-1] > 0)


def _may_begin(fixes: Fixes, run: Ints, rules: TrailRules) -> Ints:
    """The fixes from which on all of the next `stay_s` lie within reach, up to the first fix at or after its end."""
    keys = run * SPAN_US + fixes.at_us
    end = np.searchsorted(keys, keys + round(rules.stay_s * SECOND_US))
    rows = np.flatnonzero(end < len(fixes))
    rows = rows[run[end[rows]] == run[rows]]
    rows = rows[_within(fixes, rows, end[rows], rules.stay_radius_m)]
    checked: Ints = rows
    step = 1
    longest = int((end[rows] - rows).max(initial=0))
    while step < longest:
        open_ = checked[checked + step < end[checked]]
        outside = open_[~_within(fixes, open_, open_ + step, rules.stay_radius_m)]
        checked = np.setdiff1d(checked, outside, assume_unique=True) if len(outside) else checked
        step += 1
    return checked


def _within(fixes: Fixes, rows: Ints, others: Ints, radius_m: float) -> Bools:
    apart = short_distance_m(fixes.lon[rows], fixes.lat[rows], fixes.lon[others], fixes.lat[others])
    near: Bools = apart <= radius_m
    return near


def _reach(fixes: Fixes, first: int, most: int, reach: tuple[float, float, float]) -> int:
    """The last fix, `most` at the latest, before one lies out of reach of the first. `reach`: metres a degree of longitude
    and of latitude are long there, and the radius.
    """
    last, step = first, _AHEAD
    east, north, radius_m = reach
    lon, lat = fixes.lon[first], fixes.lat[first]
    while last < most:
        ahead = slice(last + 1, min(last + step, most) + 1)
        apart = ((fixes.lon[ahead] - lon) * east) ** 2 + ((fixes.lat[ahead] - lat) * north) ** 2
        outside = (apart > radius_m * radius_m).nonzero()[0]
        if outside.size:
            return last + int(outside[0])
        last, step = ahead.stop - 1, step * 2
    return last
