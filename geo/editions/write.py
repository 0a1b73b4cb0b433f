"""Writing an edition: ranges closed and opened, units born and retired, all inside the caller's transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import shapely
from pyproj import CRS
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db import copy_rows
from geo.editions.changes import NextUnit
from geo.editions.standing import StandingUnit
from geo.metric import to_metres
from geo.plans import geometry_column
from geo.tables import former_outline, unit, unit_version

VERSION_COLUMNS = (
    "unit_id",
    "network_id",
    "level",
    "parent_unit_id",
    "path",
    "code",
    "name",
    "geom",
    "area_m2",
    "households",
    "attrs",
    "valid",
    "recorded",
    "edition_id",
    "geom_sha",
    "change_kinds",
)


@dataclass(frozen=True)
class Stamp:
    """What every row of an edition bears. `effective_from` None: since ever."""

    network_id: int
    edition_id: int
    effective_from: datetime | None
    now: datetime
    crs: CRS

    @property
    def is_announced(self) -> bool:
        return self.effective_from is not None and self.effective_from > self.now


def write_units(
    conn: Connection, stamp: Stamp, units: Sequence[NextUnit], gone: Iterable[StandingUnit]
) -> None:
    """Unchanged units keep their row; changed ones and retired ones end, changed and born ones begin."""
    changed = [each for each in units if each.change_kinds]
    gone = list(gone)
    ended = [each.was.version_id for each in changed if each.was is not None] + [
        each.version_id for each in gone
    ]
    _end_versions(conn, stamp, ended)
    retired = update(unit).where(unit.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    conn.execute(
        retired.values(retired_edition_id=stamp.edition_id), {"ids": [each.unit_id for each in gone]}
    )
    back = [each.unit_id for each in units if each.revived]
    conn.execute(retired.values(retired_edition_id=None), {"ids": back})
    _bear(conn, stamp, [each for each in units if each.was is None and not each.revived])
    _begin_versions(conn, stamp, changed)
    _keep_outlines(conn, stamp, units)


def _bear(conn: Connection, stamp: Stamp, born: Sequence[NextUnit]) -> None:
    """A unit that was only ever announced is there already: it is born by this edition instead."""
    fresh = [each for each in born if not each.announced]
    rows = ((u.unit_id, stamp.network_id, u.level, u.kind, u.origin, stamp.edition_id) for u in fresh)
    copy_rows(conn, "unit", ("id", "network_id", "level", "kind", "origin", "born_edition_id"), rows)
    again = [{"unit": u.unit_id, "is": u.kind, "from": u.origin} for u in born if u.announced]
    if again:
        known = update(unit).where(unit.c.id == bindparam("unit"))
        values = {"kind": bindparam("is"), "origin": bindparam("from"), "born_edition_id": stamp.edition_id}
        conn.execute(known.values(**values), again)


def _keep_outlines(conn: Connection, stamp: Stamp, units: Sequence[NextUnit]) -> None:
    """Official outlines as received: later nodes are put onto them, not onto what was stored last."""
    changed = [each for each in units if each.outline != (each.was.outline if each.was is not None else None)]
    if not changed:
        return
    if stamp.is_announced:
        before = select(literal(stamp.edition_id), unit.c.id, unit.c.outline).where(
            unit.c.id.in_([each.unit_id for each in changed])
        )
        conn.execute(insert(former_outline).from_select(["edition_id", "unit_id", "outline"], before))
    set_outline = update(unit).where(unit.c.id == bindparam("unit")).values(outline=bindparam("border"))
    shapes = [
        None if each.outline is None else f"SRID=4326;{shapely.to_wkt(each.outline, rounding_precision=-1)}"
        for each in changed
    ]
    conn.execute(
        set_outline,
        [{"unit": each.unit_id, "border": shape} for each, shape in zip(changed, shapes, strict=True)],
    )


def _end_versions(conn: Connection, stamp: Stamp, version_ids: list[int]) -> None:
    """Close ranges at the effective instant; what a back-dated change overwrites is kept as it was believed."""
    chosen = unit_version.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    parameters = {"ids": version_ids}
    if stamp.effective_from is not None and stamp.effective_from < stamp.now:
        keep_belief(conn, chosen, parameters, now=stamp.now)
    valid = func.tstzrange(func.lower(unit_version.c.valid), literal(stamp.effective_from))
    conn.execute(update(unit_version).where(chosen).values(valid=valid), parameters)


def keep_belief(
    conn: Connection, chosen: ColumnElement[bool], parameters: dict[str, list[int]], *, now: datetime
) -> None:
    """A copy of the rows with `recorded` ended now; the rows themselves are recorded from now on."""
    names = [name for name in VERSION_COLUMNS if name != "recorded"]
    columns = [unit_version.c[name] for name in names]
    believed = func.tstzrange(func.lower(unit_version.c.recorded), literal(now))
    copied = select(*columns, believed).where(chosen)
    conn.execute(insert(unit_version).from_select([*names, "recorded"], copied), parameters)
    recorded = func.tstzrange(literal(now), None)
    conn.execute(update(unit_version).where(chosen).values(recorded=recorded), parameters)


def _begin_versions(conn: Connection, stamp: Stamp, units: Sequence[NextUnit]) -> None:
    shapes = geometry_column(each.geom for each in units)
    wkb = shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)
    areas = shapely.area(to_metres(shapes, stamp.crs))
    valid = f"[{'' if stamp.effective_from is None else stamp.effective_from.isoformat()},)"
    recorded = f"[{stamp.now.isoformat()},)"
    rows = (
        (
            each.unit_id,
            stamp.network_id,
            each.level,
            each.parent_unit_id,
            each.path,
            each.code,
            each.name,
            geom,
            float(area),
            each.households,
            json.dumps(each.attrs, ensure_ascii=False),
            valid,
            recorded,
            stamp.edition_id,
            each.geom_sha,
            each.change_kinds,
        )
        for each, geom, area in zip(units, wkb, areas, strict=True)
    )
    copy_rows(conn, "unit_version", VERSION_COLUMNS, rows)


def unit_ids(units: Iterable[NextUnit]) -> set[UUID]:
    return {each.unit_id for each in units}
