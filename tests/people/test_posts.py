"""Where people serve once a plan is in force: what was decided, for each time of their service, whoever else moves."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, select

from geo.tables import network, plan
from people.persons import Post, add_person, assign
from people.planning.posts import move_posts
from people.tables import assignment, person, post_decision
from tests.people.town import EVER, NOW, Town
from tests.plans import statements_of

DAY = timedelta(days=1)
Spans = list[tuple[str, datetime, datetime | None]]


@pytest.fixture
def plan_id(conn: Connection, town: Town) -> int:
    network_id = conn.scalar(select(network.c.id).where(network.c.code == "governance"))
    made = insert(plan).values(network_id=network_id, kind="redraw", state="published").returning(plan.c.id)
    return int(conn.execute(made).scalar_one())


def serves(conn: Connection, code: str, unit_id: UUID, since: datetime, until: datetime | None = None) -> int:
    """The assignment's number; the person is new if there is none of this code."""
    known = conn.scalar(select(person.c.id).where(person.c.code == code))
    person_id = known or add_person(conn, code, code)
    assign(conn, person_id, Post(unit_id, "grid_worker", since, until))
    newest = select(assignment.c.id).where(assignment.c.person_id == person_id)
    return int(conn.scalars(newest.order_by(assignment.c.id.desc())).first() or 0)


def decide(conn: Connection, plan_id: int, wanted: dict[int, list[UUID]]) -> None:
    rows = [{"assignment_id": post, "unit_ids": units} for post, units in wanted.items()]
    conn.execute(insert(post_decision).values(plan_id=plan_id, by="approver", at=NOW), rows)


def service(conn: Connection, town: Town, code: str) -> Spans:
    names = {unit_id: name for name, unit_id in town.units.items()}
    query = select(assignment).join(person).where(person.c.code == code)
    rows = [(names[row.unit_id], row.valid.lower, row.valid.upper) for row in conn.execute(query)]
    return sorted(rows, key=lambda row: row[:2])


def test_each_serves_where_it_was_decided(conn: Connection, town: Town, plan_id: int) -> None:
    one, two, street = (town.units[code] for code in ("G1", "G2", "S1"))
    moves = serves(conn, "moves", one, EVER)
    both = serves(conn, "both", one, EVER, NOW + 9 * DAY)
    stays = serves(conn, "stays", one, EVER)
    ends = serves(conn, "ends", one, EVER)
    ended = serves(conn, "ended", one, EVER, NOW - DAY)
    decide(conn, plan_id, {moves: [two], both: [one, two, street], stays: [one], ends: [], ended: [two]})
    assert move_posts(conn, plan_id, NOW, NOW + DAY) == 3
    assert service(conn, town, "moves") == [("G1", EVER, NOW), ("G2", NOW, None)]
    until = NOW + 9 * DAY
    assert service(conn, town, "both") == [("G1", EVER, until), ("G2", NOW, until), ("S1", NOW, until)]
    assert service(conn, town, "stays") == [("G1", EVER, None)]
    assert service(conn, town, "ends") == [("G1", EVER, NOW)]
    assert service(conn, town, "ended") == [("G1", EVER, NOW - DAY)]
    done = select(post_decision.c.done_at).where(post_decision.c.plan_id == plan_id).distinct()
    assert conn.scalars(done).all() == [NOW + DAY]
    assert move_posts(conn, plan_id, NOW, NOW + DAY) == 0


def test_units_that_change_their_people_in_one_role_both_have_them_afterwards(
    conn: Connection, town: Town, plan_id: int
) -> None:
    one, two = town.units["G1"], town.units["G2"]
    posts = [serves(conn, "p", one, EVER), serves(conn, "p", two, EVER, NOW + DAY)]
    decide(conn, plan_id, {posts[0]: [two], posts[1]: [one]})
    assert move_posts(conn, plan_id, NOW, NOW) == 2
    assert service(conn, town, "p") == [
        ("G1", EVER, NOW),
        ("G1", NOW, NOW + DAY),
        ("G2", EVER, NOW),
        ("G2", NOW, None),
    ]


def test_time_that_is_served_there_already_is_served_once(conn: Connection, town: Town, plan_id: int) -> None:
    one, two, street = (town.units[code] for code in ("G1", "G2", "S1"))
    posts = [serves(conn, "p", one, EVER), serves(conn, "p", street, EVER, NOW + 5 * DAY)]
    serves(conn, "p", two, NOW - DAY, NOW + DAY)
    serves(conn, "p", two, NOW + 2 * DAY, NOW + 3 * DAY)
    decide(conn, plan_id, {post: [two] for post in posts})
    assert move_posts(conn, plan_id, NOW, NOW) == 2
    there = [(since, until) for name, since, until in service(conn, town, "p") if name == "G2"]
    days = [(-1, 1), (1, 2), (2, 3)]
    assert there[:3] == [(NOW + start * DAY, NOW + end * DAY) for start, end in days]
    assert there[3:] == [(NOW + 3 * DAY, None)]


def test_many_people_take_no_more_statements_than_one(conn: Connection, town: Town, plan_id: int) -> None:
    one, two = town.units["G1"], town.units["G2"]
    decide(conn, plan_id, {serves(conn, "first", one, EVER): [two]})
    asked = len(statements_of(conn, lambda: move_posts(conn, plan_id, NOW, NOW)))
    decide(conn, plan_id, {serves(conn, f"n{n}", one, EVER): [two] for n in range(40)})
    assert len(statements_of(conn, lambda: move_posts(conn, plan_id, NOW, NOW))) == asked
    assert service(conn, town, "n39") == [("G1", EVER, NOW), ("G2", NOW, None)]
