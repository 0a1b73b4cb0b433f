"""What was passed: doors and stretches of street within reach of a trail, and presence at sites."""

import numpy as np
import shapely

from analysis.coverage.fixes import Bools, Floats, Ints
from analysis.coverage.ground import Sites, Targets
from analysis.coverage.legs import LEG, VEHICLE, Tracks
from analysis.coverage.pieces import Events

_AT_ONCE = 100_000
"""Steps looked at together: bounds the memory, and what one lot has passed is not looked at again."""


class Ways:
    """The ways of everybody on duty in the plane: those that prove what they pass, and those that do not."""

    def __init__(self, tracks: Tracks, xy: Floats) -> None:
        on, legs = tracks.on, tracks.legs
        precise = ~(tracks.fixes.accuracy_m > tracks.rules.valid_accuracy_m)
        start = legs.start
        walked = (legs.kind == LEG) & (legs.mode != VEHICLE) & ~legs.still
        walked &= (on[start] >= 0) & (on[start] == on[start + 1])
        sure = walked & legs.proving & precise[start] & precise[start + 1]
        alone = (on >= 0) & ~tracks.driving
        self._proven = _steps(xy, start[sure], alone & precise)
        self._possible = _steps(xy, start[walked & ~sure], alone & ~precise)

    def passed(self, targets: Targets, reach_m: float) -> tuple[Bools, Bools]:
        """Which targets were surely passed within `reach_m`, and which others possibly."""
        proven, possible = (_near(*steps, targets, reach_m) for steps in (self._proven, self._possible))
        return proven, possible & ~proven


def _steps(xy: Floats, start: Ints, alone: Bools) -> tuple[Floats, Floats]:
    """Begin and end of the steps from `start` to the row after it, and of the fixes `alone` on none of them."""
    alone[start] = alone[start + 1] = False
    rows = np.flatnonzero(alone)
    return np.concatenate([xy[start], xy[rows]]), np.concatenate([xy[start + 1], xy[rows]])


def _near(begin: Floats, end: Floats, targets: Targets, reach_m: float) -> Bools:
    near = np.zeros(len(targets), np.bool_)
    if not len(targets):
        return near
    for first in range(0, len(begin), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        step, target = targets.squares(reach_m).about(begin[some], end[some])
        fresh = np.flatnonzero(~near[target])
        step, target = step[fresh] + first, target[fresh]
        way, x, y = (
            end[step] - begin[step],
            targets.x[target] - begin[step, 0],
            targets.y[target] - begin[step, 1],
        )
        with np.errstate(invalid="ignore"):
            along = (x * way[:, 0] + y * way[:, 1]) / (way[:, 0] ** 2 + way[:, 1] ** 2)
        along = np.clip(np.nan_to_num(along), 0, 1)  # a fix alone is a step of no length
        aside = (x - along * way[:, 0]) ** 2 + (y - along * way[:, 1]) ** 2
        near[target[aside <= reach_m * reach_m]] = True
    return near


def find_presence_at(sites: Sites, tracks: Tracks, xy: Floats) -> Events:
    """Events of sites: fixes inside them, and the legs that begin and end inside one. A site counts with its margin."""
    fixes, legs, parts = tracks.fixes, tracks.legs, tracks.parts
    row, place = _inside(sites, np.flatnonzero((tracks.on >= 0) & ~tracks.driving), xy)
    sure = ~(fixes.accuracy_m[row] > tracks.rules.valid_accuracy_m)
    spent, linked = np.zeros(len(fixes), np.int64), np.zeros(len(fixes), np.bool_)
    real = (legs.kind[parts.leg] == LEG) & (legs.mode[parts.leg] != VEHICLE)
    np.add.at(spent, legs.start[parts.leg[real]], parts.credited_us[real])
    linked[legs.start[legs.kind == LEG]] = True
    goes_on = np.zeros(len(row), np.bool_)
    if len(row):
        goes_on[:-1] = (place[1:] == place[:-1]) & (row[1:] == row[:-1] + 1) & linked[row[:-1]]
    until = np.where(goes_on, fixes.at_us[np.minimum(row + 1, len(fixes) - 1)], fixes.at_us[row])
    return Events(place, fixes.person[row], fixes.at_us[row], until, np.where(goes_on, spent[row], 0), sure)


def _inside(sites: Sites, rows: Ints, xy: Floats) -> tuple[Ints, Ints]:
    """Which of the fixes lie in which sites, by site and fix."""
    if not len(sites):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    step, site = sites.squares.about(xy[rows], xy[rows])
    shapely.prepare(sites.shape)
    row = rows[step]
    inside = shapely.intersects_xy(sites.shape[site], xy[row, 0], xy[row, 1])
    row, site = row[inside], site[inside]
    order = np.lexsort((row, site))
    return row[order], site[order]
