"""What an operation needs to know of a plan's ground, read in few ways to the database and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Double,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db import ask_together, sql_file
from geo.addresses import DOORS_IN_BOX, as_doors
from geo.operations import Drawing, Operation, RedrawPartition, ReplaceFromFile, Unit
from geo.plans import Plan, geometry_column
from geo.plans.working import BY_ID, IDS, NETWORK, STATED, as_planned, as_units, asking, readable
from geo.tables import unit, unit_version
from geo.validation.ground import Objects

MARGIN_DEG = 1e-5
"""What touches a place lies within this of it."""
_SIDES = ("west", "south", "east", "north")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Neighbourhood:
    """`drawing`: what an operation is worked out on. `base`: units that the plan changed before, as the edition has them."""

    drawing: Drawing
    planned: frozenset[UUID]
    base: Mapping[UUID, Unit]

    def base_of(self, changed: Iterable[UUID]) -> dict[UUID, Unit]:
        """How the edition has these: as the plan had them, where it had not changed them."""
        units = {each: self.drawing.units.get(each) for each in changed if each not in self.planned}
        return {**self.base, **{unit_id: each for unit_id, each in units.items() if each is not None}}


def read_drawing(conn: Connection, found: Plan, operation: Operation) -> Drawing:
    """What the operation names, two rings of units around it, their siblings, children and all that stands above."""
    return read_neighbourhood(conn, found, operation).drawing


def read_neighbourhood(conn: Connection, found: Plan, operation: Operation) -> Neighbourhood:
    """The same, with what the edition has where the plan has something else."""
    places = _bounds(_places(operation))
    asked = asking(found, operation.subjects) | {"deep": isinstance(operation, RedrawPartition)}
    asked |= dict(zip(_SIDES, places or (None,) * 4, strict=True))
    (rows,) = ask_together(conn, (_NEIGHBOURHOOD, asked))
    known = {row.unit_id: row for row in rows if row.planned is not None}
    units = {each.id: each for each in as_units(list(known.values()))}
    was = as_units([row for row in rows if row.planned is None])
    _add_parents(conn, found, units)
    inner = _inner(operation, units)
    drawing = Drawing(found.network, units, window=_window(inner, places, units))
    planned = frozenset(unit_id for unit_id, row in known.items() if row.planned)
    detailed = _with_details(conn, drawing, operation, inner)
    return Neighbourhood(detailed, planned, {each.id: each for each in was})


def _places(operation: Operation) -> Objects:
    """Geometries among the operation's arguments."""
    found: list[BaseGeometry] = []
    for each in fields(operation):
        value = getattr(operation, each.name)
        for item in value if isinstance(value, tuple) else (value,):
            shape = getattr(item, "geom", item)
            if isinstance(shape, BaseGeometry):
                found.append(shape)
    return geometry_column(found)


def _bounds(*shapes: Objects) -> Box | None:
    sides = shapely.total_bounds(np.concatenate(shapes)) if any(map(len, shapes)) else np.full(4, np.nan)
    return None if np.isnan(sides).any() else tuple(sides.tolist())


def _add_parents(conn: Connection, found: Plan, units: dict[UUID, Unit]) -> None:
    """What stands above and was not near."""
    while missing := {each.parent for each in units.values() if each.parent is not None} - set(units):
        (rows,) = ask_together(conn, (BY_ID, asking(found, missing)))
        units |= {each.id: each for each in as_units(rows)}
        if not rows:
            break


def _inner(operation: Operation, units: Mapping[UUID, Unit]) -> Objects:
    """Borders of what the operation names, and of what it may divide below that."""
    subjects = set(operation.subjects)
    divided = set(subjects)
    if isinstance(operation, RedrawPartition):
        divided |= {each.id for each in units.values() if each.parent in subjects and each.geom is None}
    return geometry_column(
        each.geom
        for each in units.values()
        if each.geom is not None and (each.id in subjects or each.parent in divided)
    )


def _window(inner: Objects, places: Box | None, units: Mapping[UUID, Unit]) -> BaseGeometry:
    """The box of the first ring: nothing is missing in it."""
    corners = [] if places is None else [shapely.box(*places)]
    sides = _bounds(inner, geometry_column(corners))
    if sides is None:
        return shapely.Polygon()
    west, south, east, north = sides
    ring = shapely.bounds(geometry_column(each.geom for each in units.values() if each.geom is not None))
    meets = (ring[:, 0] <= east) & (ring[:, 2] >= west) & (ring[:, 1] <= north) & (ring[:, 3] >= south)
    if not meets.any():
        return shapely.box(*sides)
    around: BaseGeometry = shapely.box(*ring[meets, :2].min(axis=0), *ring[meets, 2:].max(axis=0))
    return around


