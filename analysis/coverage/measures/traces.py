"""What is remembered of each person's day so that a late fix of theirs changes no more than it touches: which small squares
they were in, and what they add to the day's medians.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from analysis.coverage.fixes import Floats, Ints, Shapes
from analysis.coverage.legs import LEG, Tracks
from analysis.coverage.measures.sampling import Tally, join_tallies, tally
from analysis.coverage.plane.squares import each_of

_A_DEGREE: Final = 1000
"""Squares of a thousandth of a degree: 70 to 111 m, wider than anything reaches beside a way."""
_ROWS: Final = 1 << 20
_SQUARE_BITS: Final = 39


@dataclass(frozen=True)
class Traces:
    """`person`, `fixes`: so many on duty, one row a person. `whose`, `square`: pairs, of whoever had a fix on duty or a leg.

    `steps_s` and `accuracy_m` by person: whole seconds between fixes, whole metres told.
    """

    person: Ints
    fixes: Ints
    whose: Ints
    square: Ints
    steps_s: Tally
    accuracy_m: Tally

    def of(self, person: int) -> "Traces":
        """One person's alone."""
        own, pairs = _rows_of(self.person, person), _rows_of(self.whose, person)
        tallies = (_only(each, person) for each in (self.steps_s, self.accuracy_m))
        return Traces(self.person[own], self.fixes[own], self.whose[pairs], self.square[pairs], *tallies)


def _rows_of(people: Ints, person: int) -> slice:
    """Theirs, of ascending ones."""
    first, last = (int(np.searchsorted(people, person, side=side)) for side in ("left", "right"))
    return slice(first, last)


def find_traces(tracks: Tracks) -> Traces:
    """Everybody's of some tracks."""
    fixes, legs, parts = tracks.fixes, tracks.legs, tracks.parts
    on = np.flatnonzero(tracks.on >= 0)
    real = np.zeros(len(legs.kind), np.bool_)
    real[parts.leg] = legs.kind[parts.leg] == LEG
    start = legs.start[real]
    person, count = np.unique(fixes.person[on], return_counts=True)
    whose, square = _squares_of_ways(tracks, on, start)
    told = on[~np.isnan(fixes.accuracy_m[on])]
    return Traces(
        person,
        count,
        whose,
        square,
        tally(fixes.person[start], np.rint(legs.lasts_us[real] / 1e6).astype(np.int64)),
        tally(fixes.person[told], np.rint(fixes.accuracy_m[told]).astype(np.int64)),
    )


def _squares_of_ways(tracks: Tracks, on: Ints, start: Ints) -> tuple[Ints, Ints]:
    """Pairs of a person and a square: of fixes and of both ends of legs, and of a leg that leads farther than to the next
    square those on its way, so that whatever lies near to the way lies in one of them or beside one.
    """
    fixes = tracks.fixes
    column, row = _place(fixes.lon, fixes.lat)
    far = np.maximum(np.abs(column[start + 1] - column[start]), np.abs(row[start + 1] - row[start]))
    long = start[far > 1]
    leg, step = each_of(far[far > 1] + 1)
    along = step / np.maximum(far[far > 1][leg], 1)
    lon, lat = (
        side[long][leg] + along * (side[long + 1] - side[long])[leg] for side in (fixes.lon, fixes.lat)
    )
    between = _place(lon, lat)
    seen = np.zeros(len(column), np.bool_)
    seen[on] = seen[start] = seen[start + 1] = True
    rows = np.flatnonzero(seen)
    whose = np.concatenate([fixes.person[rows], fixes.person[long][leg]])
    square = np.concatenate([column[rows] * _ROWS + row[rows], between[0] * _ROWS + between[1]])
    opens = np.concatenate([[True], (whose[1:] != whose[:-1]) | (square[1:] != square[:-1])])[: len(whose)]
    people, place = np.unique(whose[opens], return_inverse=True)
    pairs = np.unique(place << _SQUARE_BITS | square[opens])
    return people[pairs >> _SQUARE_BITS], pairs & ((1 << _SQUARE_BITS) - 1)


def _place(lon: Floats, lat: Floats) -> tuple[Ints, Ints]:
    return (
        np.floor((lon + 180) * _A_DEGREE).astype(np.int64),
        np.floor((lat + 90) * _A_DEGREE).astype(np.int64),
    )


def squares_about(shapes: Shapes) -> Ints:
    """Those in the bounds of WGS-84 shapes, and those beside them."""
    west, south, east, north = np.asarray(shapely.bounds(shapes), np.float64).reshape(-1, 4).T
    (left, low), (right, high) = _place(west, south), _place(east, north)
    width, height = right - left + 3, high - low + 3
    box, place = each_of(width * height)
    column, row = np.divmod(place, height[box])
    return np.unique((left[box] - 1 + column) * _ROWS + low[box] - 1 + row)


def widen(squares: Ints) -> Ints:
    """These squares and those beside them."""
    beside = np.array([column * _ROWS + row for column in (-1, 0, 1) for row in (-1, 0, 1)])
    return np.unique((squares[:, None] + beside).ravel())


def outlines(squares: Ints) -> Shapes:
    """The squares as WGS-84 shapes."""
    column, row = np.divmod(squares, _ROWS)
    west, south = column / _A_DEGREE - 180, row / _A_DEGREE - 90
    found: Shapes = np.asarray(shapely.box(west, south, west + 1 / _A_DEGREE, south + 1 / _A_DEGREE), object)
    return found


def join_traces(groups: Sequence[Traces]) -> Traces:
    """Of people that come one after the other."""
    person, fixes, whose, square = (
        np.concatenate([getattr(each, name) for each in groups])
        for name in ("person", "fixes", "whose", "square")
    )
    tallies = (join_tallies([getattr(each, name) for each in groups]) for name in ("steps_s", "accuracy_m"))
    return Traces(person, fixes, whose, square, *tallies)


def _only(told: Tally, person: int) -> Tally:
    own = _rows_of(told.unit, person)
    return Tally(told.unit[own], told.value[own], told.count[own])
