"""A plan's ground: the newest edition with the plan's changes laid over it, read as far as an operation needs it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    Uuid,
    any_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db import copy_rows
from geo.addresses import read_doors
from geo.editions.standing import StandingUnit
from geo.networks import Network
from geo.operations import Drawing, Operation, RedrawPartition, Unit
from geo.plans import Plan, UnitDraft, geometry_column
from geo.tables import plan_unit, unit, unit_version

MARGIN_DEG = 1e-5
"""What touches a place lies within this of it."""


def read_drawing(conn: Connection, found: Plan, operation: Operation) -> Drawing:
    """What the operation names, two rings of units around it, their siblings, children and all that stands above."""
    subjects = set(operation.subjects)
    units = {each.id: each for each in _fetch(conn, found, ids=subjects)}
    family = {each.parent for each in units.values() if each.parent is not None} | subjects
    units |= {each.id: each for each in _fetch(conn, found, parents=family)}
    divided = subjects
    if isinstance(operation, RedrawPartition):
        derived = {each.id for each in units.values() if each.parent in subjects and each.geom is None}
        units |= {each.id: each for each in _fetch(conn, found, parents=derived)}
        divided = subjects | derived
    drawn = [each.geom for each in units.values() if each.id in subjects and each.geom is not None]
    below = [each.geom for each in units.values() if each.parent in divided and each.geom is not None]
    box: Sequence[BaseGeometry] = [*drawn, *below, *_places(operation)]
    window = shapely.Polygon()
    for _ring in range(2 if box else 0):
        window = shapely.box(*shapely.total_bounds(geometry_column(box)))
        near = _fetch(conn, found, box=box)
        units |= {each.id: each for each in near}
        bounds = window.bounds
        box = [each.geom for each in near if each.geom is not None and _in_box(each.geom, bounds)]
    while missing := {each.parent for each in units.values() if each.parent is not None} - set(units):
        above = {each.id: each for each in _fetch(conn, found, ids=missing)}
        units |= above
        if not above:
            break
    drawing = Drawing(found.network, units)
    doors = read_doors(conn, geometry_column([*drawn, *below])) if drawn or below else drawing.doors
    outlines = _outlines(conn, [each.id for each in units.values() if drawing.is_natural(each)])
    given = _given(conn, found, units, operation)
    return replace(drawing, doors=doors, outlines=outlines, given=given, window=window)


def _places(operation: Operation) -> list[BaseGeometry]:
    """Geometries among the operation's arguments."""
    found: list[BaseGeometry] = []
    for each in fields(operation):  # type: ignore[arg-type]
        value = getattr(operation, each.name)
        for item in value if isinstance(value, tuple) else (value,):
            shape = getattr(item, "geom", item)
            if isinstance(shape, BaseGeometry):
                found.append(shape)
    return found


def _in_box(shape: BaseGeometry, box: tuple[float, float, float, float]) -> bool:
    (west, south, east, north), (left, bottom, right, top) = box, shape.bounds
    return bool(left <= east and right >= west and bottom <= north and top >= south)


def _fetch(
    conn: Connection,
    found: Plan,
    *,
    ids: Collection[UUID] = (),
    parents: Collection[UUID] = (),
    box: Sequence[BaseGeometry] = (),
) -> list[Unit]:
    """Units as the plan has them: by id, below these parents, or with a border in the box of these geometries."""
    asked: dict[str, Any] = {"plan": found.id, "network": found.network.id}
    units: list[Unit] = []
    if ids:
        units += read_units(conn, _BY_ID, asked | {"ids": list(ids)})
    if parents:
        units += read_units(conn, _BY_PARENT, asked | {"ids": list(parents)})
    if box:
        west, south, east, north = shapely.total_bounds(geometry_column(box)).tolist()
        corners = {"west": west - MARGIN_DEG, "south": south - MARGIN_DEG}
        corners |= {"east": east + MARGIN_DEG, "north": north + MARGIN_DEG}
        units += read_units(conn, _IN_BOX, asked | corners)
    return units


def _stated() -> Select[Any]:
    """The newest editions' units; in a full network one that has units below it has no border of its own."""
    child, kind = unit_version.alias("child"), unit.alias("kind")
    divided = exists(
        select(child.c.id)
        .join(kind, kind.c.id == child.c.unit_id)
        .where(child.c.parent_unit_id == unit_version.c.unit_id, kind.c.kind == "territorial")
        .where(func.upper_inf(child.c.valid), func.upper_inf(child.c.recorded))
    )
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs")
    border = case((divided, None), else_=func.ST_AsBinary(unit_version.c.geom)).label("wkb")
    return (
        select(*(unit_version.c[name] for name in names), unit.c.kind, border)
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(func.upper_inf(unit_version.c.valid), func.upper_inf(unit_version.c.recorded))
    )


