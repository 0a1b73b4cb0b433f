"""Units taken apart by lines, and put together again: an operation says whose each piece is, nothing else moves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from uuid import UUID, uuid5

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.flows import Floats, Flow, flow, identities, share_out
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.operations.noding import node
from geo.plans import as_multipolygons, geometry_column
from geo.validation.ground import Ints, Objects

Changes = dict[UUID, Unit | None]
"""Units as an operation leaves them; None: it is no more."""


@dataclass(frozen=True)
class Cut:
    """`pieces`: polygons on the grid; `holder`: the place of each one's unit in `units`; `lines`: n × 2 × 2 degrees."""

    drawing: Drawing
    units: list[Unit]
    pieces: Objects
    holder: Ints
    lines: Floats
    around: Changes

    @cached_property
    def is_cut(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Which pieces are not a whole polygon of their unit."""
        whole = {
            polygon
            for unit in self.units
            for polygon in shapely.get_parts(shapely.normalize(unit.geom)).tolist()
        }
        counts = [len(shapely.get_parts(unit.geom)) for unit in self.units]
        many = np.bincount(self.holder, minlength=len(self.units)) > np.array(counts)
        pieces = shapely.normalize(self.pieces)
        return np.array(
            [bool(many[h]) and piece not in whole for h, piece in zip(self.holder, pieces, strict=True)],
            dtype=bool,
        )

    def assemble(self, owners: Sequence[UUID]) -> dict[UUID, BaseGeometry]:
        """The border of each owner: the union of its pieces, normalised."""
        mine: dict[UUID, list[int]] = {}
        for piece, owner in enumerate(owners):
            mine.setdefault(owner, []).append(piece)
        together = geometry_column(shapely.coverage_union_all(self.pieces[rows]) for rows in mine.values())
        shapes = as_multipolygons(shapely.normalize(together))
        return dict(zip(mine, shapes, strict=True))


def cut_units(drawing: Drawing, unit_ids: Iterable[UUID], lines: Sequence[BaseGeometry]) -> Cut:
    """Cut the units along the lines (WGS-84); what of a line lies outside of them is without effect."""
    units = [drawing.editable(unit_id) for unit_id in dict.fromkeys(unit_ids)]
    ring = drawing.neighbours([unit.id for unit in units])
    outlines = geometry_column(drawing.outlines.values())
    shapes = geometry_column(unit.geom for unit in (*units, *ring))
    noded = node(shapes, len(units), lines, outlines)
    own = noded.shapes[: len(units)]
    around: Changes = {
        unit.id: replace(unit, geom=as_multipolygons(geometry_column([shapely.normalize(shape)]))[0])
        for unit, shape in zip(ring, noded.shapes[len(units) :], strict=True)
        if shape is not unit.geom
    }
    pieces, holder = _pieces(own, noded.lines)
    if (np.round(shapely.get_coordinates(pieces), 7) != shapely.get_coordinates(pieces)).any():
        raise Impossible(told("the line meets a border where borders run too closely together"), own[0])
    return Cut(drawing, units, pieces, holder, noded.lines, around)


def _pieces(shapes: Objects, lines: Floats) -> tuple[Objects, Ints]:
    linework = np.concatenate(
        [shapely.boundary(shapes), np.asarray(shapely.linestrings(lines), dtype=object)]
    )
    faces = geometry_column(shapely.get_parts(shapely.polygonize([shapely.union_all(linework)])))
    face, holder = shapely.STRtree(shapes).query(shapely.point_on_surface(faces), predicate="within")
    order = np.lexsort((holder, face))  # ground that several hold is the first one's
    face, first = np.unique(face[order], return_index=True)
    return faces[face], holder[order][first]


def regroup(
    cut: Cut, owners: Sequence[UUID], *, born: Mapping[UUID, Unit] | None = None, extra: Changes | None = None
) -> Changes:
    """The changes when each piece goes to its owner: units, ring and households; a unit without pieces is no more."""
    shapes = cut.assemble(owners)
    known = {unit.id: unit for unit in cut.units} | dict(born or {})
    ids = list(shapes)
    olds = cut.units
    moved = flow(_shapes(olds), geometry_column(shapes.values()), cut.drawing.doors)
    households = share_out([unit.households for unit in olds], moved, len(ids))
    changes: Changes = {unit.id: None for unit in cut.units}
    for unit_id, number in zip(ids, households, strict=True):
        changes[unit_id] = replace(known[unit_id], geom=shapes[unit_id], households=number)
    return {**cut.around, **changes, **(extra or {})}


def regroup_parts(
    cut: Cut,
    parts: Sequence[int],
    template: Unit,
    key: UUID,
    *,
    names: Sequence[str] = (),
    identity: str = "keep",
) -> Changes:
    """The changes when pieces form new parts: who goes on is the rule of identities, the others are born.

    `template`: what a born unit takes its level, kind and parent from. `identity` new: all parts are born.
    """
    if identity not in ("keep", "new"):
        raise Invalid(told("identity “{identity}”: keep or new", identity=identity))
    count = max(parts) + 1
    shapes = cut.assemble([UUID(int=part) for part in parts])
    borders = geometry_column(shapes[UUID(int=part)] for part in range(count))
    olds = [unit for unit in cut.units if unit.level == template.level]
    keeps: list[int | None] = [None] * count
    if identity == "keep" and olds:
        moved = flow(_shapes(olds), borders, cut.drawing.doors)
        keeps = identities(moved, _weights(olds, moved), count)
    fresh = [part for part in range(count) if keeps[part] is None]
    born = births(cut.drawing, borders, fresh, template, key)
    ids = {part: olds[old].id for part, old in enumerate(keeps) if old is not None}
    ids |= dict(zip(fresh, born, strict=True))
    named = {ids[part]: name for part, name in enumerate(names) if name}
    changes = regroup(cut, [ids[part] for part in parts], born=born)
    for unit_id, name in named.items():
        unit = changes[unit_id]
        changes[unit_id] = None if unit is None else replace(unit, name=name)
    return changes


def births(
    drawing: Drawing, borders: Objects, fresh: Sequence[int], template: Unit, key: UUID
) -> dict[UUID, Unit]:
    """Born units in the order of the parts; their codes run from west to east, then from north to south."""
    codes = drawing.next_codes(template.level, template.parent, len(fresh))
    middles = {part: shapely.get_coordinates(shapely.centroid(borders[part]))[0] for part in fresh}
    order = sorted(fresh, key=lambda part: (middles[part][0], -middles[part][1]))
    code = dict(zip(order, codes, strict=True))
    return {
        uuid5(key, str(place)): replace(
            template, id=uuid5(key, str(place)), code=code[part], name=code[part], geom=None, attrs={}
        )
        for place, part in enumerate(fresh)
    }


def _weights(units: Sequence[Unit], moved: Flow) -> Floats:
    """Households of each unit; where nobody counted, its area."""
    if all(unit.households for unit in units):
        return np.array([unit.households for unit in units], dtype=np.float64)
    return np.asarray(np.bincount(moved.old, moved.area_m2, minlength=len(units)), dtype=np.float64)


def _shapes(units: Sequence[Unit]) -> Objects:
    return geometry_column(unit.geom for unit in units)


def side_of(cut: Cut, piece: BaseGeometry) -> set[int]:
    """On which sides of the lines a piece lies: 1 left, -1 right, both or none."""
    on = {}
    for start, end in cut.lines.tolist():
        on[tuple(start), tuple(end)] = 1
        on[tuple(end), tuple(start)] = -1
    sides = set()
    for ring in shapely.get_rings(shapely.orient_polygons(piece)):
        xy = [tuple(spot) for spot in shapely.get_coordinates(ring).tolist()]
        sides |= {on[step] for step in pairwise(xy) if step in on}
    return sides
