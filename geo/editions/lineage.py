"""Lineage: which units of an edition hold the ground and the households of which units before, with shares."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, func, insert, select

from geo.addresses import read_doors
from geo.editions.changes import NextUnit
from geo.editions.standing import StandingUnit
from geo.flows import Flow, flow
from geo.plans import geometry_column
from geo.tables import lineage, unit_version

LEAST_M2 = 1.0
"""Less common ground than this is the grid's doing, unless it is all there is."""
WHOLE = 0.99


def write_lineage(
    conn: Connection, edition_id: int, units: Sequence[NextUnit], gone: Iterable[StandingUnit]
) -> None:
    """One row for each pair of a former and a new version that share ground, level by level and kind by kind."""
    after = [each for each in units if each.change_kinds]
    before = [each.was for each in after if each.was is not None] + list(gone)
    if not before:
        return
    ids = select(unit_version.c.unit_id, unit_version.c.id).where(
        unit_version.c.edition_id == edition_id, func.upper_inf(unit_version.c.recorded)
    )
    versions = {row.unit_id: row.id for row in conn.execute(ids)}
    rows: list[dict[str, Any]] = []
    for group in sorted({(each.level, each.kind) for each in after}):
        olds = [each for each in before if (each.level, each.kind) == group]
        news = [each for each in after if (each.level, each.kind) == group]
        rows += [row | {"edition_id": edition_id} for row in _pairs(conn, olds, news, versions)]
    if rows:
        conn.execute(insert(lineage), rows)


def _pairs(
    conn: Connection, olds: Sequence[StandingUnit], news: Sequence[NextUnit], versions: dict[UUID, int]
) -> list[dict[str, Any]]:
    if not olds or not news:
        return []
    shapes = geometry_column(each.geom for each in olds)
    moved = flow(shapes, geometry_column(each.geom for each in news), read_doors(conn, shapes))
    largest = np.zeros(len(news))
    np.maximum.at(largest, moved.new, moved.area_m2)
    kept = (moved.area_m2 >= LEAST_M2) | (moved.area_m2 == largest[moved.new])
    going_on = {each.unit_id for each in news}
    return [
        {
            "from_version": olds[moved.old[row]].version_id,
            "to_version": versions[news[moved.new[row]].unit_id],
            "kind": _kind(moved, row, olds[moved.old[row]].unit_id, (news[moved.new[row]], going_on)),
            "area_m2": float(moved.area_m2[row]),
            "area_share": float(min(moved.area_share[row], 1.0)),
            "households_share": float(min(moved.households_share[row], 1.0)),
        }
        for row in np.flatnonzero(kept).tolist()
    ]


def _kind(moved: Flow, row: int, old: UUID, new: tuple[NextUnit, set[UUID]]) -> str:
    """goes_on: the same unit; split: a born unit's ground was all of the old one's; merge: the old unit is no more
    and all of its ground is the new one's; transfer: anything else.
    """
    unit, going_on = new
    if unit.unit_id == old:
        return "goes_on"
    if unit.was is None and moved.area_m2[row] >= WHOLE * moved.area_m2[moved.new == moved.new[row]].sum():
        return "split"
    if old not in going_on and moved.area_share[row] >= WHOLE:
        return "merge"
    return "transfer"
