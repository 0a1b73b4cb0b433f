"""A parent's ground divided anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.operations.cut import Changes, Cut, cut_units, regroup_parts
from geo.operations.drawing import Drawing, Unit
from geo.operations.grouping import group_units
from geo.plans import geometry_column
from geo.validation.arrange import ROUNDING_M
from geo.validation.coverage import wider_than
from geo.validation.ground import Objects, in_metres


@dataclass(frozen=True)
class RedrawPartition:
    """The ground of one parent in new parts: between `lines`, or in `areas` (polygons; what none holds stays as it is).

    A parent that nothing divides yet is divided at `level`, and its border follows from then on. Where the parts are
    divided themselves nothing is cut: each of the lowest units goes to the area that holds its middle.
    """

    parent: UUID
    areas: tuple[BaseGeometry, ...] = ()
    lines: tuple[BaseGeometry, ...] = ()
    names: tuple[str, ...] = ()
    level: str | None = None
    identity: str = "keep"

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.parent,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        if bool(self.areas) == bool(self.lines):
            raise Invalid(told("give areas or lines to divide the ground by, not both"))
        parent = drawing.unit(self.parent)
        children = drawing.children(parent.id)
        template = self._template(drawing, parent, children)
        if any(child.geom is None for child in children):
            if self.lines:
                raise Invalid(
                    told(
                        "the {level} units of {code} are divided: give areas to group by",
                        level=template.level,
                        code=parent.code,
                    )
                )
            return group_units(drawing, children, self.areas, template, key)
        cut = cut_units(
            drawing,
            [child.id for child in children] or [parent.id],
            list(self.lines) or list(shapely.boundary(geometry_column(self.areas))),
        )
        parts = _in_areas(cut, self.areas) if self.areas else _between_lines(cut)
        changes = regroup_parts(cut, parts, template, key, names=self.names, identity=self.identity)
        if not children:
            changes[parent.id] = replace(parent, geom=None)
        return changes

    def _template(self, drawing: Drawing, parent: Unit, children: Sequence[Unit]) -> Unit:
        below = [each.code for each in drawing.network.levels if each.parent == parent.level]
        level = self.level or (children[0].level if children else (below[0] if len(below) == 1 else None))
        if level is None or level not in below or any(child.level != level for child in children):
            raise Invalid(
                told(
                    "name the level of the parts: {below} below {level}",
                    below=" or ".join(below) or "there is none",
                    level=parent.level,
                )
            )
        return Unit(parent.id, level, "", "", parent.id, None)


def _in_areas(cut: Cut, areas: Sequence[BaseGeometry]) -> list[int]:
    """A part for each area that holds ground, then one for what is left of each unit, numbered without gaps."""
    if not all(shapely.is_valid(area) for area in areas):
        raise Invalid(told("draw each area as one closed line that does not cross itself"))
    spots = shapely.point_on_surface(cut.pieces)
    holders = np.full(len(cut.pieces), -1)
    spot, area = shapely.STRtree(geometry_column(areas)).query(spots, predicate="within")
    order = np.argsort(area, kind="stable")[::-1]
    holders[spot[order]] = area[order]
    left = (holders < 0) & wider_than(in_metres(cut.pieces), ROUNDING_M)
    slivers = np.flatnonzero((holders < 0) & ~left)
    if len(slivers):
        holders[slivers] = shapely.STRtree(geometry_column(areas)).nearest(cut.pieces[slivers])
    holders[left] = len(areas) + cut.holder[left]
    return _numbered(holders)


def _between_lines(cut: Cut) -> list[int]:
    """Pieces that hang together across old borders but not across the lines, west to east."""
    whole = shapely.union_all(
        [*shapely.boundary(_union(cut.pieces)), *shapely.linestrings(cut.lines)],  # type: ignore[misc]
    )
    faces = geometry_column(shapely.get_parts(shapely.polygonize([whole])))
    face, piece = shapely.STRtree(shapely.point_on_surface(cut.pieces)).query(faces, predicate="contains")[
        :, :
    ]
    place = np.full(len(cut.pieces), -1)
    place[piece] = face
    middles = shapely.get_coordinates(shapely.centroid(faces))
    rank = np.argsort(np.argsort(middles[:, 0], kind="stable"))
    return _numbered(rank[place])


def _numbered(values: NDArray[np.int64]) -> list[int]:
    """Each value by its place among the different ones, ascending."""
    places: list[int] = np.unique(values, return_inverse=True)[1].tolist()
    return places


def _union(pieces: Objects) -> Objects:
    return geometry_column([shapely.coverage_union_all(pieces)])
