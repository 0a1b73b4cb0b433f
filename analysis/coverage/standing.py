"""Where people stood: the stays of `tracking.trails.stays`, found for everybody of a day at once."""

import numpy as np

from analysis.coverage.fixes import SECOND_US, SPAN_US, Bools, Fixes, Ints
from geo.metric import short_distance_m
from tracking.trails import TrailRules

_AHEAD = 64


def find_standing(fixes: Fixes, linked: Bools, rules: TrailRules) -> Bools:
    """For each step between two fixes whether it lies inside a stay. `linked`: the step is a leg.

    A stay begins at the earliest fix that is followed by `stay_s` of fixes within `stay_radius_m` of it, and lasts
    until the last of those; the next one begins after it. A break ends it.
    """
    standing = np.zeros(len(linked), np.bool_)
    run = np.concatenate([[0], np.cumsum(~linked)])
    may = _may_begin(fixes, run, rules)
    ends = np.append(np.flatnonzero(~linked), len(fixes) - 1)
    begin = 0
    while True:
        ahead = np.searchsorted(may, begin)
        if ahead == len(may):
            return standing
        first = int(may[ahead])
        last = _reach(fixes, first, int(ends[run[first]]), rules.stay_radius_m)
        standing[first:last] = True
        begin = last + 1


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


def _reach(fixes: Fixes, first: int, most: int, radius_m: float) -> int:
    """The last fix, `most` at the latest, before one lies out of reach of the first."""
    last, step = first, _AHEAD
    while last < most:
        ahead = np.arange(last + 1, min(last + step, most) + 1)
        outside = np.flatnonzero(~_within(fixes, np.full(len(ahead), first), ahead, radius_m))
        if outside.size:
            return last + int(outside[0])
        last, step = int(ahead[-1]), step * 2
    return last
