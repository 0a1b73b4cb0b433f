"""A plan's ground: the newest edition with the plan's changes laid over it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    Uuid,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db import Question, ask_together, sql_file
from geo.operations import Unit
from geo.plans import Plan
from geo.tables import plan_unit, unit, unit_version

FIELDS = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs", "kind", "border")
PLAN: BindParameter[int] = bindparam("plan")
NETWORK: BindParameter[int] = bindparam("network")
IDS = bindparam("ids", type_=ARRAY(Uuid))


def _is_divided() -> ColumnElement[bool]:
    """By the unit's children, each asked for its kind: where nothing is known yet of how many units are of which kind,
    a join would begin with all of these, for every unit.
    """
    child, each = unit_version.alias("child"), unit.alias("each")
    kind = select(each.c.kind).where(each.c.id == child.c.unit_id).correlate(child).scalar_subquery()
    return exists(
        select(child.c.id)
        .where(child.c.parent_unit_id == unit_version.c.unit_id, kind == "territorial")
        .where(func.upper_inf(child.c.valid), func.upper_inf(child.c.recorded))
        .correlate(unit_version)
    )


IS_DIVIDED = _is_divided()
STATED = (
    select(
        *(unit_version.c[name] for name in FIELDS[:-2]),
        unit.c.kind,
        case((IS_DIVIDED, None), else_=unit_version.c.geom).label("border"),
        literal(False).label("planned"),
    )
    .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
    .where(func.upper_inf(unit_version.c.valid), func.upper_inf(unit_version.c.recorded))
)
"""The newest editions' units; in a full network one that has units below it has no border of its own."""
CHANGED = select(
    *(plan_unit.c[name] for name in FIELDS[:-1]),
    plan_unit.c.geom.label("border"),
    literal(True).label("planned"),
).where(plan_unit.c.plan_id == PLAN, plan_unit.c.unit_id.is_not(None))
_MINE = select(plan_unit.c.unit_id).where(plan_unit.c.plan_id == PLAN, plan_unit.c.unit_id.is_not(None))


def as_planned(chosen: Callable[[Table], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Units of the newest edition that the plan leaves alone, and those that it changes."""
    here = unit_version.c.network_id == NETWORK
    base = STATED.where(here, chosen(unit_version), unit_version.c.unit_id.not_in(_MINE))
    return union_all(base, CHANGED.where(chosen(plan_unit), ~plan_unit.c.gone))


def readable(query: Select[Any] | CompoundSelect[Any]) -> Select[Any]:
    """The query's rows with their borders as read_rows takes them."""
    rows = query.subquery()
    names = (name for name in (*FIELDS[:-1], "planned") if name in rows.c)
    return select(*(rows.c[name] for name in names), func.ST_AsBinary(rows.c.border).label("wkb"))


BY_ID = readable(as_planned(lambda table: table.c.unit_id == any_(IDS)))
_BY_PARENT = readable(as_planned(lambda table: table.c.parent_unit_id == any_(IDS)))
_HERE = STATED.where(unit_version.c.network_id == NETWORK)
_BASE = readable(_HERE.where(unit_version.c.unit_id == any_(IDS)))
_BASE_BELOW = readable(_HERE.where(unit_version.c.parent_unit_id == any_(IDS)))
_CHANGED = readable(CHANGED.where(~plan_unit.c.gone))
_GONE = select(plan_unit.c.unit_id).where(plan_unit.c.plan_id == PLAN, plan_unit.c.gone)
"""Built once: making a statement takes longer than asking it for a few rows."""


def asking(found: Plan, ids: Collection[UUID] = ()) -> dict[str, Any]:
    """The values of the statements here."""
    return {"plan": found.id, "network": found.network.id, "ids": list(ids)}


def read_units(conn: Connection, query: Select[Any], asked: Mapping[str, Any]) -> list[Unit]:
    (rows,) = ask_together(conn, (query, asked))
    return as_units(rows)


def as_units(rows: Collection[Any]) -> list[Unit]:
    """Rows of a readable query as units."""
    wkb = np.array([row.wkb for row in rows], dtype=object)
    return [
        Unit(
            row.unit_id,
            row.level,
            row.code,
            row.name,
            row.parent_unit_id,
            shape,
            row.kind,
            row.households,
            row.attrs or {},
        )
        for row, shape in zip(rows, shapely.from_wkb(wkb), strict=True)
    ]


def read_base(conn: Connection, found: Plan, ids: Collection[UUID]) -> list[Unit]:
    """Those of the units that the newest edition has, as it has them."""
    return read_units(conn, _BASE, asking(found, ids)) if ids else []


def read_siblings(conn: Connection, found: Plan, parents: Collection[UUID]) -> tuple[list[Unit], list[Unit]]:
    """The units right below these parents: as the newest edition has them, and as the plan does."""
    asked = asking(found, parents)
    before, after = ask_together(conn, (_BASE_BELOW, asked), (_BY_PARENT, asked))
    return as_units(before), as_units(after)


def read_changes(conn: Connection, found: Plan) -> dict[UUID, Unit | None]:
    """What the plan has different from the edition; None: the unit is no more."""
    asked = asking(found)
    gone, changed = ask_together(conn, (_GONE, asked), (_CHANGED, asked))
    return {row.unit_id: None for row in gone} | {each.id: each for each in as_units(changed)}


def write_changes(
    conn: Connection, found: Plan, changes: Mapping[UUID, Unit | None], *more: Question
) -> None:
    """Keep these units as the plan has them now; one that is as in the edition again is not the plan's any more.

    `more`: statements that go along.
    """
    base = {each.id: each for each in read_base(conn, found, changes)}
    store_changes(conn, found, changes, base, *more)


def store_changes(
    conn: Connection,
    found: Plan,
    changes: Mapping[UUID, Unit | None],
    base: Mapping[UUID, Unit],
    *more: Question,
) -> None:
    """The same for who knows how the newest edition has them."""
    kept = [
        (now or base[unit_id], now is None)
        for unit_id, now in changes.items()
        if now != base.get(unit_id) and (now is not None or unit_id in base)
    ]
    asked = asking(found, list(changes)) | _columns(kept)
    ask_together(
        conn, (sql_file("geo", "drop_plan_units"), asked), (sql_file("geo", "keep_plan_units"), asked), *more
    )


def _columns(units: Iterable[tuple[Unit, bool]]) -> dict[str, list[Any]]:
    """Each unit and whether it is gone, as one list a column."""
    rows = list(units)
    return {
        "unit_ids": [each.id for each, _ in rows],
        "parents": [each.parent for each, _ in rows],
        "gone": [gone for _, gone in rows],
        "levels": [each.level for each, _ in rows],
        "codes": [each.code for each, _ in rows],
        "names": [each.name for each, _ in rows],
        "kinds": [each.kind for each, _ in rows],
        "households": [each.households for each, _ in rows],
        "attrs": [json.dumps(dict(each.attrs), ensure_ascii=False) for each, _ in rows],
        "borders": [None if each.geom is None else shapely.to_wkb(each.geom) for each, _ in rows],
    }
