"""What a plan leaves to be decided on: open cases get the holders that somebody confirmed, people serve where it was said."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, select

from analysis.handover import take_effect
from cases.events import Actor, list_events
from cases.intake import take_in_cases
from cases.reports import CaseReport
from cases.tables import case
from geo.lookup import Lookup
from people.grants import find_unit
from people.persons import Post, add_person, assign
from people.tables import assignment, person
from tests.api.plans.conftest import NOW, Ask, Clock, approve, open_plan, unit_id
from tests.city import FOUNDED, centre, code_at

REPORTS = {
    "open": {},
    "closed": {"state": "closed", "ended_at": NOW - timedelta(hours=1)},
    "street": {"level": 3},
}


@pytest.fixture
def work(engine: Engine) -> dict[str, str]:
    """Cases in the north-west micro-grid of the first grid and people there; the cases' numbers by what they are."""
    lon, lat = centre(0, 1)
    with engine.begin() as conn:
        reports = [
            CaseReport("test", ref, "noise", lon=lon, lat=lat, occurred_at=NOW - timedelta(hours=3), reported_at=NOW - timedelta(hours=3), **more)  # type: ignore[arg-type]
            for ref, more in REPORTS.items()
        ]  # fmt: skip
        taken = take_in_cases(conn, Lookup(conn), reports, actor=Actor("test", "operator"), now=NOW)
        posts = {
            "w1": (2, 0, "microgrid"),
            "w2": (0, 1, "microgrid"),
            "w3": (0, 1, "grid"),
            "w4": (7, 7, "grid"),
        }
        for code, (column, row, level) in posts.items():
            serve(conn, code, code_at(column, row, level))
    return dict(zip(REPORTS, (each.number for each in taken), strict=True))


def serve(conn: Connection, code: str, unit: str) -> None:
    assign(
        conn, add_person(conn, code, f"人{code}"), Post(find_unit(conn, unit, NOW), "grid_worker", FOUNDED)
    )


def redraw(ask: Ask) -> int:
    """(2, 0) goes into (3, 0); (0, 1) comes under the grid north of its own. Approved."""
    plan = open_plan(ask)
    pair = [unit_id(ask, column, 0) for column in (2, 3)]
    north = unit_id(ask, 0, 2, "grid")
    for op, args in (
        ("merge", {"units": pair}),
        ("reparent", {"units": [unit_id(ask, 0, 1)], "parent": north}),
    ):
        done = ask("planner", "POST", f"/v1/plans/{plan}/operations", {"op": op, "args": args})
        assert done["ok"], done
    approve(ask, plan)
    return plan


def as_proposed(read: dict[str, Any]) -> dict[str, Any]:
    return {
        "cases": [
            {"number": each["number"], "unit_id": each["choices"][0]["unit_id"]} for each in read["cases"]
        ],
        "posts": [
            {"assignment_id": each["assignment_id"], "unit_ids": [each["choices"][0]["unit_id"]]}
            for each in read["posts"]
        ],
    }


def holder(conn: Connection, number: str) -> UUID | None:
    found: UUID | None = conn.scalar(select(case.c.owner_unit_id).where(case.c.number == number))
    return found


def posts_of(conn: Connection, code: str) -> list[tuple[str, Any, Any]]:
    query = select(assignment).join(person).where(person.c.code == code).order_by(assignment.c.id)
    return [(str(row.unit_id), row.valid.lower, row.valid.upper) for row in conn.execute(query)]


