"""A border between units is moved: by a line, by an area that changes hands, or at one vertex."""

from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.flows import Floats
from geo.metric import GRID_DEG
from geo.operations.cut import Changes, Cut, cut_units, regroup, side_of
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.operations.noding import BEND, REACH
from geo.plans import as_multipolygons, geometry_column


@dataclass(frozen=True)
class ShiftBorder:
    """The line becomes the common border of two units: what lies between it and the old one changes hands."""

    one: UUID
    other: UUID
    line: BaseGeometry

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.one, self.other)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        if self.one == self.other:
            raise Invalid(told("a border lies between two units"))
        cut = cut_units(drawing, self.subjects, [self.line])
        sides = [side_of(cut, piece) for piece in cut.pieces]
        if not any(sides) or any(len(side) > 1 for side in sides):
            text = told("the line does not divide the two units: begin and end it on their borders")
            raise Impossible(text, self.line)
        choices = [_owners(cut, sides, left) for left in (0, 1)]
        owners = min(choices, key=lambda owners: _disturbance(cut, owners))
        if len(set(owners)) < 2:
            raise Impossible(told("one of the units would have nothing left: merge them instead"), self.line)
        return regroup(cut, [cut.units[owner].id for owner in owners])


def _owners(cut: Cut, sides: list[set[int]], left: int) -> list[int]:
    """Pieces along the line by their side of it, the others as they were."""
    return [
        holder if not side else (left if 1 in side else 1 - left)
        for holder, side in zip(cut.holder.tolist(), sides, strict=True)
    ]


def _disturbance(cut: Cut, owners: list[int]) -> tuple[int, float]:
    """How many polygons the units fall into, and how much ground changes hands."""
    given = np.array(owners)
    parts = sum(
        len(shapely.get_parts(shapely.coverage_union_all(cut.pieces[given == owner])))
        for owner in set(owners)
    )
    return parts, float(shapely.area(cut.pieces[given != cut.holder]).sum())


@dataclass(frozen=True)
class Transfer:
    """What of `giver` lies in the area goes to `taker`; without a giver, the ground there that no unit has."""

    giver: UUID | None
    taker: UUID
    area: BaseGeometry

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.taker,) if self.giver is None else (self.giver, self.taker)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        if self.giver == self.taker:
            raise Invalid(told("ground goes from one unit to another one"))
        if not shapely.is_valid(self.area) or self.area.geom_type not in ("Polygon", "MultiPolygon"):
            raise Invalid(told("draw the area as one closed line that does not cross itself"))
        if self.giver is None:
            return self._fill(drawing)
        cut = cut_units(drawing, self.subjects, [shapely.boundary(self.area)])
        inside = shapely.contains(self.area, shapely.point_on_surface(cut.pieces))
        moving = inside & (cut.holder == 0)
        if not moving.any():
            raise Impossible(
                told(
                    "{level} {code} has no ground in that area",
                    level=cut.units[0].level,
                    code=cut.units[0].code,
                ),
                self.area,
            )
        if moving[cut.holder == 0].all():
            raise Impossible(told("the giver would have nothing left: merge them instead"), self.area)
        return regroup(
            cut,
            [self.taker if moves else cut.units[h].id for moves, h in zip(moving, cut.holder, strict=True)],
        )

    def _fill(self, drawing: Drawing) -> Changes:
        """Faces of the area that nobody holds become pieces of the taker; who borders on them gets their nodes."""
        around = drawing.at(geometry_column([self.area]))
        beside = [unit.id for unit in around if not drawing.is_natural(unit)]
        cut = cut_units(drawing, [self.taker, *beside], [shapely.boundary(self.area)])
        drawn = np.asarray(shapely.linestrings(cut.lines), dtype=object)
        linework = shapely.union_all(np.concatenate([shapely.boundary(cut.pieces), drawn]))
        faces = geometry_column(shapely.get_parts(shapely.polygonize([linework])))
        spots = shapely.point_on_surface(faces)
        held = geometry_column([*cut.pieces, *(unit.geom for unit in around if drawing.is_natural(unit))])
        taken = shapely.STRtree(held).query(spots, predicate="within")[0]
        free = shapely.contains(self.area, spots)
        free[taken] = False
        mine = shapely.boundary(drawing.border(self.taker))
        if not free.any() or not shapely.dwithin(faces[free], mine, BEND * GRID_DEG).all():
            raise Impossible(told("no ground there is free and borders on the unit"), self.area)
        filled = replace(
            cut,
            pieces=np.concatenate([cut.pieces, faces[free]]),
            holder=np.concatenate([cut.holder, np.zeros(int(free.sum()), dtype=np.int64)]),
        )
        return regroup(filled, [cut.units[holder].id for holder in filled.holder.tolist()])


