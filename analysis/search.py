"""Finding people, units and cases by name, code or number, each only where the caller may see them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, RowMapping

from cases.views import find_case, visible
from core.db import plan_for_values, sql_file
from core.errors import NotFound
from geo.units import Bbox
from people.access import GRANT_ROLES, MAY_SEE_MOVEMENT, MAY_SEE_PEOPLE, Caller, Scope, visible_units
from tracking.live import Dot, dots_of

_CASE_NUMBER: Final = re.compile(r"c?([0-9]{1,18})")


@dataclass(frozen=True)
class Hit:
    """Something found. `code` of a case is its number; `detail` a person's role and unit, a unit's level, a case's state.

    `lon`, `lat`: of a person on shift whose movement the caller may see, a point of a unit, where a case lies; else None.
    """

    kind: Literal["person", "unit", "case"]
    code: str
    name: str
    detail: str | None
    network: str | None = None
    lon: float | None = None
    lat: float | None = None
    bbox: Bbox | None = None


def search(
    conn: Connection, caller: Caller, text: str, *, limit: int, now: datetime, at: datetime | None = None
) -> list[Hit]:
    """A case by its number first, then people, then units whose name or code holds the text; at most `limit` of all.

    People where the caller may see people (and oneself), units within the ground of any of the caller's grants,
    by the names and codes of the instant `at` (None: of now).
    """
    wanted = text.strip().lower()
    if not wanted:
        return []
    asked = {
        "text": wanted,
        "own_person": caller.person_id or -1,
        "people_paths": _paths(visible_units(conn, caller, MAY_SEE_PEOPLE)),
        "unit_paths": _paths(visible_units(conn, caller, GRANT_ROLES)),
        "limit": limit,
        "now": now,
        "at": at or now,
    }
    plan_for_values(conn)
    rows = conn.execute(sql_file("analysis", "search"), asked).mappings().all()
    dots = dots_of(conn, [row["person_id"] for row in rows if row["person_id"] is not None], now)
    movement = visible_units(conn, caller, MAY_SEE_MOVEMENT)
    found = [_hit(row, dots, caller, movement) for row in rows]
    return [*_find_numbered(conn, caller, wanted), *found][:limit]


def _paths(scope: Scope) -> list[str] | None:
    return None if scope.everywhere else list(scope.paths)


def _hit(row: RowMapping, dots: Mapping[int, Dot], caller: Caller, movement: Scope) -> Hit:
    bbox = None if row["bbox"] is None else tuple(row["bbox"])
    hit = Hit(
        row["kind"], row["code"], row["name"], row["detail"], row["network"], row["lon"], row["lat"], bbox
    )
    dot = dots.get(row["person_id"] or -1)
    if dot is None:
        return hit
    standing = dot.standing
    detail = " ".join(word for word in (standing.role_name, standing.unit_name) if word) or None
    may_see = (
        dot.person_id == caller.person_id or movement.everywhere or any(map(movement.holds, standing.paths))
    )
    if dot.position is None or not may_see:
        return replace(hit, detail=detail)
    return replace(hit, detail=detail, lon=dot.position.lon, lat=dot.position.lat)


def _find_numbered(conn: Connection, caller: Caller, wanted: str) -> list[Hit]:
    """The case of a number as people write it: C0000123, c123 or 123."""
    match = _CASE_NUMBER.fullmatch(wanted)
    if match is None:
        return []
    try:
        view = find_case(conn, f"C{int(match[1]):07d}", visible(conn, caller))
    except NotFound:
        return []
    return [Hit("case", view.number, view.category, view.state, None, view.lon, view.lat)]