def test_a_plan_is_published_once_what_follows_is_decided_and_at_its_instant_it_holds(
    ask: Ask, clock: Clock, engine: Engine, work: dict[str, str]
) -> None:
    plan = redraw(ask)
    grid, north = unit_id(ask, 0, 0, "grid"), unit_id(ask, 0, 2, "grid")
    read = ask("approver", "GET", f"/v1/plans/{plan}/handover")
    (moving,) = read["cases"]
    assert (moving["number"], moving["unit"]["unit_id"]) == (work["open"], grid)
    assert [each["unit_id"] for each in moving["choices"]] == [north, grid]
    gone, (leader,) = ([each for each in read["posts"] if each["person"] == one] for one in ("w1", "w3"))
    assert {each["person"] for each in read["posts"]} == {"w1", "w3"}
    assert [each["code"] for each in gone[0]["choices"]] == [code_at(3, 0)]
    assert [each["unit_id"] for each in leader["choices"]] == [grid, north]
    later = (clock.now + timedelta(days=1)).isoformat()
    refused = ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": later})
    assert (refused["status"], "3 open cases and assignments" in refused["detail"]) == (409, True)
    wanted = as_proposed(read)
    next(each for each in wanted["posts"] if each["assignment_id"] == leader["assignment_id"])["unit_ids"] = [grid, north]  # fmt: skip
    decided = ask("approver", "PUT", f"/v1/plans/{plan}/handover", wanted)
    assert (decided["undecided"], {each["by"] for each in decided["cases"]}) == (0, {"approver"})
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", {"effective_from": later})["ok"]
    instant = clock.now + timedelta(days=1)
    with engine.begin() as conn:
        assert take_effect(conn, clock()) == 0
        assert str(holder(conn, work["open"])) == grid
        assert take_effect(conn, instant + timedelta(minutes=5)) == 3
        assert take_effect(conn, instant + timedelta(hours=5)) == 0
        assert str(holder(conn, work["open"])) == north
        assert (str(holder(conn, work["street"])), holder(conn, work["closed"])) == (unit_id(ask, 0, 0, "street"), None)  # fmt: skip
        case_id = conn.scalar(select(case.c.id).where(case.c.number == work["open"]))
        log = list_events(conn, int(case_id or 0), work["open"])
        assert (log[-1].event.kind, log[-1].event.actor, log[-1].intact) == ("rehome", "approver", True)
        ended = next(iter(gone))["unit"]["unit_id"]
        taker = gone[0]["choices"][0]["unit_id"]
        assert posts_of(conn, "w1") == [(ended, FOUNDED, instant), (taker, instant, None)]
        assert posts_of(conn, "w3") == [(grid, FOUNDED, None), (north, instant, None)]
    clock.now = instant + timedelta(minutes=6)
    after = ask("planner", "GET", f"/v1/plans/{plan}/handover")
    assert (after["undecided"], len(after["cases"]), len(after["posts"])) == (0, 1, 2)


def test_what_is_no_choice_or_no_longer_on_the_list_is_refused(
    ask: Ask, engine: Engine, work: dict[str, str]
) -> None:
    plan = redraw(ask)
    path = f"/v1/plans/{plan}/handover"
    read = ask("planner", "GET", path)
    far = unit_id(ask, 7, 7, "grid")
    for wanted, status in (
        ({"cases": [{"number": work["open"], "unit_id": far}]}, 422),
        ({"cases": [{"number": work["closed"], "unit_id": far}]}, 409),
        ({"posts": [{"assignment_id": read["posts"][0]["assignment_id"], "unit_ids": [far]}]}, 422),
        ({"posts": [{"assignment_id": 10**9, "unit_ids": []}]}, 409),
    ):
        assert ask("planner", "PUT", path, wanted)["status"] == status
    assert ask("planner", "GET", path) == read


def test_a_case_that_somebody_gave_elsewhere_since_stays_there_and_a_withdrawn_plan_moves_nothing(
    ask: Ask, clock: Clock, engine: Engine, work: dict[str, str]
) -> None:
    plan = redraw(ask)
    path = f"/v1/plans/{plan}"
    assert ask("planner", "PUT", f"{path}/handover", as_proposed(ask("planner", "GET", f"{path}/handover")))[
        "ok"
    ]
    later = clock.now + timedelta(days=1)
    assert ask("approver", "POST", f"{path}/publish", {"effective_from": later.isoformat()})["ok"]
    street = UUID(unit_id(ask, 0, 0, "street"))
    with engine.begin() as conn:
        conn.execute(case.update().where(case.c.number == work["open"]).values(owner_unit_id=street))
    with engine.connect() as conn:
        assert take_effect(conn, later) == 1  # the one whose unit ended
        assert holder(conn, work["open"]) == street
    assert ask("approver", "POST", f"{path}/take-back", {"reason": "too early"})["ok"]
    with engine.begin() as conn:
        assert take_effect(conn, later) == 0
    assert ask("planner", "POST", f"{path}/steps", {"step": "withdraw"})["ok"]
    assert ask("planner", "GET", f"{path}/handover")["posts"] == []
