"""A parent's ground divided anew, and borders that come back from another program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.operations.cut import Changes, Cut, cut_units, regroup, regroup_parts
from geo.operations.drawing import Drawing, Impossible, Unit
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


@dataclass(frozen=True)
class Incoming:
    """A unit as a file has it, told by its id. What is None stays as it is."""

    id: UUID
    geom: BaseGeometry | None = None
    name: str | None = None
    code: str | None = None
    households: int | None = None


@dataclass(frozen=True)
class Difference:
    """How a file's unit differs: `kind` border, name, code, households, new or missing; `where`: ground that differs."""

    unit: UUID
    kind: str
    before: str | int | None
    after: str | int | None
    where: BaseGeometry | None = None


@dataclass(frozen=True)
class ReplaceFromFile:
    """Units take the borders, names and codes that a file has for them: the accepted differences, matched by id."""

    incoming: tuple[Incoming, ...]

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return tuple(each.id for each in self.incoming)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        changes = self._borders(drawing)
        for each in self.incoming:
            unit = changes.get(each.id) or drawing.unit(each.id)
            given: dict[str, Any] = {"name": each.name, "code": each.code, "households": each.households}
            changes[each.id] = replace(
                unit, **{name: value for name, value in given.items() if value is not None}
            )
        return changes

    def _borders(self, drawing: Drawing) -> Changes:
        """Ground that an incoming border holds goes to its unit; slivers as narrow as the grid stay where they are."""
        drawn = [each for each in self.incoming if each.geom is not None]
        if not drawn:
            return {}
        areas = geometry_column(each.geom for each in drawn)
        if not shapely.is_valid(areas).all():
            raise Invalid(told("a border of the file crosses itself; mend it there first"))
        touched = [unit.id for unit in drawing.at(areas) if not drawing.is_natural(unit)]
        cut = cut_units(drawing, [*(each.id for each in drawn), *touched], list(shapely.boundary(areas)))
        place = {each.id: row for row, each in enumerate(drawn)}
        spot, area = shapely.STRtree(areas).query(shapely.point_on_surface(cut.pieces), predicate="within")
        wanted: dict[int, set[int]] = {}
        for piece, row in zip(spot.tolist(), area.tolist(), strict=True):
            wanted.setdefault(piece, set()).add(row)
        wide = wider_than(in_metres(cut.pieces), ROUNDING_M)
        owners = []
        for piece, holder in enumerate(cut.holder.tolist()):
            unit = cut.units[holder]
            takers = wanted.get(piece, set())
            if not wide[piece] or place.get(unit.id) in takers:
                owners.append(unit.id)
            elif takers:
                owners.append(drawn[min(takers)].id)
            elif unit.id in place:
                raise Impossible(
                    told(
                        "the file takes ground from {level} {code} that it gives to nobody",
                        level=unit.level,
                        code=unit.code,
                    ),
                    cut.pieces[piece],
                )
            else:
                owners.append(unit.id)
        return regroup(cut, owners)


def compare_with_file(drawing: Drawing, incoming: Sequence[Incoming]) -> list[Difference]:
    """What the file has different from the drawing, one by one; borders only where they differ by more than the grid."""
    differences = []
    for each in incoming:
        unit = drawing.units.get(each.id)
        if unit is None:
            differences.append(Difference(each.id, "new", None, each.code or each.name, each.geom))
            continue
        for name in ("name", "code", "households"):
            before, after = getattr(unit, name), getattr(each, name)
            if after is not None and after != before:
                differences.append(Difference(each.id, name, before, after))
        where = _differing(unit, each.geom)
        if where is not None:
            differences.append(Difference(each.id, "border", None, None, where))
    return differences


def _differing(unit: Unit, border: BaseGeometry | None) -> BaseGeometry | None:
    if border is None or unit.geom is None or border.equals(unit.geom):
        return None
    parts = geometry_column(shapely.get_parts(shapely.symmetric_difference(unit.geom, border)))
    parts = parts[shapely.area(parts) > 0]
    parts = parts[wider_than(in_metres(parts), ROUNDING_M)] if len(parts) else parts
    return shapely.MultiPolygon(list(parts)) if len(parts) else None