_STATED = _stated()


def _changed() -> Select[Any]:
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs", "kind")
    border = func.ST_AsBinary(plan_unit.c.geom).label("wkb")
    mine = plan_unit.c.plan_id == bindparam("plan")
    return select(*(plan_unit.c[name] for name in names), border).where(
        mine, plan_unit.c.unit_id.is_not(None)
    )


_CHANGED = _changed()


def _as_planned(chosen: Callable[[Table], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Units of the newest edition that the plan leaves alone, and those that it changes."""
    mine = select(plan_unit.c.unit_id).where(
        plan_unit.c.plan_id == bindparam("plan"), plan_unit.c.unit_id.is_not(None)
    )
    here = unit_version.c.network_id == bindparam("network")
    base = _STATED.where(here, chosen(unit_version), unit_version.c.unit_id.not_in(mine))
    return union_all(base, _CHANGED.where(chosen(plan_unit), ~plan_unit.c.gone))


_IDS = bindparam("ids", type_=ARRAY(Uuid))
_BOX = func.ST_MakeEnvelope(
    bindparam("west"), bindparam("south"), bindparam("east"), bindparam("north"), 4326
)
_BY_ID = _as_planned(lambda table: table.c.unit_id == any_(_IDS))
_BY_PARENT = _as_planned(lambda table: table.c.parent_unit_id == any_(_IDS))
_IN_BOX = _as_planned(lambda table: table.c.geom.op("&&")(_BOX))
"""Built once: making a statement takes longer than asking it for a few rows."""


def _base(network: Network) -> Select[Any]:
    return _STATED.where(unit_version.c.network_id == network.id)


def read_units(
    conn: Connection, query: Select[Any] | CompoundSelect[Any], asked: Mapping[str, Any] | None = None
) -> list[Unit]:
    rows = conn.execute(query, asked).all()
    wkb = np.array([None if row.wkb is None else bytes(row.wkb) for row in rows], dtype=object)
    return [
        Unit(
            id=row.unit_id,
            level=row.level,
            code=row.code,
            name=row.name,
            parent=row.parent_unit_id,
            geom=shape,
            kind=row.kind,
            households=row.households,
            attrs=row.attrs,
        )
        for row, shape in zip(rows, shapely.from_wkb(wkb), strict=True)
    ]


def _outlines(conn: Connection, ids: Collection[UUID]) -> dict[UUID, BaseGeometry]:
    """The official outline of each; its stored border where that is it."""
    if not ids:
        return {}
    border = func.ST_AsBinary(func.coalesce(unit.c.outline, unit_version.c.geom)).label("wkb")
    query = (
        select(unit.c.id, border)
        .join(unit_version, unit_version.c.unit_id == unit.c.id)
        .where(
            unit.c.id.in_(ids), func.upper_inf(unit_version.c.valid), func.upper_inf(unit_version.c.recorded)
        )
    )
    return {row.id: shapely.from_wkb(bytes(row.wkb)) for row in conn.execute(query)}


def _given(
    conn: Connection, found: Plan, units: dict[UUID, Unit], operation: Operation
) -> frozenset[tuple[str, str]]:
    """Codes ever given that a birth or a new code here could meet."""
    parents = {each.parent for each in units.values() if each.id in set(operation.subjects)} | set(
        operation.subjects
    )
    prefixes = {units[each].code for each in parents if each in units}
    rules = found.network.rules.get("codes", {})
    prefixes |= {rule["prefix"] for rule in rules.values() if "prefix" in rule}
    asked = getattr(operation, "code", None)
    columns = (unit_version.c.level, unit_version.c.code)
    wanted = [func.starts_with(unit_version.c.code, prefix) for prefix in prefixes if prefix is not None]
    query = select(*columns).where(unit_version.c.network_id == found.network.id)
    rows = conn.execute(query.where(or_(false(), unit_version.c.code == asked, *wanted)))
    drawn = {(each.level, each.code) for each in units.values()}
    return frozenset({(row.level, row.code) for row in rows} | drawn)


def read_base(conn: Connection, found: Plan, ids: Collection[UUID]) -> list[Unit]:
    """Those of the units that the newest edition has, as it has them."""
    return read_units(conn, _base(found.network).where(unit_version.c.unit_id.in_(ids)))


def read_siblings(conn: Connection, found: Plan, parents: Collection[UUID]) -> tuple[list[Unit], list[Unit]]:
    """The units right below these parents: as the newest edition has them, and as the plan does."""
    base = _base(found.network).where(unit_version.c.parent_unit_id.in_(parents))
    return read_units(conn, base), _fetch(conn, found, parents=parents)


def write_changes(conn: Connection, found: Plan, changes: dict[UUID, Unit | None]) -> None:
    """Keep these units as the plan has them now; one that is as in the edition again is not the plan's any more."""
    ids = list(changes)
    base = {each.id: each for each in read_base(conn, found, ids)}
    conn.execute(delete(plan_unit).where(plan_unit.c.plan_id == found.id, plan_unit.c.unit_id.in_(ids)))
    kept = []
    for unit_id, now in changes.items():
        was = base.get(unit_id)
        if now != was:
            kept.append((now or was, now is None))
    _write_units(conn, found, [(each, gone) for each, gone in kept if each is not None])


def _write_units(conn: Connection, found: Plan, units: Iterable[tuple[Unit, bool]]) -> None:
    columns = (
        "plan_id",
        "unit_id",
        "parent_unit_id",
        "gone",
        "level",
        "code",
        "name",
        "kind",
        "households",
        "attrs",
        "geom",
    )
    rows = [
        (
            found.id,
            each.id,
            each.parent,
            gone,
            each.level,
            each.code,
            each.name,
            each.kind,
            each.households,
            json.dumps(dict(each.attrs), ensure_ascii=False),
            None
            if each.geom is None
            else shapely.to_wkb(shapely.set_srid(each.geom, 4326), hex=True, include_srid=True),
        )
        for each, gone in units
    ]
    copy_rows(conn, "plan_unit", columns, rows)


def read_changes(conn: Connection, found: Plan) -> dict[UUID, Unit | None]:
    """What the plan has different from the edition; None: the unit is no more."""
    ended = select(plan_unit.c.unit_id).where(plan_unit.c.plan_id == found.id, plan_unit.c.gone)
    gone = set(conn.scalars(ended))
    units = {each.id: each for each in read_units(conn, _CHANGED, {"plan": found.id})}
    return {unit_id: None if unit_id in gone else each for unit_id, each in units.items()}


def redrawn_units(
    network: Network, standing: Iterable[StandingUnit], changes: dict[UUID, Unit | None]
) -> list[UnitDraft]:
    """All units as an edition of the plan would hold them; official outlines as received, other parents derived."""
    was = {each.unit_id: as_unit(each) for each in standing}
    outlines = {each.unit_id: each.outline or each.geom for each in standing}
    now = {**was, **changes}
    units = {unit_id: each for unit_id, each in now.items() if each is not None}
    divided = {each.parent for each in units.values() if each.kind == "territorial"}
    households = _summed(network, was, units)
    full = network.coverage == "full"
    drafts = []
    for each in units.values():
        natural = network.level(each.level).origin == "natural"
        derived = full and each.id in divided and not natural
        drafts.append(
            UnitDraft(
                level=each.level,
                code=each.code,
                name=each.name,
                geom=None
                if derived
                else outlines.get(each.id, each.geom)
                if natural or each.geom is None
                else each.geom,
                parent_code=None
                if each.parent is None
                else units[each.parent].code
                if each.parent in units
                else "",
                kind=each.kind,
                households=households[each.id],
                attrs=each.attrs,
                unit_id=each.id,
            )
        )
    return drafts


def as_unit(each: StandingUnit) -> Unit:
    return Unit(
        each.unit_id,
        each.level,
        each.code,
        each.name,
        each.parent_unit_id,
        each.geom,
        "dedicated" if each.kind == "dedicated" else "territorial",
        each.households,
        each.attrs,
    )


def _summed(network: Network, was: dict[UUID, Unit], now: dict[UUID, Unit]) -> dict[UUID, int | None]:
    """Households of each unit: a parent's change by as much as its units' do; a born parent's are their sum."""
    numbers = {unit_id: each.households for unit_id, each in now.items()}
    depth = {level.code: len(network.chain(level.code)) for level in network.levels}
    before, after = _below(was.values()), _below(now.values())
    for parent in sorted(after, key=lambda each: -depth[now[each].level] if each in now else 0):
        if parent not in now:
            continue
        here = [numbers[each.id] for each in after[parent]]
        if any(number is None for number in here):
            continue
        total = sum(number for number in here if number is not None)
        old = was.get(parent)
        if old is None:
            numbers[parent] = total
        elif old.households is not None and before.get(parent):
            former = [each.households for each in before[parent]]
            if None not in former:
                numbers[parent] = (
                    old.households + total - sum(number for number in former if number is not None)
                )
    return numbers


def _below(units: Iterable[Unit]) -> dict[UUID, list[Unit]]:
    families: dict[UUID, list[Unit]] = {}
    for each in units:
        if each.parent is not None and each.kind == "territorial":
            families.setdefault(each.parent, []).append(each)
    return families
