"""The table beside the map: the units right below one, with who is on shift there and what is open."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Text, cast, func, select

from core.db import plan_for_values, sql_file
from geo.codes import natural_key
from geo.networks import get_network
from geo.tables import unit_version
from geo.units import Bbox, get_unit
from people.access import Scope
from tracking.live.states import SILENT_S, TRANSIT_S


@dataclass(frozen=True)
class Child:
    """A unit with its live counts: people in tracked roles who serve there or below. Of those on shift `heard` were heard
    within a quarter of an hour (`silent` are the rest), and of those heard `moving` walk.
    """

    unit_id: UUID
    kind: str
    level: str
    code: str
    name: str
    bbox: Bbox
    on_shift: int
    heard: int
    moving: int
    silent: int
    open_cases: int


def count_children(
    conn: Connection, network_code: str, parent_code: str | None, scope: Scope, *, now: datetime
) -> list[Child]:
    """The units right below a unit (None: the roots of the network) that the scope holds or reaches into, counting
    only what lies in the scope; dedicated ones last, codes in natural order.
    """
    network = get_network(conn, network_code)
    parent = None if parent_code is None else get_unit(conn, parent_code, network_code=network_code, at=now)
    asked = {
        "network_id": network.id,
        "parent_id": None if parent is None else parent.id,
        "depth": 0 if parent is None else _depth(conn, parent.version_id),
        "paths": None if scope.everywhere else list(scope.paths),
        "now": now,
        "silent_s": SILENT_S,
        "transit_s": TRANSIT_S,
    }
    plan_for_values(conn)
    rows = conn.execute(sql_file("analysis", "children"), asked)
    children = [
        Child(
            unit_id=row.unit_id,
            kind=row.kind,
            level=row.level,
            code=row.code,
            name=row.name,
            bbox=tuple(row.bbox),
            on_shift=row.on_shift,
            heard=row.on_shift - row.silent,
            moving=row.moving,
            silent=row.silent,
            open_cases=row.open_cases,
        )
        for row in rows
        if scope.holds(row.path) or any(path.startswith(row.path + ".") for path in scope.paths)
    ]
    return sorted(children, key=lambda child: (child.kind == "dedicated", natural_key(child.code)))


def _depth(conn: Connection, version_id: int) -> int:
    """How many units lie above a unit's children."""
    path = cast(unit_version.c.path, Text)
    steps = func.cardinality(func.string_to_array(path, "."))
    return int(conn.execute(select(steps).where(unit_version.c.id == version_id)).scalar_one())
