"""What straight legs cross: the share of each leg inside each piece of ground, and where it begins and ends there.

Reckoned edge by edge, since general intersection of shapes takes a hundred times as long for a step of a walk.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import Bools, Floats, Ints, Shapes

_AT_ONCE: Final = 1_000_000
"""Edges looked at together: bounds the memory."""


@dataclass(frozen=True)
class Crossings:
    """One row for each leg and piece it has a length in. `share` of its length; `near` and `far`: from 0 to 1 along it."""

    leg: Ints
    piece: Ints
    share: Floats
    near: Floats
    far: Floats


class Borders:
    """The edges of pieces, piece by piece, and a tree to find pieces by."""

    def __init__(self, shapes: Shapes) -> None:
        parts, of_part = shapely.get_parts(shapes, return_index=True)
        rings, of_ring = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        self.begin, self.end = xy[:-1][same], xy[1:][same]
        piece = of_part[of_ring[ring[:-1][same]]]
        self.first = np.searchsorted(piece, np.arange(len(shapes) + 1)).astype(np.int64)
        self.shapes, self.tree = shapes, shapely.STRtree(shapes)


def find_crossings(borders: Borders, ends: Floats, begins_in: Ints, ends_in: Ints) -> Crossings:
    """`ends`: (legs, 2, 2), metres; `begins_in` and `ends_in`: the piece that holds each end, -1 for none."""
    if not len(ends):
        nothing = np.empty(0, np.int64)
        return Crossings(nothing, nothing, np.empty(0), np.empty(0), np.empty(0))
    boxes = shapely.box(*ends.min(axis=1).T, *ends.max(axis=1).T)
    leg, piece = (rows.astype(np.int64) for rows in borders.tree.query(boxes))
    edges = np.cumsum(borders.first[piece + 1] - borders.first[piece])
    found = [
        _cross(borders, ends, leg[rows], piece[rows], (begins_in, ends_in))
        for rows in np.split(
            np.arange(len(leg)),
            np.searchsorted(edges, np.arange(_AT_ONCE, edges[-1] if len(edges) else 0, _AT_ONCE)),
        )
    ]
    return Crossings(
        np.concatenate([each.leg for each in found]),
        np.concatenate([each.piece for each in found]),
        np.concatenate([each.share for each in found]),
        np.concatenate([each.near for each in found]),
        np.concatenate([each.far for each in found]),
    )


def _cross(borders: Borders, ends: Floats, leg: Ints, piece: Ints, held: tuple[Ints, Ints]) -> Crossings:
    """Of pairs of leg and piece those with a length in common."""
    first, count = borders.first[piece], borders.first[piece + 1] - borders.first[piece]
    pair = np.repeat(np.arange(len(leg)), count)
    edge = np.arange(count.sum()) + np.repeat(first - (np.cumsum(count) - count), count)
    at, way = _where_cut(borders, edge, ends[leg[pair], 0], ends[leg[pair], 1])
    pair, at = pair[way], at[way]
    order = np.lexsort((at, pair))
    pair, at = pair[order], at[order]
    cuts = np.bincount(pair, minlength=len(leg))
    begins, stops = held[0][leg] == piece, held[1][leg] == piece
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
    return Crossings(leg[kept], piece[kept], np.minimum(share[kept], 1), near[kept], far[kept])


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
