"""Blocks as a graph: who borders on whom, along how many metres, and how much of that lies on a street."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from geo.plans import geometry_column

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

ON_STREET_M = 12.0
"""A border this near a street's middle runs along it."""


@dataclass(frozen=True)
class Graph:
    """`weight`: what shall be even; `holder`: the present unit of each block, -1 for none; edges `left` < `right`.

    `common_m` 0: no common border, only the shortest way between places that lie apart. `street`: share of the common
    border that runs along a street or the water.
    """

    weight: Floats
    holder: Ints
    left: Ints
    right: Ints
    common_m: Floats
    street: Floats
    area_m2: float
    places: int
    """How many places lie apart from one another."""

    def __len__(self) -> int:
        return len(self.weight)

    @cached_property
    def neighbours(self) -> list[list[tuple[int, float, float]]]:
        """Of each block: the other block, the metres they share, and those of them that are not along a street."""
        found: list[list[tuple[int, float, float]]] = [[] for _ in range(len(self))]
        rows = zip(
            self.left.tolist(), self.right.tolist(), self.common_m.tolist(), self.street.tolist(), strict=True
        )
        for one, other, metres, share in rows:
            found[one].append((other, metres, metres * (1 - share)))
            found[other].append((one, metres, metres * (1 - share)))
        return found


def graph_of(plane: Objects, weight: Floats, holder: Ints, streets: Sequence[BaseGeometry]) -> Graph:
    """The graph of blocks in metres; `streets` in the same plane."""
    left, right = _touching(plane)
    common = shapely.intersection(shapely.boundary(plane[left]), shapely.boundary(plane[right]))
    metres = np.asarray(shapely.length(common))
    real = metres > 0
    left, right, common, metres = left[real], right[real], common[real], metres[real]
    share = _along(common, metres, streets)
    places, label = connected_components(
        coo_array((np.ones(len(left)), (left, right)), shape=(len(plane), len(plane))), directed=False
    )
    if places > 1:
        bridge = _bridges(plane, label, places)
        left, right = np.concatenate([left, bridge[:, 0]]), np.concatenate([right, bridge[:, 1]])
        metres = np.concatenate([metres, np.zeros(len(bridge))])
        share = np.concatenate([share, np.zeros(len(bridge))])
    area = float(shapely.area(plane).sum())
    return Graph(weight, holder, left, right, metres, share, area, int(places))


def _touching(plane: Objects) -> tuple[Ints, Ints]:
    one, other = shapely.STRtree(plane).query(plane, predicate="intersects")
    once = one < other
    return np.asarray(one[once]), np.asarray(other[once])


def _along(common: Objects, metres: Floats, streets: Sequence[BaseGeometry]) -> Floats:
    if not len(streets) or not len(common):
        return np.zeros(len(common))
    wide = shapely.buffer(geometry_column(streets), ON_STREET_M, quad_segs=2)
    line, street = shapely.STRtree(wide).query(common, predicate="intersects")
    mine: dict[int, list[int]] = {}
    for row, which in zip(line.tolist(), street.tolist(), strict=True):
        mine.setdefault(row, []).append(which)
    near = geometry_column(shapely.union_all(wide[mine[row]]) for row in mine)
    share = np.zeros(len(common))
    rows = np.array(list(mine), dtype=np.int64)
    if len(rows):
        share[rows] = shapely.length(shapely.intersection(common[rows], near)) / metres[rows]
    return np.minimum(share, 1.0)


def _bridges(plane: Objects, label: NDArray[np.int32], places: int) -> Ints:
    """The shortest ways that join all places, one after the other to what is joined already."""
    joined, pairs = label == 0, []
    for _ in range(places - 1):
        inside, outside = np.flatnonzero(joined), np.flatnonzero(~joined)
        near, away = shapely.STRtree(plane[inside]).query_nearest(
            plane[outside], return_distance=True, all_matches=False
        )
        best = int(np.argmin(away))
        pairs.append((int(inside[near[1][best]]), int(outside[near[0][best]])))
        joined |= label == label[pairs[-1][1]]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
