"""What straight legs cross: the share of each leg inside each piece of ground, and where it begins and ends there.

Reckoned edge by edge, since general intersection of shapes takes a hundred times as long for a step of a walk.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import Bools, Floats, Ints, Shapes

_SQUARE_M: Final = 50.0
_SQUARES_AN_ITEM: Final = 16
_AT_ONCE: Final = 200_000
"""Legs looked at together: bounds the memory."""


@dataclass(frozen=True)
class Crossings:
    """One row for each leg and piece it has a length in. `share` of its length; `near` and `far`: from 0 to 1 along it."""

    leg: Ints
    piece: Ints
    share: Floats
    near: Floats
    far: Floats


class Squares:
    """Boxes in the plane by the squares they touch, so that those about many short steps are found without a tree."""

    def __init__(self, low: Floats, high: Floats) -> None:
        """South-west and north-east corners, (boxes, 2)."""
        self.low = low.min(axis=0) if len(low) else np.zeros(2)
        span = (high.max(axis=0) if len(high) else np.zeros(2)) - self.low
        side = _SQUARE_M
        while np.prod(span / side + 1) > max(1_000_000, _SQUARES_AN_ITEM * len(low)):
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

    def about(self, begin: Floats, end: Floats, reach_m: float = 0.0) -> tuple[Ints, Ints]:
        """Pairs of steps and boxes that touch a square in common, each once; a step is widened by `reach_m`."""
        first = self._square(np.minimum(begin, end) - reach_m)
        last = self._square(np.maximum(begin, end) + reach_m)
        wide = (first != last).any(axis=1)
        inside = (first >= 0).all(axis=1) & (first < self.size).all(axis=1)
        one, many = np.flatnonzero(~wide & inside), np.flatnonzero(wide)
        step, item = self._boxes(first[one] @ [self.size[1], 1])
        first = np.maximum(first[many], 0)
        of, column, row = _each_square(first, np.minimum(last[many], self.size - 1))
        square, other = self._boxes(column * self.size[1] + row)
        met = np.maximum(first[of[square]], self.first[other])  # of all squares they share one alone tells
        once = np.flatnonzero((met[:, 0] == column[square]) & (met[:, 1] == row[square]))
        return np.concatenate([one[step], many[of[square[once]]]]), np.concatenate([item, other[once]])

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


class Borders:
    """The edges of pieces, piece by piece, and the squares to find them by."""

    def __init__(self, shapes: Shapes) -> None:
        parts, of_part = shapely.get_parts(shapes, return_index=True)
        rings, of_ring = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        self.begin, self.end = xy[:-1][same], xy[1:][same]
        self.piece = of_part[of_ring[ring[:-1][same]]].astype(np.int64)
        self.squares = Squares(np.minimum(self.begin, self.end), np.maximum(self.begin, self.end))
        self.shapes = shapes


def find_crossings(borders: Borders, ends: Floats, begins_in: Ints, ends_in: Ints) -> Crossings:
    """`ends`: (legs, 2, 2), metres; `begins_in` and `ends_in`: the piece that holds each end, -1 for none."""
    found = [
        _cross(borders, ends[rows], begins_in[rows], ends_in[rows], first)
        for first in range(0, max(len(ends), 1), _AT_ONCE)
        for rows in [slice(first, first + _AT_ONCE)]
    ]
    return Crossings(
        np.concatenate([each.leg for each in found]),
        np.concatenate([each.piece for each in found]),
        np.concatenate([each.share for each in found]),
        np.concatenate([each.near for each in found]),
        np.concatenate([each.far for each in found]),
    )


def _cross(borders: Borders, ends: Floats, begins_in: Ints, ends_in: Ints, first: int) -> Crossings:
    """Of legs and the pieces that hold an end of them or have an edge across them those with a length in common.

    `first`: the number of the first leg.
    """
    crossed, edge = borders.squares.about(ends[:, 0], ends[:, 1])
    at, across = _where_cut(borders, edge, ends[crossed, 0], ends[crossed, 1])
    crossed, at, through = crossed[across], at[across], borders.piece[edge[across]]
    width = len(borders.shapes)
    held = [np.flatnonzero(side >= 0) * width + side[side >= 0] for side in (begins_in, ends_in)]
    pairs, pair = np.unique(np.concatenate([crossed * width + through, *held]), return_inverse=True)
    pair, (leg, piece) = pair[: len(at)], np.divmod(pairs, max(width, 1))
    order = np.lexsort((at, pair))
    pair, at = pair[order], at[order]
    cuts = np.bincount(pair, minlength=len(leg))
    begins, stops = begins_in[leg] == piece, ends_in[leg] == piece
    clear = (cuts % 2 == 1) == (begins != stops)
    rank = np.arange(len(pair)) - (np.cumsum(cuts) - cuts)[pair]
    leaves = (rank % 2 == 0) == begins[pair]
    share = np.bincount(pair, np.where(leaves, at, -at), len(leg)) + stops
    near, far = np.where(begins, 0.0, 1.0), np.where(stops, 1.0, 0.0)
    np.minimum.at(near, pair, at)
    np.maximum.at(far, pair, at)
    unclear = np.flatnonzero(~clear)
    share[unclear], near[unclear], far[unclear] = _by_shapes(
        borders.shapes[piece[unclear]], ends[leg[unclear]]
    )
    kept = np.flatnonzero(share > 0)
    return Crossings(leg[kept] + first, piece[kept], np.minimum(share[kept], 1), near[kept], far[kept])


def _where_cut(borders: Borders, edge: Ints, start: Floats, end: Floats) -> tuple[Floats, Bools]:
    """How far along its leg, from 0 to 1, each edge is crossed, and which are. A vertex lies on one side, never on both."""
    along, begin = end - start, borders.begin[edge]
    side_begin = along[:, 0] * (begin[:, 1] - start[:, 1]) - along[:, 1] * (begin[:, 0] - start[:, 0])
    across = borders.end[edge] - begin
    turn = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    apart = (side_begin > 0) != (side_begin + turn > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_begin = begin - start
        at = (to_begin[:, 0] * across[:, 1] - to_begin[:, 1] * across[:, 0]) / turn
    return at, apart & (at > 0) & (at < 1)


def _by_shapes(shapes: Shapes, ends: Floats) -> tuple[Floats, Floats, Floats]:
    """The same by general intersection, where an end lies on a border."""
    if not len(shapes):
        return np.empty(0), np.empty(0), np.empty(0)
    lines: NDArray[np.object_] = np.asarray(shapely.linestrings(ends), dtype=object)
    inside, whole = shapely.intersection(lines, shapes), shapely.length(lines)
    points, of = shapely.get_coordinates(inside, return_index=True)
    near, far = np.ones(len(lines)), np.zeros(len(lines))
    if len(of):
        along = shapely.line_locate_point(lines[of], shapely.points(points)) / whole[of]
        np.minimum.at(near, of, along)
        np.maximum.at(far, of, along)
    with np.errstate(invalid="ignore"):
        share = np.where(whole > 0, shapely.length(inside) / whole, 0)
    return share, near, far
