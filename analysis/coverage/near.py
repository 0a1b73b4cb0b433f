"""What was passed: doors and stretches of street within reach of a trail, and presence at sites."""

from dataclasses import dataclass

import numpy as np
import shapely

from analysis.coverage.fixes import Bools, Floats, Ints
from analysis.coverage.ground import Sites, Targets
from analysis.coverage.legs import LEG, VEHICLE, Tracks
from analysis.coverage.pieces import Events, join_events
from analysis.coverage.plane.squares import Bundles, Places, bundle_places, bundle_steps

_STEPS, _FIXES = 6, 64
"""A bundle's steps, and its fixes where somebody stands: few targets are near to all of one and many to none."""


@dataclass(frozen=True)
class _Walked:
    """Steps, each from the fix of the row `start` to the one after it, and the fixes `alone` that are on none of them."""

    steps: Bundles
    start: Ints
    fixes: Bundles
    alone: Ints


class Ways:
    """The ways of everybody on duty in the plane: those that prove what they pass, and those that do not."""

    def __init__(self, tracks: Tracks, places: Places) -> None:
        on, legs, self._fixes = tracks.on, tracks.legs, tracks.fixes
        precise = ~(tracks.fixes.accuracy_m > tracks.rules.valid_accuracy_m)
        start = legs.start
        walked = (legs.kind == LEG) & (legs.mode != VEHICLE) & ~legs.still
        walked &= (on[start] >= 0) & (on[start] == on[start + 1])
        sure = walked & legs.proving & precise[start] & precise[start + 1]
        alone = (on >= 0) & ~tracks.driving
        self._proven = _ways(places, start[sure], alone & precise)
        self._possible = _ways(places, start[walked & ~sure], alone & ~precise)

    def passings(self, targets: Targets, reach_m: float) -> Events:
        """Who surely passed which target, from when to when: of every step and every fix alone within `reach_m`."""
        at, person = self._fixes.at_us, self._fixes.person
        found = []
        for some, rows, lasts in (
            (self._proven.steps, self._proven.start, 1),
            (self._proven.fixes, self._proven.alone, 0),
        ):
            bundle, target = _boxed(some, targets, reach_m)
            of, step = some.members(bundle)
            target = target[of]
            close = _is_close(some, step, target, (targets, reach_m))
            target, first = target[close], rows[step[close]]
            since, until = at[first], at[first + lasts]
            found.append(
                Events(target, person[first], since, until, until - since, np.ones(len(first), np.bool_))
            )
        return join_events(*found)

    def passed(self, targets: Targets, reach_m: float) -> tuple[Bools, Bools]:
        """Which targets were surely passed within `reach_m`, and which others possibly."""
        proven, possible = (_near(ways, targets, reach_m) for ways in (self._proven, self._possible))
        return proven, possible & ~proven


def _ways(places: Places, start: Ints, alone: Bools) -> _Walked:
    """The steps from `start` to the row after it, and the fixes `alone` on none of them."""
    alone[start] = alone[start + 1] = False
    rows = np.flatnonzero(alone)
    steps = bundle_steps(places[start], places[start + 1], np.diff(start) == 1, most=_STEPS)
    return _Walked(steps, start, bundle_places(places[rows], np.diff(rows) == 1, most=_FIXES), rows)


def _near(ways: _Walked, targets: Targets, reach_m: float) -> Bools:
    """The targets within reach: of the middle step of a bundle, or else of any."""
    near = np.zeros(len(targets), np.bool_)
    for some in (ways.steps, ways.fixes):
        bundle, target = _boxed(some, targets, reach_m)
        _mark(near, some, (some.opens + some.count // 2)[bundle], target, (targets, reach_m))
        fresh = np.flatnonzero(~near[target] & (some.count[bundle] > 1))
        of, step = some.members(bundle[fresh])
        _mark(near, some, step, target[fresh][of], (targets, reach_m))
    return near


def _boxed(some: Bundles, targets: Targets, reach_m: float) -> tuple[Ints, Ints]:
    """Pairs of a bundle and a target within reach of the box about it."""
    if not len(targets):
        nothing = np.empty(0, np.int64)
        return nothing, nothing
    margin = complex(reach_m, reach_m)
    low, high = some.low - margin, some.high + margin
    bundle, target = targets.squares.about(low, high)
    above, below = targets.places[target] - low[bundle], high[bundle] - targets.places[target]
    boxed = np.flatnonzero((above.real >= 0) & (above.imag >= 0) & (below.real >= 0) & (below.imag >= 0))
    return bundle[boxed], target[boxed]


def _mark(near: Bools, ways: Bundles, step: Ints, target: Ints, within: tuple[Targets, float]) -> None:
    near[target[_is_close(ways, step, target, within)]] = True


def _is_close(ways: Bundles, step: Ints, target: Ints, within: tuple[Targets, float]) -> Bools:
    targets, reach_m = within
    way, to = ways.way[step], targets.places[target] - ways.begin[step]
    length = _square(way)
    length[length == 0] = 1  # a fix alone is a step of no length
    along = np.clip((way.conj() * to).real / length, 0, 1)
    close: Bools = _square(to - along * way) <= reach_m * reach_m
    return close


def _square(ways: Places) -> Floats:
    return ways.real * ways.real + ways.imag * ways.imag


def find_presence_at(sites: Sites, tracks: Tracks, places: Places) -> Events:
    """Events of sites: fixes inside them, and the legs that begin and end inside one. A site counts with its margin."""
    fixes, legs, parts = tracks.fixes, tracks.legs, tracks.parts
    row, place = _inside(sites, np.flatnonzero((tracks.on >= 0) & ~tracks.driving), places)
    sure = ~(fixes.accuracy_m[row] > tracks.rules.valid_accuracy_m)
    real = (legs.kind[parts.leg] == LEG) & (legs.mode[parts.leg] != VEHICLE)
    start = legs.start[parts.leg[real]]
    spent = np.bincount(start, parts.credited_us[real], len(fixes)).astype(np.int64)
    linked = np.zeros(len(fixes), np.bool_)
    linked[legs.start[legs.kind == LEG]] = True
    goes_on = np.zeros(len(row), np.bool_)
    if len(row):
        goes_on[:-1] = (place[1:] == place[:-1]) & (row[1:] == row[:-1] + 1) & linked[row[:-1]]
    until = np.where(goes_on, fixes.at_us[np.minimum(row + 1, len(fixes) - 1)], fixes.at_us[row])
    return Events(place, fixes.person[row], fixes.at_us[row], until, np.where(goes_on, spent[row], 0), sure)


def _inside(sites: Sites, rows: Ints, places: Places) -> tuple[Ints, Ints]:
    """Which of the fixes lie in which sites, by site and fix."""
    near, site = sites.squares.at(places[rows])
    row = rows[near]
    shapely.prepare(sites.shape)
    inside = shapely.intersects_xy(sites.shape[site], places[row].real, places[row].imag)
    row, site = row[inside], site[inside]
    order = np.lexsort((row, site))
    return row[order], site[order]