def _with_details(conn: Connection, drawing: Drawing, operation: Operation, inner: Objects) -> Drawing:
    """Doors, official outlines, and the codes ever given that a birth or a new code here could meet."""
    units = drawing.units
    subjects = set(operation.subjects)
    sides = _bounds(inner)
    natural = [each.id for each in units.values() if drawing.is_natural(each)]
    parents = {each.parent for each in units.values() if each.id in subjects} | subjects
    rules = drawing.network.rules.get("codes", {}).values()
    prefixes = {units[each].code for each in parents if each is not None and each in units}
    prefixes |= {rule["prefix"] for rule in rules if "prefix" in rule}
    codes = {
        "network": drawing.network.id,
        "prefixes": list(prefixes),
        "codes": _codes(operation),
    }
    doors, outlines, given = ask_together(
        conn,
        (DOORS_IN_BOX, dict(zip(_SIDES, sides or (None,) * 4, strict=True))),
        (_OUTLINES, {"ids": natural}),
        (sql_file("geo", "codes_given"), codes),
    )
    drawn = {(each.level, each.code) for each in units.values()}
    return Drawing(
        drawing.network,
        units,
        {row.id: shapely.from_wkb(row.wkb) for row in outlines},
        as_doors(doors),
        frozenset({(row.level, row.code) for row in given} | drawn),
        drawing.window,
    )


def _codes(operation: Operation) -> list[str]:
    """Codes that it wants to give."""
    asked: list[object] = [operation]
    if isinstance(operation, ReplaceFromFile):
        asked += [*operation.incoming, *operation.born]
    return [code for each in asked if (code := getattr(each, "code", None)) is not None]


def _neighbourhood() -> Select[Any]:
    """Rows of units as the plan has them, and with `planned` NULL as the edition has what the plan changes of these."""
    named = as_planned(lambda table: table.c.unit_id == any_(IDS)).cte("named")
    above = _ids(select(named.c.parent_unit_id))
    kin = as_planned(
        lambda table: or_(table.c.parent_unit_id == any_(IDS), table.c.parent_unit_id == any_(above))
    ).cte("kin")
    mine = kin.c.parent_unit_id == any_(IDS)
    divided = _ids(
        select(kin.c.unit_id).where(mine, kin.c.border.is_(None), bindparam("deep", type_=Boolean))
    )
    deep = as_planned(lambda table: table.c.parent_unit_id == any_(divided)).cte("deep")
    corners = [bindparam(side, type_=Double) for side in _SIDES]
    asked = union_all(
        select(named.c.border),
        select(kin.c.border).where(mine),
        select(deep.c.border),
        select(func.ST_MakeEnvelope(*corners, 4326)),
    ).subquery()
    near = as_planned(lambda table: table.c.geom.op("&&")(_box_of(asked.c.border))).cte("near")
    far = as_planned(lambda table: table.c.geom.op("&&")(_box_of(near.c.border))).cte("far")
    parts = (named, kin, deep, near, far)
    changed = _ids(union_all(*(select(part.c.unit_id).where(part.c.planned) for part in parts)))
    was = STATED.where(
        unit_version.c.network_id == NETWORK, unit_version.c.unit_id == any_(changed)
    ).subquery()
    known = [column.label("planned") if column.name == "planned" else column for column in was.c]
    known[-1] = cast(None, Boolean).label("planned")
    return readable(union_all(*map(select, parts), select(*known)))


def _ids(query: Any) -> ColumnElement[Any]:
    return cast(func.array(query.scalar_subquery()), ARRAY(Uuid))


def _box_of(border: ColumnElement[Any]) -> ColumnElement[Any]:
    """The box of all of these, and a little more."""
    around = func.ST_Expand(func.ST_Extent(border), MARGIN_DEG)
    box: ColumnElement[Any] = select(func.ST_SetSRID(around, 4326)).scalar_subquery()
    return box


_NEIGHBOURHOOD = _neighbourhood()
_BORDER = func.coalesce(unit.c.outline, unit_version.c.geom)
_OUTLINES = (
    select(unit.c.id, func.ST_AsBinary(_BORDER).label("wkb"))
    .join(unit_version, unit_version.c.unit_id == unit.c.id)
    .where(
        unit.c.id == any_(IDS), func.upper_inf(unit_version.c.valid), func.upper_inf(unit_version.c.recorded)
    )
)
"""The official outline of each; its stored border where that is it."""
