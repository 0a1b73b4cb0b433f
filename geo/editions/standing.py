"""What stands: the units of a network's newest edition, and the codes that were given before."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select

from geo.networks import Network
from geo.plans import UnitDraft
from geo.tables import edition, unit, unit_version

Key = tuple[str, str]
"""Level and code: what a unit is known by within its network."""


@dataclass(frozen=True)
class StandingUnit:
    """The version of a unit that the newest edition holds, or the last one of a retired unit."""

    version_id: int
    unit_id: UUID
    level: str
    kind: str
    code: str
    name: str
    parent_unit_id: UUID | None
    path: str
    households: int | None
    attrs: dict[str, Any]
    geom: BaseGeometry
    geom_sha: bytes
    outline: BaseGeometry | None = None
    """The official outline as received; None: the border is it, or the unit is not official."""


def read_standing(conn: Connection, network: Network) -> dict[Key, StandingUnit]:
    """The units of the newest edition, in effect or announced."""
    open_ended = func.upper_inf(unit_version.c.valid)
    return {(row.level, row.code): row for row in _read(conn, network, open_ended)}


def read_retired(conn: Connection, network: Network) -> dict[Key, StandingUnit]:
    """The last version of every retired unit: their codes are not given to others."""
    retired = unit.c.retired_edition_id.is_not(None)
    return {(row.level, row.code): row for row in _read(conn, network, retired)}


def read_given(conn: Connection, network: Network) -> dict[Key, set[UUID]]:
    """Every level and code that was ever given, and to whom."""
    columns = (unit_version.c.level, unit_version.c.code, unit_version.c.unit_id)
    given: dict[Key, set[UUID]] = {}
    for row in conn.execute(select(*columns).where(unit_version.c.network_id == network.id).distinct()):
        given.setdefault((row.level, row.code), set()).add(row.unit_id)
    return given


def read_announced(conn: Connection, network: Network) -> dict[Key, UUID]:
    """Units that never held, since the edition that bore them was taken back, by the codes they would have had."""
    columns = (unit_version.c.level, unit_version.c.code, unit_version.c.unit_id)
    query = (
        select(*columns)
        .join(unit, unit.c.id == unit_version.c.unit_id)
        .join(edition, edition.c.id == unit.c.born_edition_id)
        .where(unit_version.c.network_id == network.id, edition.c.taken_back_at.is_not(None))
        .order_by(unit_version.c.id)
    )
    return {(row.level, row.code): row.unit_id for row in conn.execute(query)}


def _read(conn: Connection, network: Network, condition: Any) -> list[StandingUnit]:
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "path", "households", "attrs", "geom_sha")
    columns = [unit_version.c[name] for name in names]
    query = (
        select(
            unit_version.c.id,
            unit.c.kind,
            *columns,
            func.ST_AsBinary(unit_version.c.geom).label("wkb"),
            func.ST_AsBinary(unit.c.outline).label("outline"),
        )
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(unit_version.c.network_id == network.id, func.upper_inf(unit_version.c.recorded), condition)
        .order_by(func.lower(unit_version.c.valid).asc().nulls_first())
    )
    rows = conn.execute(query).all()
    shapes = np.atleast_1d(shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)))
    return [
        StandingUnit(
            row.id,
            kind=row.kind,
            geom=shape,
            **{name: getattr(row, name) for name in names if name != "geom_sha"},
            geom_sha=bytes(row.geom_sha),
            outline=None if row.outline is None else shapely.from_wkb(bytes(row.outline)),
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]


def carry_over(
    network: Network, standing: dict[Key, StandingUnit], drafts: list[UnitDraft]
) -> list[UnitDraft]:
    """The drafts, and the standing units of the (level, kind) groups that the drafts say nothing of.

    A drawn unit above newly drafted ones comes without its old border, so that it is derived from them; where one of
    them is to find its parent by area the old border stays.
    """
    drafted = {(draft.level, draft.kind) for draft in drafts}
    searched = {network.level(draft.level).parent for draft in drafts if draft.parent_code is None}
    redrawn = {step for draft in drafts for step in network.chain(draft.level)[1:]} - searched
    codes = {row.unit_id: row.code for row in standing.values()}
    kept = [
        UnitDraft(
            level=row.level,
            code=row.code,
            name=row.name,
            geom=None
            if row.level in redrawn and network.level(row.level).origin == "drawn"
            else row.outline or row.geom,
            parent_code=None if row.parent_unit_id is None else codes.get(row.parent_unit_id),
            kind="dedicated" if row.kind == "dedicated" else "territorial",
            households=row.households,
            attrs=row.attrs,
        )
        for row in standing.values()
        if (row.level, row.kind) not in drafted
    ]
    return kept + drafts
