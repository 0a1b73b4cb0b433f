"""A city of four grids in two streets, and plans that redraw it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import Connection

from geo.editions import publish_plan
from geo.editions.standing import StandingUnit, read_standing
from geo.networks import Level, create_network, get_network
from geo.operations import Operation, SplitByLine
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.redraw import Redraw, do_operation, open_redraw
from geo.plans.steps import publish_redraw, take_step
from tests.geo.sketch import NORTH, STEP_DEG, WEST, areas

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEVELS = (Level("city", "市"), Level("street", "街道", parent="city"), Level("grid", "网格", parent="street"))
SKETCH = "AABB\nAABB\nCCDD"


def found_city(conn: Connection) -> None:
    """One city, streets 1 (A, C) and 2 (B, D), published as the first edition."""
    create_network(conn, "net", coverage="full", levels=LEVELS)
    above = {"A": "1", "C": "1", "B": "2", "D": "2"}
    grids = [
        UnitDraft("grid", letter, f"格{letter}", area, above[letter], households=100)
        for letter, area in areas(SKETCH).items()
    ]
    parents = [UnitDraft("city", "0", "市", None), *(UnitDraft("street", n, n, None, "0") for n in "12")]
    add_units_to_plan(conn, "net", [*parents, *grids])
    publish_plan(conn, "net", by="test", now=FOUNDED)


def standing(conn: Connection) -> dict[str, StandingUnit]:
    return {each.code: each for each in read_standing(conn, get_network(conn, "net")).values()}


def ident(conn: Connection, code: str) -> UUID:
    return standing(conn)[code].unit_id


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(WEST + x * STEP_DEG, NORTH - y * STEP_DEG) for x, y in places])


def split_a(conn: Connection) -> SplitByLine:
    return SplitByLine(ident(conn, "A"), line((0.7, -1), (0.7, 3)))


def new_plan(conn: Connection, **options: Any) -> Redraw:
    return open_redraw(conn, "net", name="调整", by="planner", **options)


def do(conn: Connection, found: Redraw, operation: Operation) -> int:
    return do_operation(conn, found.id, operation, by="planner", now=NOW).seq


def approve(conn: Connection, found: Redraw) -> None:
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)


def publish(conn: Connection, found: Redraw, **options: Any) -> Any:
    approve(conn, found)
    return publish_redraw(conn, found.id, **{"by": "approver", "now": NOW} | options)
