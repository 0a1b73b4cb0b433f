"""What lies near steps: boxes of a plane by the small squares they touch, and steps in bundles that share a box."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.coverage.fixes import Bools, Floats, Ints

_SQUARE_M: Final = 25.0
_SQUARES_AN_ITEM: Final = 32
_MOST: Final = 2_000_000
_APART_M: Final = 25.0


class Squares:
    """Boxes in the plane by the squares they touch, so that those about many short steps are found without a tree."""

    def __init__(self, low: Floats, high: Floats) -> None:
        """South-west and north-east corners, (boxes, 2)."""
        self.low = low.min(axis=0) if len(low) else np.zeros(2)
        span = (high.max(axis=0) if len(high) else np.zeros(2)) - self.low
        side = _SQUARE_M
        while np.prod(span / side + 1) > max(_MOST, _SQUARES_AN_ITEM * len(low)):
            side *= 2
        self.side, self.size = side, np.floor(span / side).astype(np.int64) + 1
        first, last = self._square(low), self._square(high)
        self.first = first
        item, column, row = _each_square(first, last)
        square = column * self.size[1] + row
        self.item = item[np.argsort(square, kind="stable")]
        self.opens = np.concatenate([[0], np.cumsum(np.bincount(square, minlength=int(self.size.prod())))])

    def _square(self, xy: Floats) -> Ints:
        """The square of each place; one beside them all for what lies there."""
        return np.clip((xy - self.low) * (1 / self.side) + 1, 0, self.size + 1).astype(np.int64) - 1

    def about(self, low: Floats, high: Floats) -> tuple[Ints, Ints]:
        """Pairs of other boxes, from `low` to `high`, and of these that touch a square in common, each once."""
        first, last = self._square(low), self._square(high)
        wide = (first != last).any(axis=1)
        inside = (first >= 0).all(axis=1) & (first < self.size).all(axis=1)
        one, many = np.flatnonzero(~wide & inside), np.flatnonzero(wide)
        box, item = self._boxes(first[one] @ [self.size[1], 1])
        first = np.maximum(first[many], 0)
        of, column, row = _each_square(first, np.minimum(last[many], self.size - 1))
        square, other = self._boxes(column * self.size[1] + row)
        met = np.maximum(first[of[square]], self.first[other])  # of all squares they share one alone tells
        once = np.flatnonzero((met[:, 0] == column[square]) & (met[:, 1] == row[square]))
        return np.concatenate([one[box], many[of[square[once]]]]), np.concatenate([item, other[once]])

    def _boxes(self, square: Ints) -> tuple[Ints, Ints]:
        """For each square every box that touches it: the row of the square and that of the box."""
        opens = self.opens[square]
        count = self.opens[square + 1] - opens
        some = np.flatnonzero(count)
        count = count[some]
        before = np.cumsum(count) - count
        of = np.repeat(some, count)
        return of, self.item[np.repeat(opens[some] - before, count) + np.arange(len(of))]


def _each_square(first: Ints, last: Ints) -> tuple[Ints, Ints, Ints]:
    """Every square of each block from `first` to `last`: the block's row, and the square's column and row."""
    size = np.maximum(last - first + 1, 0)
    count = size[:, 0] * size[:, 1]
    block = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(block)) - np.repeat(np.cumsum(count) - count, count)
    column, row = np.divmod(place, size[block, 1])
    return block, first[block, 0] + column, first[block, 1] + row


@dataclass(frozen=True)
class Bundles:
    """Steps that follow one another within a few metres, so that much is found out for all of a bundle together.

    `opens` and `count`: rows of the steps; `low` and `high`: corners of the box about each bundle.
    """

    begin: Floats
    end: Floats
    opens: Ints
    count: Ints
    low: Floats
    high: Floats

    def members(self, bundle: Ints) -> tuple[Ints, Ints]:
        """Every step of each bundle: the row of the bundle in what is asked, and of the step."""
        count = self.count[bundle]
        of = np.repeat(np.arange(len(bundle)), count)
        return of, np.repeat(self.opens[bundle] - (np.cumsum(count) - count), count) + np.arange(len(of))

    def beside(self, bundle: Ints, xy: Floats) -> Floats:
        """Square of how far each place lies from the box of its bundle."""
        out = np.maximum(np.maximum(self.low[bundle] - xy, xy - self.high[bundle]), 0)
        return np.asarray(np.einsum("ij,ij->i", out, out))


def bundle_steps(begin: Floats, end: Floats, follows: Bools, *, most: int) -> Bundles:
    """At most so many steps a bundle; `follows`: each step but the first comes right after the one before it."""
    if not len(begin):
        nothing = np.empty(0, np.int64)
        return Bundles(begin, end, nothing, nothing, begin, end)
    moved = np.abs(begin[1:] - end[:-1])
    joined = follows & (moved[:, 0] <= _APART_M) & (moved[:, 1] <= _APART_M)
    first = np.flatnonzero(np.concatenate([[True], ~joined]))
    size = np.diff(np.append(first, len(begin)))
    parts = -(-size // most)
    opens = np.repeat(first - most * (np.cumsum(parts) - parts), parts) + most * np.arange(parts.sum())
    alone = begin is end
    low = np.minimum.reduceat(begin if alone else np.minimum(begin, end), opens)
    high = np.maximum.reduceat(end if alone else np.maximum(begin, end), opens)
    return Bundles(begin, end, opens, np.diff(np.append(opens, len(begin))), low, high)
