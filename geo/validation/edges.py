"""Edges of a cover that do not match, at the price of a sort: most are shared by two units, and need no geometry."""

import numpy as np
import shapely
from numpy.typing import NDArray

Objects = NDArray[np.object_]
Ints = NDArray[np.int64]
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


def invalid_edges(shapes: Objects) -> Objects:
    """What `shapely.coverage_invalid_edges` answers for valid polygons: a line each, empty where nothing is wrong.

    A polygon has no invalid edge when every one of its edges is one other polygon's too, the other way round. So only
    those are looked at that have an edge of their own, each among all that lie near it.
    """
    found = np.full(len(shapes), shapely.LineString(), dtype=object)
    asked = np.flatnonzero(_has_own_edge(shapes))
    if len(asked):
        around = np.union1d(shapely.STRtree(shapes).query(shapes[asked])[1], asked)
        edges = np.asarray(shapely.coverage_invalid_edges(shapes[around]), dtype=object)
        found[asked] = edges[np.searchsorted(around, asked)]
    return found


def is_cover(shapes: Objects) -> bool:
    """What `shapely.coverage_is_valid` answers for valid polygons."""
    return bool(shapely.is_empty(invalid_edges(shapes)).all())


def _has_own_edge(shapes: Objects) -> NDArray[np.bool_]:
    """Which polygons have an edge that is not just one other edge the other way round."""
    parts, holder = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    step = np.flatnonzero(ring[1:] == ring[:-1])
    own = np.zeros(len(shapes), dtype=bool)
    own[holder[part[ring[step[~_is_matched(xy, step)]]]]] = True
    return own


def _is_matched(xy: NDArray[np.float64], step: Ints) -> NDArray[np.bool_]:
    """Which edges, from the coordinate at each step to the next one, are just one other edge the other way round."""
    spot = (xy + 0.0).view(np.uint64)  # adding makes one zero of both
    spot = spot[:, 0] * _MIX[0] ^ (spot[:, 1] >> np.uint64(7)) * _MIX[1]
    start, end = spot[step], spot[step + 1]
    key = np.minimum(start, end) * _MIX[2] ^ np.maximum(start, end)
    order = np.argsort(key)
    alike = np.concatenate([[False], key[order][1:] == key[order][:-1], [False]])
    first = np.flatnonzero(alike[1:-1] & ~alike[:-2] & ~alike[2:])
    one, other = step[order[first]], step[order[first + 1]]
    # Numbers made of coordinates may agree by chance: the coordinates decide.
    true = ((xy[one] == xy[other + 1]) & (xy[one + 1] == xy[other])).all(axis=1)
    matched = np.zeros(len(step), dtype=bool)
    matched[order[first[true]]] = matched[order[first[true] + 1]] = True
    return matched
