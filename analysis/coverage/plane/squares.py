"""What lies near what in the plane: things by the small squares they touch, and steps in bundles that share a box.

A place of the plane is one complex number, east + i·north, metres: it is fetched at once, and of a product with a conjugate
the real part is the scalar product and the imaginary part the cross product.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis.coverage.fixes import Bools, Ints

Places = NDArray[np.complex128]

_SQUARE_M: Final = 25.0
_SQUARES_AN_ITEM: Final = 32
_MOST: Final = 2_000_000
_APART_M: Final = 25.0


def places_of(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> Places:
    places = np.empty(np.shape(x), np.complex128)
    places.real, places.imag = x, y
    return places


def box_of(begin: Places, end: Places) -> tuple[Places, Places]:
    """The south-west and the north-east corner about each step."""
    low = places_of(np.minimum(begin.real, end.real), np.minimum(begin.imag, end.imag))
    return low, places_of(np.maximum(begin.real, end.real), np.maximum(begin.imag, end.imag))


class Squares:
    """Items of the plane by the squares they touch, so that those about many short steps are found without a tree.

    Squares above one another follow one another, so that of a box each column is one run of items.
    """

    def __init__(self, low: Places, high: Places, *, lines: tuple[Places, Places] | None = None) -> None:
        """South-west and north-east corners of the items' boxes. `lines`: the two ends of each item that is a line, which
        touches fewer squares than its box.
        """
        west, south = low.real.min(initial=np.inf), low.imag.min(initial=np.inf)
        self._low = complex(west, south) if len(low) else 0j
        width, height = (high.real.max() - west, high.imag.max() - south) if len(low) else (0.0, 0.0)
        side_m = _SQUARE_M
        while (width / side_m + 1) * (height / side_m + 1) > max(_MOST, _SQUARES_AN_ITEM * len(low)):
            side_m *= 2
        self._scale = 1 / side_m
        self._columns, self._rows = int(width * self._scale + 1), int(height * self._scale + 1)
        item, column, row = self._touched(low, high)
        if lines is not None:
            begin, end = ((side[item] - self._low) * self._scale for side in lines)
            kept = np.flatnonzero(_touch(begin, end, column, row))
            item, column, row = item[kept], column[kept], row[kept]
        square = column * self._rows + row
        self._item = item[np.argsort(square, kind="stable")]
        self._opens = np.concatenate(
            [[0], np.cumsum(np.bincount(square, minlength=self._columns * self._rows))]
        )

    def _square(self, places: Places) -> tuple[Ints, Ints]:
        """Column and row of the square of each place; one beside them all for what lies there."""
        column = np.clip((places.real - self._low.real) * self._scale + 1, 0, self._columns + 1)
        row = np.clip((places.imag - self._low.imag) * self._scale + 1, 0, self._rows + 1)
        return column.astype(np.int64) - 1, row.astype(np.int64) - 1

    def _touched(self, low: Places, high: Places) -> tuple[Ints, Ints, Ints]:
        """Every square of each box: the box, and the square's column and row."""
        (west, south), (east, north) = self._square(low), self._square(high)
        height = north - south + 1
        box, place = each_of(height * (east - west + 1))
        column, row = np.divmod(place, height[box])
        return box, west[box] + column, south[box] + row

    def at(self, places: Places) -> tuple[Ints, Ints]:
        """Pairs of a place and an item that touches its square."""
        column, row = self._square(places)
        known = (column >= 0) & (column < self._columns) & (row >= 0) & (row < self._rows)
        square = np.where(known, column * self._rows + row, 0)
        first = self._opens[square]
        count = np.where(known, self._opens[square + 1] - first, 0)
        some = np.flatnonzero(count)
        of, place = each_of(count[some])
        return some[of], self._item[first[some][of] + place]

    def about(self, low: Places, high: Places) -> tuple[Ints, Ints]:
        """Pairs of a box, from `low` to `high`, and an item that touches a square of it; as often as they share one."""
        (west, south), (east, north) = self._square(low), self._square(high)
        west, south = np.maximum(west, 0), np.maximum(south, 0)
        east, north = np.minimum(east, self._columns - 1), np.minimum(north, self._rows - 1)
        box, step = each_of(np.where(south <= north, np.maximum(east - west + 1, 0), 0))
        column = (west[box] + step) * self._rows
        first = self._opens[column + south[box]]
        count = self._opens[column + north[box] + 1] - first
        some = np.flatnonzero(count)
        of, place = each_of(count[some])
        return box[some][of], self._item[first[some][of] + place]


def each_of(count: Ints) -> tuple[Ints, Ints]:
    """For each of `count` things of every row: the row, and which of its things it is."""
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


def _touch(begin: Places, end: Places, column: Ints, row: Ints) -> Bools:
    """Whether each line, in sides of squares, touches a square of its box: not all four corners lie on one side of it."""
    way, to = end - begin, places_of(column + 0.5, row + 0.5) - begin
    aside = np.abs((way.conj() * to).imag)
    half = (np.abs(way.real) + np.abs(way.imag)) * (0.5 + 1e-6)
    return np.asarray(aside <= half)


@dataclass(frozen=True)
class Bundles:
    """Steps that follow one another within a few metres, so that much is found out for all of a bundle together.

    `begin` and `way`: of each step. `opens` and `count`: rows of the steps of a bundle; `low` and `high`: corners of the
    box about it.
    """

    begin: Places
    way: Places
    opens: Ints
    count: Ints
    low: Places
    high: Places

    def members(self, bundle: Ints) -> tuple[Ints, Ints]:
        """Every step of each bundle: the row of the bundle in what is asked, and of the step."""
        of, place = each_of(self.count[bundle])
        return of, self.opens[bundle][of] + place


def bundle_steps(begin: Places, end: Places, follows: Bools, *, most: int) -> Bundles:
    """At most so many steps a bundle; `follows`: each step but the first begins where the one before it ended."""
    return _bundle(begin, end, follows, most)


def bundle_places(places: Places, follows: Bools, *, most: int) -> Bundles:
    """At most so many places a bundle, each a step of no length; `follows`: each but the first comes next in time."""
    moved = np.diff(places)
    near = (np.abs(moved.real) <= _APART_M) & (np.abs(moved.imag) <= _APART_M)
    return _bundle(places, places, follows & near, most)


def _bundle(begin: Places, end: Places, follows: Bools, most: int) -> Bundles:
    if not len(begin):
        nothing = np.empty(0, np.int64)
        return Bundles(begin, begin, nothing, nothing, begin, begin)
    first = np.flatnonzero(np.concatenate([[True], ~follows]))
    size = np.diff(np.append(first, len(begin)))
    run, place = each_of(-(-size // most))
    opens = first[run] + most * place
    count = np.diff(np.append(opens, len(begin)))
    last = end[opens + count - 1]
    x, y = np.ascontiguousarray(begin.real), np.ascontiguousarray(begin.imag)
    west, east = np.minimum.reduceat(x, opens), np.maximum.reduceat(x, opens)
    south, north = np.minimum.reduceat(y, opens), np.maximum.reduceat(y, opens)
    low = places_of(np.minimum(west, last.real), np.minimum(south, last.imag))
    high = places_of(np.maximum(east, last.real), np.maximum(north, last.imag))
    return Bundles(begin, end - begin, opens, count, low, high)
