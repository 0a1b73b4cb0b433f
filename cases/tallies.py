"""How many cases are open: in all below a unit, and in each of the units right below it."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from cases.flow import OPEN
from cases.tables import case, case_placement
from cases.views import find_subtree
from geo.networks import get_network
from geo.tables import unit_version
from people.access import Scope


@dataclass(frozen=True)
class Tally:
    """`by_unit`: open cases by the id (32 hex digits) of the unit right below that holds their place."""

    total: int
    by_unit: dict[str, int]


def count_open_cases(
    conn: Connection, network_code: str, unit_code: str | None, seen: ColumnElement[bool]
) -> Tally:
    """Open cases that are seen (a condition, see `cases.views.visible`) by where they lay when they occurred.

    `unit_code` None: the whole network, by its topmost units. Cases outside every unit are in no tally.
    """
    chosen = get_network(conn, network_code)
    here = Scope(everywhere=True) if unit_code is None else find_subtree(conn, unit_code, network_code)
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
    return Tally(sum(tally.values()), {unit: count for unit, count in tally.items() if unit})


def _unit_below(path: str, here: Scope) -> str:
    """The id that follows the scope's root in a path; "" when the path ends with the root."""
    roots = [root for root in here.paths if path == root or path.startswith(root + ".")]
    below = path[len(max(roots, key=len)) + 1 :] if roots else path
    return below.partition(".")[0]
