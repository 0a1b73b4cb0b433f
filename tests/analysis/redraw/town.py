"""A town to redraw, stored: one street with four grids, doors, streets, cases, places, people, and the police's own areas."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import shapely
from sqlalchemy import Connection, func, insert, select

from cases.tables import case
from geo.editions import publish_plan
from geo.editions.standing import StandingUnit, read_standing
from geo.networks import Level, change_network, create_network, get_network
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.redraw import Redraw, open_redraw
from geo.plans.steps import publish_redraw, take_step
from geo.tables import address_point
from geo.walkable.tables import site, street
from people.tables import assignment, person, role
from tests.geo.sketch import NORTH, STEP_DEG, WEST, areas

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEVELS = (Level("city", "市"), Level("street", "街道", parent="city"), Level("grid", "网格", parent="street"))
SKETCH = "AABB\nAABB\nCCDD\nCCDD"


def found_town(conn: Connection) -> None:
    """Street 1 holds A to D, two steps wide and high each; a size rule of 40 to 120 households; A's people serve in A."""
    create_network(conn, "net", coverage="full", levels=LEVELS)
    change_network(conn, "net", rules={"size": {"grid": {"households": [40, 120]}}})
    grids = [
        UnitDraft("grid", letter, f"格{letter}", area, "1", households=100)
        for letter, area in areas(SKETCH).items()
    ]
    add_units_to_plan(
        conn, "net", [UnitDraft("city", "0", "市", None), UnitDraft("street", "1", "街", None, "0"), *grids]
    )
    publish_plan(conn, "net", by="test", now=FOUNDED)


def spot(x: float, y: float) -> str:
    """A place by steps to the right and down, as the database takes it."""
    return f"SRID=4326;{shapely.Point(WEST + x * STEP_DEG, NORTH - y * STEP_DEG).wkt}"


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(WEST + x * STEP_DEG, NORTH - y * STEP_DEG) for x, y in places])


def add_doors(conn: Connection, *doors: tuple[float, float, int]) -> None:
    rows = [
        {
            "code": f"d{number}",
            "address": "",
            "point": spot(x, y),
            "households": households,
            "residents": 2 * households,
            "source": "test",
            "as_of": FOUNDED.date(),
        }
        for number, (x, y, households) in enumerate(doors)
    ]
    conn.execute(insert(address_point), rows)


def add_streets(conn: Connection, *lines: shapely.LineString) -> None:
    since = func.daterange(FOUNDED.date(), None)
    for number, each in enumerate(lines):
        shape = f"SRID=4326;{shapely.to_wkt(shapely.MultiLineString([each]), rounding_precision=-1)}"
        row = {
            "source": "test",
            "code": str(number),
            "name": "路",
            "kind": "residential",
            "digest": str(number),
        }
        conn.execute(insert(street).values(**row, valid=since, geom=shape))


def add_site(conn: Connection, x: float, y: float) -> None:
    row = {"source": "test", "code": f"{x} {y}", "name": "库", "kind": "store", "digest": f"{x} {y}"}
    required = {"visits": 1, "days": 7, "least_s": 300}
    since = func.daterange(FOUNDED.date(), None)
    conn.execute(insert(site).values(**row, **required, valid=since, geom=spot(x, y)))


def add_case(conn: Connection, number: int, x: float, y: float, *, days_ago: int, owner: UUID | None) -> None:
    at = NOW - timedelta(days=days_ago)
    row = {
        "number": str(number),
        "channel": "t",
        "external_ref": str(number),
        "category": "x",
        "point": spot(x, y),
    }
    state = {"state": "reported" if owner else "closed", "owner_unit_id": owner, "report_digest": b""}
    conn.execute(insert(case).values(**row, **state, occurred_at=at, reported_at=at))


def add_people(conn: Connection, unit: UUID, count: int, *, tracked: bool = True) -> None:
    code = f"r{tracked}"
    if conn.scalar(select(role.c.code).where(role.c.code == code)) is None:
        conn.execute(insert(role).values(code=code, name=code, name_en=code, tracked=tracked))
    for number in range(count):
        name = f"{unit}-{tracked}-{number}"[-40:]
        who = conn.execute(insert(person).values(code=name, name=name).returning(person.c.id)).scalar_one()
        since = func.tstzrange(FOUNDED, None)
        conn.execute(insert(assignment).values(person_id=who, unit_id=unit, role=code, valid=since))


def standing(conn: Connection) -> dict[str, StandingUnit]:
    return {each.code: each for each in read_standing(conn, get_network(conn, "net")).values()}


def ident(conn: Connection, code: str) -> UUID:
    return standing(conn)[code].unit_id


def new_plan(conn: Connection) -> Redraw:
    return open_redraw(conn, "net", name="调整", by="planner")


def publish(conn: Connection, found: Redraw) -> None:
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)
    publish_redraw(conn, found.id, by="approver", now=NOW)
