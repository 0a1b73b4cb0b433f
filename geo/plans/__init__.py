"""Plans: what the next edition of a network shall hold. Here, drafts from files: one a network; publishing closes it.

A draft says nothing of the (level, kind) groups it has no row of: those are taken over from the newest edition.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, and_, delete, func, insert, select, tuple_, update

from core.db import copy_rows
from core.errors import Invalid, NotFound, told
from geo.networks import Network, get_network
from geo.tables import STANDS, edition, plan, plan_unit

Kind = Literal["territorial", "dedicated"]

COLUMNS = ("plan_id", "level", "code", "name", "parent_code", "kind", "households", "attrs", "source", "geom")


@dataclass(frozen=True)
class UnitDraft:
    """One unit as it shall be. `geom`: WGS-84 polygons; None: the union of its children.

    `parent_code` None: found by geometry, or a root. `source`: where it came from, for people. `unit_id`: who it is; None:
    the unit that has its code, or a new one.
    """

    level: str
    code: str
    name: str
    geom: BaseGeometry | None
    parent_code: str | None = None
    kind: Kind = "territorial"
    households: int | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    unit_id: UUID | None = None


@dataclass(frozen=True)
class Plan:
    id: int
    network: Network
    base_edition_id: int | None
    """The newest edition when the draft was opened; None: the network had none."""
    kind: Literal["received", "redraw"] = "received"


def open_plan(conn: Connection, network_code: str, *, author: str | None = None) -> Plan:
    """The network's draft; a new one on the newest edition when there is none."""
    found = get_network(conn, network_code, lock=True)
    existing = find_draft(conn, found)
    if existing is not None:
        return existing
    base = newest_edition_id(conn, found)
    values = {"network_id": found.id, "base_edition_id": base, "author": author}
    return Plan(conn.execute(insert(plan).values(**values).returning(plan.c.id)).scalar_one(), found, base)


def find_draft(conn: Connection, network: Network) -> Plan | None:
    query = select(plan.c.id, plan.c.base_edition_id).where(
        plan.c.network_id == network.id, plan.c.state == "draft", plan.c.kind == "received"
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else Plan(row.id, network, row.base_edition_id)


def get_draft(conn: Connection, network_code: str) -> Plan:
    found = find_draft(conn, get_network(conn, network_code))
    if found is None:
        raise NotFound(
            told(
                "network {network_code} has no draft; `boundaries import … --network {network_code}` makes one",
                network_code=network_code,
            )
        )
    return found


def withdraw_draft(conn: Connection, network_code: str) -> None:
    """Drop the draft; the editions stay as they are."""
    conn.execute(update(plan).where(plan.c.id == get_draft(conn, network_code).id).values(state="withdrawn"))


def newest_edition_id(conn: Connection, network: Network) -> int | None:
    """The edition that was published last, in force or announced; None where none stands."""
    stands = select(func.max(edition.c.id)).where(edition.c.network_id == network.id, STANDS)
    newest: int | None = conn.scalar(stands)
    return newest


def add_units_to_plan(
    conn: Connection, network_code: str, drafts: Sequence[UnitDraft], *, author: str | None = None
) -> Plan:
    """Put units into the network's draft: they take the place of whatever it held of their (level, kind) groups.

    A parent that only its children tell of (geom None) stays as the draft has it when it is there already.
    Invalid when a unit's level is not one of the network's.
    """
    found = open_plan(conn, network_code, author=author)
    for level in {draft.level for draft in drafts}:
        found.network.level(level)
    groups = {(draft.level, draft.kind) for draft in drafts if draft.geom is not None}
    derived = {(draft.level, draft.kind) for draft in drafts} - groups
    _clear(conn, found, groups, derived)
    there = _codes(conn, found, derived)
    kept = [draft for draft in drafts if (draft.level, draft.kind, draft.code) not in there]
    _write(conn, found, kept)
    return found


def rewrite_plan(conn: Connection, found: Plan, drafts: Sequence[UnitDraft]) -> None:
    """Let the draft hold exactly these units."""
    conn.execute(delete(plan_unit).where(plan_unit.c.plan_id == found.id))
    _write(conn, found, drafts)


def _clear(
    conn: Connection, found: Plan, groups: set[tuple[str, Kind]], derived: set[tuple[str, Kind]]
) -> None:
    mine = plan_unit.c.plan_id == found.id
    group = tuple_(plan_unit.c.level, plan_unit.c.kind)
    conn.execute(delete(plan_unit).where(mine, group.in_(list(groups))))
    conn.execute(delete(plan_unit).where(mine, group.in_(list(derived)), plan_unit.c.geom.is_(None)))


def _codes(conn: Connection, found: Plan, groups: set[tuple[str, Kind]]) -> set[tuple[str, str, str]]:
    columns = (plan_unit.c.level, plan_unit.c.kind, plan_unit.c.code)
    chosen = and_(plan_unit.c.plan_id == found.id, tuple_(columns[0], columns[1]).in_(list(groups)))
    return {(row.level, row.kind, row.code) for row in conn.execute(select(*columns).where(chosen))}


def _write(conn: Connection, found: Plan, drafts: Sequence[UnitDraft]) -> None:
    shapes = geometry_column(draft.geom for draft in drafts)
    wkb = shapely.to_wkb(shapely.set_srid(as_multipolygons(shapes), 4326), hex=True, include_srid=True)
    rows = (
        (
            found.id,
            draft.level,
            draft.code,
            draft.name,
            draft.parent_code,
            draft.kind,
            draft.households,
            json.dumps(dict(draft.attrs), ensure_ascii=False),
            draft.source,
            geom,
        )
        for draft, geom in zip(drafts, wkb, strict=True)
    )
    copy_rows(conn, "plan_unit", COLUMNS, rows)


def read_plan_units(conn: Connection, found: Plan) -> list[UnitDraft]:
    """The draft's own rows, in the order they came in."""
    columns = [plan_unit.c[name] for name in COLUMNS if name not in ("plan_id", "geom")]
    geom = func.ST_AsBinary(plan_unit.c.geom).label("wkb")
    query = select(*columns, geom).where(plan_unit.c.plan_id == found.id).order_by(plan_unit.c.id)
    rows = conn.execute(query).all()
    shapes = shapely.from_wkb(np.array([row.wkb for row in rows], dtype=object))
    return [_draft(row, shape) for row, shape in zip(rows, np.atleast_1d(shapes), strict=True)]


def _draft(row: Any, shape: BaseGeometry | None) -> UnitDraft:
    return UnitDraft(
        level=row.level,
        code=row.code,
        name=row.name,
        geom=shape,
        parent_code=row.parent_code,
        kind=row.kind,
        households=row.households,
        attrs=row.attrs,
        source=row.source,
    )


def geometry_column(shapes: Iterable[BaseGeometry | None]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """An object array that numpy does not try to unpack."""
    listed = list(shapes)
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


def as_multipolygons(shapes: np.ndarray[Any, np.dtype[np.object_]]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Polygons as MultiPolygons, None as None; Invalid for anything else that is not empty."""
    kinds = shapely.get_type_id(shapes)
    polygon, multipolygon = 3, 6
    strange = ~np.isin(kinds, (-1, polygon, multipolygon)) & ~shapely.is_empty(shapes)
    if strange.any():
        raise Invalid(told("borders are polygons, not {geom_type}", geom_type=shapes[strange][0].geom_type))
    return geometry_column(
        shapely.MultiPolygon([shape] if kind == polygon and not shape.is_empty else [])
        if kind not in (-1, multipolygon)
        else shape
        for shape, kind in zip(shapes, kinds, strict=True)
    )
