"""Street blocks: the faces between streets, water, present borders and the outline; crumbs joined to what lies beside."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from analysis.redraw.graph import Floats, Ints, Objects
from geo.metric import GRID_DEG
from geo.plans import geometry_column
from geo.validation.ground import in_metres

CRUMB_M2 = 400.0
"""A face smaller than this is a traffic island or the strip between two carriageways, not a block."""
NARROW_M = 6.0


def carve(borders: Objects, lines: Sequence[BaseGeometry]) -> tuple[Objects, Ints]:
    """Blocks of the ground that these units cover (WGS-84), and the place of the unit that holds each."""
    ground = shapely.coverage_union_all(borders)
    shapely.prepare(ground)
    near = geometry_column(each for each in lines if ground.intersects(each))
    inside = shapely.intersection(near, ground) if len(near) else near
    linework = shapely.union_all(np.concatenate([shapely.boundary(borders), inside]), grid_size=GRID_DEG)
    faces = geometry_column(shapely.get_parts(shapely.polygonize([linework])))
    face, holder = shapely.STRtree(borders).query(shapely.point_on_surface(faces), predicate="within")
    face, first = np.unique(face, return_index=True)
    return _without_crumbs(faces[face], holder[first])


def _without_crumbs(faces: Objects, holder: Ints) -> tuple[Objects, Ints]:
    plane = in_metres(faces)
    area = shapely.area(plane)
    crumb = (area < CRUMB_M2) | (2 * area / shapely.length(plane) < NARROW_M)
    group = _joined(faces, area, crumb, holder)
    chosen, block = np.unique(group, return_inverse=True)
    members: list[list[int]] = [[] for _ in chosen]
    for row, which in enumerate(block.tolist()):
        members[which].append(row)
    shapes = geometry_column(
        faces[rows[0]] if len(rows) == 1 else shapely.coverage_union_all(faces[rows]) for rows in members
    )
    largest = [rows[int(np.argmax(area[rows]))] for rows in members]
    return shapes, holder[largest]


def _joined(faces: Objects, area: Floats, crumb: NDArray[np.bool_], holder: Ints) -> Ints:
    """Of each face the face it goes with: a crumb with the neighbour of the longest common border, of its own unit first."""
    one, other = shapely.STRtree(faces).query(faces[crumb], predicate="intersects")
    one = np.flatnonzero(crumb)[one]
    one, other = one[one != other], other[one != other]
    common = shapely.length(
        shapely.intersection(shapely.boundary(faces[one]), shapely.boundary(faces[other]))
    )
    ahead = (holder[one] == holder[other]).astype(float) * 1e6 + common
    to = np.arange(len(faces))
    order = np.lexsort((-ahead, area[one]))
    for row in order.tolist():
        mine, its = int(one[row]), int(other[row])
        if to[mine] == mine and common[row] > 0 and _root(to, its) != mine:
            to[mine] = _root(to, its)
    return np.array([_root(to, row) for row in range(len(faces))], dtype=np.int64)


def _root(to: Ints, row: int) -> int:
    while to[row] != row:
        row = int(to[row])
    return row
