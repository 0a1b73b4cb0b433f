"""The edges of shapes in the plane, and where steps cross them."""

import numpy as np
import shapely

from analysis.coverage.fixes import Floats, Ints, Shapes
from analysis.coverage.plane.squares import Places, places_of


def edges_of(shapes: Shapes) -> tuple[Places, Places, Ints]:
    """Where each edge of the shapes begins and ends, shape by shape, and the row of its shape."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    corners, same = places_of(*xy.T), ring[1:] == ring[:-1]
    return corners[:-1][same], corners[1:][same], of_part[of_ring[ring[:-1][same]]].astype(np.int64)


def where_crossed(start: Places, way: Places, begin: Places, edge: Places) -> tuple[Floats, Ints]:
    """Of pairs of a step and an edge those that cross: how far along the step, from 0 to 1, and which.

    `start` and `begin` are where the step and the edge begin, `way` and `edge` lead to their ends. A vertex lies on one
    side of a step, never on both.
    """
    back = way.conj()
    to_begin = begin - start
    side, turn = (back * to_begin).imag, (back * edge).imag
    apart = np.flatnonzero((side > 0) != (side + turn > 0))
    at = (to_begin[apart].conj() * edge[apart]).imag / turn[apart]
    within = np.flatnonzero((at > 0) & (at < 1))
    return at[within], apart[within]
