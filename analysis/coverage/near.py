"""What was passed: doors and stretches of street within reach of a trail, and presence at sites."""

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import Bools, Duty, Fixes, Ints, duty_of
from analysis.coverage.ground import Sites, Targets
from analysis.coverage.legs import LEG, VEHICLE, Legs, Parts
from analysis.coverage.pieces import Events, find_drivers
from analysis.coverage.rules import CoverageRules

_CHUNK = 16


class Ways:
    """The ways of everybody on duty in the plane: those that prove what they pass, and those that do not."""

    def __init__(
        self, fixes: Fixes, legs: Legs, duty: Duty, xy: NDArray[np.float64], rules: CoverageRules
    ) -> None:
        on = duty_of(duty, fixes.person, fixes.at_us)
        driving = find_drivers(len(fixes), legs)
        precise = ~(fixes.accuracy_m > rules.valid_accuracy_m)
        start = legs.start
        both = (on[start] >= 0) & (on[start] == on[start + 1])
        walked = both & (legs.kind == LEG) & (legs.mode != VEHICLE) & ~legs.still
        sure = walked & legs.proving & precise[start] & precise[start + 1]
        self._proven = shapely.STRtree(
            _lines(xy, start[sure], np.flatnonzero((on >= 0) & precise & ~driving))
        )
        rest = walked & ~sure
        self._possible = shapely.STRtree(
            _lines(xy, start[rest], np.flatnonzero((on >= 0) & ~precise & ~driving))
        )

    def passed(self, targets: Targets, reach_m: float) -> tuple[Bools, Bools]:
        """Which targets were surely passed within `reach_m`, and which others possibly."""
        points = np.asarray(shapely.points(targets.x, targets.y), dtype=object).reshape(len(targets))
        proven, possible = _near(self._proven, points, reach_m), _near(self._possible, points, reach_m)
        return proven, possible & ~proven


def _near(tree: shapely.STRtree, points: NDArray[np.object_], reach_m: float) -> Bools:
    near = np.zeros(len(points), np.bool_)
    if len(points) and len(tree):
        near[tree.query_nearest(points, max_distance=reach_m, all_matches=False)[0]] = True
    return near


def _lines(xy: NDArray[np.float64], start: Ints, alone: Ints) -> NDArray[np.object_]:
    """Steps from `start` to the row after it as lines of up to _CHUNK steps, and the fixes `alone` on none of them."""
    touched = np.zeros(len(xy), np.bool_)
    touched[start] = touched[start + 1] = True
    alone = alone[~touched[alone]]
    points = np.asarray(shapely.points(xy[alone]), dtype=object).reshape(len(alone))
    if not len(start):
        return points
    run = np.cumsum(np.concatenate([[True], np.diff(start) != 1])) - 1
    first = np.flatnonzero(np.concatenate([[True], np.diff(run) != 0]))
    chunk = run * (len(start) + 1) + (np.arange(len(start)) - first[run]) // _CHUNK
    opens = np.flatnonzero(np.concatenate([[True], np.diff(chunk) != 0]))
    count = np.diff(np.append(opens, len(start))) + 1
    rows = (
        np.repeat(start[opens], count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    )
    lines = shapely.linestrings(xy[rows], indices=np.repeat(np.arange(len(opens)), count))
    return np.concatenate([np.asarray(lines, dtype=object), points])


def find_presence_at(
    sites: Sites,
    fixes: Fixes,
    legs: Legs,
    parts: Parts,
    duty: Duty,
    *,
    xy: NDArray[np.float64],
    rules: CoverageRules,
) -> Events:
    """Events of sites: fixes inside them, and the legs that begin and end inside one. A site counts with its margin."""
    on = np.flatnonzero((duty_of(duty, fixes.person, fixes.at_us) >= 0) & ~find_drivers(len(fixes), legs))
    boxed = np.zeros(len(on), np.bool_)
    for west, south, east, north in shapely.bounds(sites.shape):
        boxed |= (xy[on, 0] >= west) & (xy[on, 0] <= east) & (xy[on, 1] >= south) & (xy[on, 1] <= north)
    near = on[boxed]
    points = np.asarray(shapely.points(xy[near]), dtype=object).reshape(len(near))
    of, place = (
        shapely.STRtree(sites.shape).query(points, predicate="intersects")
        if len(near) and len(sites)
        else _NO
    )
    row = near[of]
    order = np.lexsort((row, place))
    row, place = row[order], place[order].astype(np.int64)
    sure = ~(fixes.accuracy_m[row] > rules.valid_accuracy_m)
    spent = np.zeros(len(fixes), np.int64)
    real = (legs.kind[parts.leg] == LEG) & (legs.mode[parts.leg] != VEHICLE)
    np.add.at(spent, legs.start[parts.leg[real]], parts.credited_us[real])
    linked = np.zeros(len(fixes), np.bool_)
    linked[legs.start[legs.kind == LEG]] = True
    goes_on = np.zeros(len(row), np.bool_)
    if len(row):
        goes_on[:-1] = (place[1:] == place[:-1]) & (row[1:] == row[:-1] + 1) & linked[row[:-1]]
    until = np.where(goes_on, fixes.at_us[np.minimum(row + 1, len(fixes) - 1)], fixes.at_us[row])
    return Events(place, fixes.person[row], fixes.at_us[row], until, np.where(goes_on, spent[row], 0), sure)


_NO = (np.empty(0, np.intp), np.empty(0, np.intp))