@dataclass(frozen=True)
class MatchBorders:
    """Each vertex of these units and of their neighbours is put into every border that it lies on; what two hold is one's."""

    units: tuple[UUID, ...]

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return self.units

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        units = [drawing.editable(unit_id) for unit_id in self.units]
        ring = [each for each in drawing.neighbours(self.units) if not drawing.is_natural(each)]
        borders = shapely.boundary(geometry_column(each.geom for each in (*units, *ring)))
        cut = cut_units(drawing, [each.id for each in (*units, *ring)], list(borders))
        return regroup(cut, [cut.units[holder].id for holder in cut.holder.tolist()])


@dataclass(frozen=True)
class ReshapeVertex:
    """The vertex `at` of a border, or a new one there, moves to `to`, in every unit that shares it. Both are points."""

    at: BaseGeometry
    to: BaseGeometry
    units: tuple[UUID, ...]

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return self.units

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        if not self.units:
            raise Invalid(told("name a unit whose border it is"))
        way = shapely.LineString([*shapely.get_coordinates(self.at), *shapely.get_coordinates(self.to)])
        cut = cut_units(drawing, self.units, [way])
        noded = regroup(cut, [cut.units[holder].id for holder in cut.holder.tolist()])
        ground = drawing.redrawn(noded)
        vertex = _vertex_at(ground, self)
        _refuse_outline(drawing, vertex)
        touching = ground.at(geometry_column([shapely.Point(vertex)]))
        sharing = [
            drawing.editable(unit.id) and ground.unit(unit.id) for unit in touching if _has(unit, vertex)
        ]
        to = np.round(shapely.get_coordinates(self.to)[0], 7)
        moved: Changes = {unit.id: replace(unit, geom=_moved(unit, vertex, to)) for unit in sharing}
        _refuse_folds(ground.redrawn(moved), [*moved], self.to)
        return {**noded, **moved}


def _vertex_at(ground: Drawing, asked: ReshapeVertex) -> Floats:
    """The vertex of one of the units nearest to the point."""
    xy = shapely.get_coordinates(geometry_column(ground.unit(unit_id).geom for unit_id in asked.units))
    away = np.hypot(*(xy - shapely.get_coordinates(asked.at)[0]).T)
    if away.min() > REACH * GRID_DEG:
        raise Impossible(told("there is no border of these units at that place"), asked.at)
    return np.asarray(xy[away.argmin()])


def _refuse_outline(drawing: Drawing, vertex: Floats) -> None:
    for unit_id, outline in drawing.outlines.items():
        if shapely.dwithin(shapely.boundary(outline), shapely.Point(vertex), BEND * GRID_DEG):
            unit = drawing.unit(unit_id)
            raise Impossible(
                told(
                    "the vertex lies on the official outline of {level} {code}, which is locked",
                    level=unit.level,
                    code=unit.code,
                ),
                shapely.Point(vertex),
            )


def _has(unit: Unit, vertex: Floats) -> bool:
    return bool((shapely.get_coordinates(unit.geom) == vertex).all(axis=1).any())


def _moved(unit: Unit, vertex: Floats, to: Floats) -> BaseGeometry:
    def move(xy: Floats) -> Floats:
        return np.where((xy == vertex).all(axis=1)[:, None], to, xy)

    whole: BaseGeometry = as_multipolygons(
        geometry_column([shapely.normalize(shapely.transform(unit.geom, move))])
    )[0]
    return whole


def _refuse_folds(ground: Drawing, moved: list[UUID], to: BaseGeometry) -> None:
    """The moved borders neither cross themselves nor their neighbours'."""
    own = geometry_column(ground.unit(unit_id).geom for unit_id in moved)
    if not shapely.is_valid(own).all():
        raise Impossible(told("the border would cross itself"), to)
    around = geometry_column(unit.geom for unit in ground.neighbours(moved))
    if ground.network.coverage == "full" and not shapely.coverage_is_valid(np.concatenate([own, around])):
        raise Impossible(told("the border would cross another one"), to)
