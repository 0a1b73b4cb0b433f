"""What straight legs cross: the share of each leg inside each piece of ground, and where it begins and ends there.

Reckoned edge by edge, since general intersection of shapes takes a hundred times as long for a step of a walk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import Floats, Ints, Shapes
from analysis.coverage.plane.edges import edges_of, where_crossed
from analysis.coverage.plane.squares import Places, Squares, box_of, each_of

_AT_ONCE: Final = 200_000
"""Legs looked at together: bounds the memory."""
_DIGITS: Final = 6
"""Of coordinates in metres that are the same in the edges of two pieces."""


@dataclass(frozen=True)
class Crossings:
    """One row for each leg and piece it has a length in. `share` of its length; `near` and `far`: from 0 to 1 along it."""

    leg: Ints
    piece: Ints
    share: Floats
    near: Floats
    far: Floats


class Borders:
    """The edges of pieces, one that two of them share once, and the squares to find them by."""

    def __init__(self, shapes: Shapes) -> None:
        begin, end, piece = edges_of(shapes)
        order, opens = _shared(begin, end)
        self._piece, self._opens = piece[order], np.append(opens, len(order))
        self.begin, end = begin[order[opens]], end[order[opens]]
        self.way = end - self.begin
        self.squares = Squares(*box_of(self.begin, end), lines=(self.begin, end))
        self.shapes = shapes

    def pieces_of(self, edge: Ints) -> tuple[Ints, Ints]:
        """The pieces that have each edge: the row of the edge in what is asked, and the piece."""
        first = self._opens[edge]
        row, place = each_of(self._opens[edge + 1] - first)
        return row, self._piece[first[row] + place]


def _shared(begin: Places, end: Places) -> tuple[Ints, Ints]:
    """The order of edges by their two ends, to a micrometre, either way round; and where others begin in it."""
    turned = (begin.real > end.real) | ((begin.real == end.real) & (begin.imag > end.imag))
    keys = [
        np.round(side, _DIGITS)
        for place in (np.where(turned, begin, end), np.where(turned, end, begin))
        for side in (place.imag, place.real)
    ]
    order = np.lexsort(keys)
    other = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
    return order, np.flatnonzero(np.concatenate([np.ones(min(len(begin), 1), np.bool_), other]))


def find_crossings(borders: Borders, begin: Places, end: Places, held_by: tuple[Ints, Ints]) -> Crossings:
    """Of straight legs; `held_by`: the piece that holds the beginning of each, and the end, -1 for none."""
    found = [
        _cross(borders, begin[rows], end[rows], (held_by[0][rows], held_by[1][rows]), first)
        for first in range(0, max(len(begin), 1), _AT_ONCE)
        for rows in [slice(first, first + _AT_ONCE)]
    ]
    return _joined(found)


def _joined(found: Sequence[Crossings]) -> Crossings:
    return Crossings(
        *(np.concatenate([getattr(each, name) for each in found]) for name in Crossings.__dataclass_fields__)
    )


@dataclass(frozen=True)
class _Cuts:
    """Where edges cross legs: which leg, how far along it, and the piece the edge belongs to."""

    leg: Ints
    at: Floats
    piece: Ints


def _cross(borders: Borders, begin: Places, end: Places, held_by: tuple[Ints, Ints], first: int) -> Crossings:
    """Of legs and the pieces that hold an end of them or have an edge across them those with a length in common.

    `first`: the number of the first leg.
    """
    cuts = _cut(borders, begin, end)
    rest, found, often = np.ones(len(cuts.leg), np.bool_), [], []
    for piece, other, leaves in ((held_by[0], held_by[1], True), (held_by[1], held_by[0], False)):
        own = np.flatnonzero(piece[cuts.leg] == cuts.piece)
        once = (np.bincount(cuts.leg[own], minlength=len(begin)) == 1) & (piece != other) & (piece >= 0)
        simple = own[once[cuts.leg[own]]]
        rest[simple] = False
        often.append(np.flatnonzero(~once & (piece >= 0)))
        leg, at = cuts.leg[simple], cuts.at[simple]
        near, far = (np.zeros(len(at)), at) if leaves else (at, np.ones(len(at)))
        found.append(Crossings(leg, cuts.piece[simple], far - near, near, far))
    others = np.flatnonzero(rest)
    many = _Cuts(cuts.leg[others], cuts.at[others], cuts.piece[others])
    found.append(_cross_often(borders, (begin, end), held_by, many, often))
    all_ = _joined(found)
    return replace(all_, leg=all_.leg + first)


def _cut(borders: Borders, begin: Places, end: Places) -> _Cuts:
    leg, edge = borders.squares.about(*box_of(begin, end))
    way = end - begin
    at, across = where_crossed(begin[leg], way[leg], borders.begin[edge], borders.way[edge])
    leg, edge = leg[across], edge[across]
    # A pair is found in every square that it shares.
    _, once = np.unique(leg * len(borders.begin) + edge, return_index=True)
    row, piece = borders.pieces_of(edge[once])
    return _Cuts(leg[once][row], at[once][row], piece)


def _cross_often(
    borders: Borders, ends: tuple[Places, Places], held_by: tuple[Ints, Ints], cuts: _Cuts, held: list[Ints]
) -> Crossings:
    """Legs that cross a piece more often than in or out; `held`: those that begin and those that end in such a one."""
    begins_in, ends_in = held_by
    width, at = len(borders.shapes), cuts.at
    keys = [
        cuts.leg * width + cuts.piece,
        *(rows * width + side[rows] for rows, side in zip(held, held_by, strict=True)),
    ]
    pairs, pair = np.unique(np.concatenate(keys), return_inverse=True)
    pair, (leg, piece) = pair[: len(at)], np.divmod(pairs, max(width, 1))
    order = np.lexsort((at, pair))
    pair, at = pair[order], at[order]
    number = np.bincount(pair, minlength=len(leg))
    begins, stops = begins_in[leg] == piece, ends_in[leg] == piece
    clear = (number % 2 == 1) == (begins != stops)
    rank = np.arange(len(pair)) - (np.cumsum(number) - number)[pair]
    leaves = (rank % 2 == 0) == begins[pair]
    share = np.bincount(pair, np.where(leaves, at, -at), len(leg)) + stops
    near, far = np.where(begins, 0.0, 1.0), np.where(stops, 1.0, 0.0)
    np.minimum.at(near, pair, at)
    np.maximum.at(far, pair, at)
    unclear = np.flatnonzero(~clear)
    share[unclear], near[unclear], far[unclear] = _by_shapes(
        borders.shapes[piece[unclear]], *(side[leg[unclear]] for side in ends)
    )
    kept = np.flatnonzero(share > 0)
    return Crossings(leg[kept], piece[kept], np.minimum(share[kept], 1), near[kept], far[kept])


def _by_shapes(shapes: Shapes, begin: Places, end: Places) -> tuple[Floats, Floats, Floats]:
    """The same by general intersection, where an end lies on a border."""
    if not len(shapes):
        return np.empty(0), np.empty(0), np.empty(0)
    ends = np.stack([begin, end], axis=1).view(np.float64).reshape(-1, 2, 2)
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
