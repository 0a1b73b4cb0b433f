"""A ground for placement tests: editions written straight into the tables, so that any ground can be had."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import Connection, func, insert, select, update

from geo.tables import edition, network, unit, unit_version

EVER = "(,)"


@dataclass(frozen=True)
class Drawn:
    """A unit to be: its border in lon/lat, its parent by code."""

    code: str
    geom: shapely.Geometry
    level: str = "grid"
    parent: str | None = None
    kind: str = "territorial"


def make_network(
    conn: Connection,
    code: str,
    levels: Sequence[str | tuple[str, str | None]] = ("grid",),
    coverage: str = "full",
) -> int:
    """A network; levels stand one above the other, or name their parent: (level, parent)."""
    tree, above = [], None
    for level in levels:
        name, parent = (level, above) if isinstance(level, str) else level
        tree.append({"code": name, "name": name, "name_en": name, "parent": parent, "origin": "drawn"})
        above = name
    values = {"code": code, "name": code, "coverage": coverage, "levels": tree, "rules": {}}
    return conn.execute(insert(network).values(values).returning(network.c.id)).scalar_one()


def publish(
    conn: Connection, code: str, units: Sequence[Drawn], effective_from: datetime | None = None
) -> int:
    """A new edition that replaces all units of the one before; returns its id."""
    network_id = conn.execute(select(network.c.id).where(network.c.code == code)).scalar_one()
    edition_id = _edition(conn, network_id, effective_from)
    open_ended = (unit_version.c.network_id == network_id) & func.upper_inf(unit_version.c.valid)
    if effective_from is not None:
        closed = func.tstzrange(func.lower(unit_version.c.valid), effective_from)
        conn.execute(update(unit_version).where(open_ended).values(valid=closed))
    ids = {each.code: uuid.uuid4() for each in units}
    valid = func.tstzrange(effective_from, None)
    conn.execute(insert(unit), [_unit(ids[each.code], network_id, edition_id, each) for each in units])
    for start in range(0, len(units), 500):
        rows = [
            _version(ids, network_id, edition_id, each) | {"valid": valid}
            for each in units[start : start + 500]
        ]
        conn.execute(insert(unit_version).values(rows))
    return edition_id


def _edition(conn: Connection, network_id: int, effective_from: datetime | None) -> int:
    seq = conn.execute(select(func.count()).where(edition.c.network_id == network_id)).scalar_one() + 1
    values: dict[str, Any] = {
        "network_id": network_id,
        "seq": seq,
        "effective_from": effective_from,
        "published_by": "test",
        "published_at": func.now(),
        "sha256": b"",
        "counts": {},
    }
    return conn.execute(insert(edition).values(values).returning(edition.c.id)).scalar_one()


def _unit(unit_id: uuid.UUID, network_id: int, edition_id: int, each: Drawn) -> dict[str, Any]:
    return {
        "id": unit_id,
        "network_id": network_id,
        "level": each.level,
        "kind": each.kind,
        "origin": "drawn",
        "born_edition_id": edition_id,
    }


def _version(ids: dict[str, uuid.UUID], network_id: int, edition_id: int, each: Drawn) -> dict[str, Any]:
    parts = shapely.get_parts(each.geom)
    return {
        "unit_id": ids[each.code],
        "network_id": network_id,
        "level": each.level,
        "parent_unit_id": ids.get(each.parent) if each.parent else None,
        "path": ids[each.code].hex,
        "code": each.code,
        "name": f"unit {each.code}",
        "geom": f"SRID=4326;{shapely.to_wkt(shapely.MultiPolygon(list(parts)), rounding_precision=-1)}",
        "area_m2": 1.0,
        "edition_id": edition_id,
        "geom_sha": b"",
    }
