"""The faces that borders cut the ground into, on the stored grid, and who owns each: a clean cover by construction.

All borders are noded together with snap rounding, so that neighbours have the same vertices on the 1e-7° grid; each
face then goes to the unit that holds it. A face that nobody or several hold is a gap or an overlap: up to a width it
is given to one neighbour, beyond it stays what it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.metric import GRID_DEG
from geo.plans import geometry_column
from geo.validation.coverage import wider_than
from geo.validation.ground import Ints, Objects, in_metres

ROUNDING_M = 0.03
"""Slivers up to this width come from the grid itself."""


@dataclass(frozen=True)
class Given:
    """A face given to the unit `to`; `holders` had it: none a gap, several an overlap (indices into the shapes)."""

    face: BaseGeometry
    holders: tuple[int, ...]
    to: int


@dataclass(frozen=True)
class Arranged:
    """Shapes on the grid, None where nothing is left of one; and what changed hands."""

    shapes: Objects
    given: list[Given]


def arrange(shapes: Objects, *, width_m: float) -> Arranged:
    """Mend gaps, overlaps and unmatched edges between valid WGS-84 polygons up to `width_m`."""
    lines = shapely.union_all(shapely.boundary(shapes), grid_size=GRID_DEG)
    faces = geometry_column(shapely.get_parts(shapely.polygonize([lines])))
    holders = _holders(shapes, faces)
    count = np.array([len(each) for each in holders])
    odd = np.flatnonzero(count != 1)
    if len(odd):
        odd = odd[~wider_than(in_metres(faces[odd]), max(width_m, ROUNDING_M))]
    owner = np.array([each[0] if len(each) == 1 else -1 for each in holders], dtype=np.int64)
    owner = _give(faces, holders, owner, odd)
    given = [Given(faces[face], holders[face], int(owner[face])) for face in odd if owner[face] >= 0]
    return Arranged(_assemble(len(shapes), faces, holders, owner), given)


def _holders(shapes: Objects, faces: Objects) -> list[tuple[int, ...]]:
    """Which shapes hold each face, judged at a point inside it."""
    inside, holder = shapely.STRtree(shapes).query(shapely.point_on_surface(faces), predicate="within")
    held: list[list[int]] = [[] for _ in faces]
    for face, shape in zip(inside, holder, strict=True):
        held[face].append(int(shape))
    return [tuple(sorted(each)) for each in held]


def _give(faces: Objects, holders: Sequence[tuple[int, ...]], owner: Ints, odd: Ints) -> NDArray[np.int64]:
    """Each odd face goes to the neighbour with the longest common border, among its holders where it has any."""
    if not len(odd):
        return owner
    owner = owner.copy()
    left, right = shapely.STRtree(faces).query(faces[odd], predicate="intersects")
    face, other = odd[left], right
    apart = face != other
    face, other = face[apart], other[apart]
    common = shapely.length(
        shapely.intersection(shapely.boundary(faces[face]), shapely.boundary(faces[other]))
    )
    order = np.argsort(-common, kind="stable")
    face, other = face[order], other[order]
    face, other = face[common[order] > 0], other[common[order] > 0]
    while True:
        before = int((owner < 0).sum())
        for mine, its in zip(face, other, strict=True):
            if owner[mine] < 0 <= owner[its] and (not holders[mine] or owner[its] in holders[mine]):
                owner[mine] = owner[its]
        if int((owner < 0).sum()) == before:
            break
    for mine in odd:
        if owner[mine] < 0 and holders[mine]:
            owner[mine] = holders[mine][0]
    return owner


def _assemble(count: int, faces: Objects, holders: Sequence[tuple[int, ...]], owner: Ints) -> Objects:
    """The union of each unit's faces; a wide overlap stays with all its holders."""
    mine: list[list[int]] = [[] for _ in range(count)]
    for face, chosen in enumerate(owner):
        for unit in (chosen,) if chosen >= 0 else holders[face]:
            mine[unit].append(face)
    return geometry_column(shapely.coverage_union_all(faces[each]) if each else None for each in mine)
