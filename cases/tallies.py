"""How many cases are open: in all below a unit, and in each of the units right below it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from cases.flow import OPEN
from cases.tables import case, case_event, case_placement
from cases.views import find_subtree
from core.errors import NotFound
from geo.lookup import Lookup, Snapshot
from geo.networks import get_network
from geo.tables import unit_version
from people.access import Scope


@dataclass(frozen=True)
class Tally:
    """`by_unit`: open cases by the id (32 hex digits) of the unit right below that holds their place."""

    total: int
    by_unit: dict[str, int]


@dataclass(frozen=True)
class Asked:
    """`unit_code` None: the whole network, by its topmost units.

    `at` None: cases open now, by where they lay when they occurred. An instant: those that were open then, by the borders in
    force then.
    """

    network_code: str
    unit_code: str | None = None
    at: datetime | None = None


def count_open_cases(conn: Connection, lookup: Lookup, asked: Asked, seen: ColumnElement[bool]) -> Tally:
    """Open cases that are seen (a condition, see `cases.views.visible`). Cases outside every unit are in no tally."""
    if asked.at is None:
        return _count_open_now(conn, asked, seen)
    snapshot = lookup.snapshot(asked.network_code, asked.at)
    if snapshot is None:
        raise NotFound(f"the network {asked.network_code} had no borders at {asked.at.isoformat()}")
    return _count_open_then(conn, snapshot, asked, seen)


def _count_open_now(conn: Connection, asked: Asked, seen: ColumnElement[bool]) -> Tally:
    chosen = get_network(conn, asked.network_code)
    whole = asked.unit_code is None
    here = (
        Scope(whole) if asked.unit_code is None else find_subtree(conn, asked.unit_code, asked.network_code)
    )
    path = cast(unit_version.c.path, Text)
    rows = conn.execute(
        select(path, func.count())
        .join_from(case, case_placement, case_placement.c.case_id == case.c.id)
        .join(unit_version, unit_version.c.id == case_placement.c.unit_version_id)
        .where(
            case.c.state.in_(OPEN),
            case_placement.c.network_id == chosen.id,
            here.where(unit_version.c.path),
            seen,
        )
        .group_by(path)
    ).all()
    tally: Counter[str] = Counter()
    for placed, count in rows:
        tally[_unit_below(placed, here)] += count
    return _told(tally)


def _unit_below(path: str, here: Scope) -> str:
    """The id that follows the scope's root in a path; "" when the path ends with the root."""
    roots = [root for root in here.paths if path == root or path.startswith(root + ".")]
    below = path[len(max(roots, key=len)) + 1 :] if roots else path
    return below.partition(".")[0]


def _told(tally: Counter[str]) -> Tally:
    return Tally(sum(tally.values()), {unit: count for unit, count in tally.items() if unit})


def _count_open_then(conn: Connection, snapshot: Snapshot, asked: Asked, seen: ColumnElement[bool]) -> Tally:
    newest = (
        select(case_event.c.state)
        .where(case_event.c.case_id == case.c.id, case_event.c.at <= asked.at)
        .order_by(case_event.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(func.ST_X(case.c.point), func.ST_Y(case.c.point)).where(
        case.c.point.is_not(None), case.c.occurred_at <= asked.at, newest.in_(OPEN), seen
    )
    places = np.array([tuple(row) for row in conn.execute(query)], np.float64).reshape(-1, 2)
    found = snapshot.place_many(*np.ascontiguousarray(places.T))
    here = None if asked.unit_code is None else _rows_with(snapshot, asked.unit_code)
    tally: Counter[str] = Counter()
    for row, count in Counter(found.row.tolist()).items():
        below = _unit_over(snapshot, row, here) if row >= 0 else None
        if below is not None:
            tally[below] += count
    return _told(tally)


def _rows_with(snapshot: Snapshot, code: str) -> set[int]:
    found = set(np.flatnonzero(snapshot.units.code == code).tolist())
    if not found:
        raise NotFound(f"the network {snapshot.network.code} had no unit {code} then")
    return found


def _unit_over(snapshot: Snapshot, row: int, here: set[int] | None) -> str | None:
    """As `_unit_below`, by rows of the snapshot (None for `here`: everywhere); None for a row that does not lie here."""
    below = ""
    while row >= 0:
        if here is not None and row in here:
            return below
        below = str(snapshot.units.unit_id[row].hex)
        row = int(snapshot.units.parent_row[row])
    return below if here is None else None
