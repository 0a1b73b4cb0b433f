"""What straight legs cross: the share of each leg inside each piece of ground, and where it begins and ends there.

Reckoned edge by edge, since general intersection of shapes takes a hundred times as long for a step of a walk.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import Floats, Ints, Shapes
from analysis.coverage.plane.squares import Squares

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


@dataclass(frozen=True)
class _Cuts:
    """Where edges cross legs: which leg, how far along it, and the piece the edge belongs to."""

    leg: Ints
    at: Floats
    piece: Ints


def _cross(borders: Borders, ends: Floats, begins_in: Ints, ends_in: Ints, first: int) -> Crossings:
    """Of legs and the pieces that hold an end of them or have an edge across them those with a length in common.

    `first`: the number of the first leg.
    """
    leg, edge = borders.squares.about(ends.min(axis=1), ends.max(axis=1))
    at, across = _where_cut(borders, edge, ends[leg, 0], ends[leg, 1])
    cuts = _Cuts(leg[across], at, borders.piece[edge[across]])
    rest, found = np.ones(len(at), np.bool_), []
    held = []
    for piece, other, leaves in ((begins_in, ends_in, True), (ends_in, begins_in, False)):
        own = np.flatnonzero(piece[cuts.leg] == cuts.piece)
        once = (np.bincount(cuts.leg[own], minlength=len(ends)) == 1) & (piece != other) & (piece >= 0)
        simple = own[once[cuts.leg[own]]]
        rest[simple] = False
        held.append(np.flatnonzero(~once & (piece >= 0)))
        leg, at = cuts.leg[simple], cuts.at[simple]
        near, far = (np.zeros(len(at)), at) if leaves else (at, np.ones(len(at)))
        found.append(Crossings(leg, cuts.piece[simple], far - near, near, far))
    others = np.flatnonzero(rest)
    many = _Cuts(cuts.leg[others], cuts.at[others], cuts.piece[others])
    found.append(_cross_often(borders, ends, (begins_in, ends_in), many, held))
    leg, piece, share, near, far = (
        np.concatenate([getattr(each, name) for each in found]) for name in Crossings.__dataclass_fields__
    )
    return Crossings(leg + first, piece, share, near, far)


def _cross_often(
    borders: Borders, ends: Floats, held_by: tuple[Ints, Ints], cuts: _Cuts, held: list[Ints]
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
        borders.shapes[piece[unclear]], ends[leg[unclear]]
    )
    kept = np.flatnonzero(share > 0)
    return Crossings(leg[kept], piece[kept], np.minimum(share[kept], 1), near[kept], far[kept])


def _where_cut(borders: Borders, edge: Ints, start: Floats, end: Floats) -> tuple[Floats, Ints]:
    """Which edges are crossed, and how far along their legs, from 0 to 1. A vertex lies on one side, never on both."""
    along, to_begin, to_end = end - start, borders.begin[edge] - start, borders.end[edge] - start
    side_begin = along[:, 0] * to_begin[:, 1] - along[:, 1] * to_begin[:, 0]
    turn = along[:, 0] * (to_end[:, 1] - to_begin[:, 1]) - along[:, 1] * (to_end[:, 0] - to_begin[:, 0])
    apart = np.flatnonzero((side_begin > 0) != (side_begin + turn > 0))
    begin, across = to_begin[apart], to_end[apart] - to_begin[apart]
    at = (begin[:, 0] * across[:, 1] - begin[:, 1] * across[:, 0]) / turn[apart]
    within = np.flatnonzero((at > 0) & (at < 1))
    return at[within], apart[within]


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
