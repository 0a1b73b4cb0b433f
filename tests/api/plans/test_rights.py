"""Each step of a plan × {planner, the street's planner, another street's, approver, the street's approver, worker, no one}."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from geo import tables
from geo.tables import plan_op
from people.grants import add_grant, find_unit
from tests.api.plans.conftest import NOW, Ask, Clock, approve, open_plan, unit_id
from tests.city import code_at
from tests.people.town import make_account
from tests.planning_rights import OUTDATED, STATES, WHO, bring, may, request_of

ALLOWED = 0
"""Judged by the plan's state and by what is sent, no longer by who asks."""
SEE, DRAW, DECIDE = "see", "draw", "decide"
RIGHTS = {
    "planner": {SEE: 200, DRAW: ALLOWED, DECIDE: 403},
    "street": {SEE: 200, DRAW: ALLOWED, DECIDE: 403},
    "other": {SEE: 404, DRAW: 404, DECIDE: 404},
    "approver": {SEE: 200, DRAW: 403, DECIDE: ALLOWED},
    "streetApprover": {SEE: 200, DRAW: 403, DECIDE: ALLOWED},
    "worker": {SEE: 403, DRAW: 403, DECIDE: 403},
    None: {SEE: 401, DRAW: 401, DECIDE: 401},
}


def steps(parent: str, unit: str) -> dict[str, tuple[str, str, str, object]]:
    """What there is to do with a plan: which right it takes, method, path below the plan, body."""
    rename = {"op": "rename", "args": {"unit": unit, "name": "新名"}}
    stroke = {"parent": parent, "taker": parent, "places": [[0, 0]]}
    return {
        "open it": (SEE, "GET", "", None),
        "see it drawn": (SEE, "GET", "/drawing", None),
        "its units": (SEE, "GET", "/units", None),
        "findings": (SEE, "GET", "/findings", None),
        "affected": (SEE, "GET", "/affected", None),
        "impact": (SEE, "GET", "/impact", None),
        "blocks": (SEE, "GET", f"/blocks?parent={parent}", None),
        "handover": (SEE, "GET", "/handover", None),
        "decide on the handover": (SEE, "PUT", "/handover", {}),
        "file": (SEE, "GET", "/file", None),
        "draw": (DRAW, "POST", "/operations", rename),
        "try": (DRAW, "POST", "/trials", {"operations": [rename]}),
        "undo": (DRAW, "POST", "/undo", None),
        "redo": (DRAW, "POST", "/redo", None),
        "suggestions": (DRAW, "POST", "/suggestions", {"parent": parent, "count": 2, "time_limit_s": 0.1}),
        "painting": (DRAW, "POST", "/painting", stroke),
        "rebase": (DRAW, "POST", "/rebase", {}),
        "check": (DRAW, "POST", "/steps", {"step": "check"}),
        "submit": (DRAW, "POST", "/steps", {"step": "submit"}),
        "approve": (DECIDE, "POST", "/steps", {"step": "approve"}),
        "send back": (DECIDE, "POST", "/steps", {"step": "send_back", "comment": "x"}),
        "publish": (DECIDE, "POST", "/publish", {}),
        "take back": (DECIDE, "POST", "/take-back", {"reason": "x"}),
        "withdraw": (DRAW, "POST", "/steps", {"step": "withdraw"}),
    }


@pytest.mark.parametrize("login", RIGHTS)
def test_each_step_is_open_to_whom_it_is_meant_for(ask: Ask, login: str | None) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "street"))
    got, meant = {}, {}
    for name, (right, method, path, body) in steps(
        unit_id(ask, 0, 0, "community"), unit_id(ask, 1, 1)
    ).items():
        status = ask(login, method, f"/v1/plans/{plan}{path}", body)["status"]
        wanted = RIGHTS[login][right]
        if login == "other" and path in ("/publish", "/take-back"):
            wanted = 403  # for approvers alone, whoever's plan it is
        got[name] = ALLOWED if wanted == ALLOWED and status not in (401, 403, 404) else status
        meant[name] = wanted
    assert got == meant
    listed = ask(login, "GET", "/v1/plans")
    assert bool(listed["ok"] and listed["plans"]) == (RIGHTS[login][SEE] == 200)
    opened = ask(login, "POST", "/v1/plans", {"name": "x", "unit_id": unit_id(ask, 0, 0, "street")})
    assert opened["status"] == {DRAW: 201}.get(DRAW if RIGHTS[login][DRAW] == ALLOWED else "", 401 if login is None else 403)  # fmt: skip


LATER = (NOW + timedelta(days=1)).isoformat()


def test_each_step_leads_on_from_its_states_alone_for_those_whose_it_is(ask: Ask, engine: Engine) -> None:
    """Whom the door turns away it does in every state, as above."""
    street, unit = unit_id(ask, 0, 0, "street"), unit_id(ask, 1, 1)
    steps = set().union(*(each for allowed in STATES.values() for each in allowed.values()))
    for state, allowed in STATES.items():
        plan = bring(ask, state, street, unit, LATER)
        for login, role in WHO.items():
            mine = may(login, allowed)
            told = ask(login, "GET", f"/v1/plans/{plan}")
            assert set(told.get("steps_open", ())) == mine - {"draw"}
            assert told.get("may_edit", False) == ("draw" in mine)
            for step in sorted(steps) if role else ():
                path, body = request_of(step, LATER)
                status = ask(login, "POST", f"/v1/plans/{plan}{path}", body)["status"]
                assert (status == 200) if step in mine else (status in (403, 409)), (state, login, step)
                if step in mine and state != "scheduled":
                    put_back(ask, engine, plan, state)


def put_back(ask: Ask, engine: Engine, plan: int, state: str) -> None:
    """As the plan was before the step."""
    if ask("planner", "GET", f"/v1/plans/{plan}")["state"] == "scheduled":
        ask("approver", "POST", f"/v1/plans/{plan}/take-back", {"reason": "x"})
    with engine.begin() as conn:
        conn.execute(update(plan_op).where(plan_op.c.plan_id == plan).values(undone=False))
        conn.execute(update(tables.plan).where(tables.plan.c.id == plan).values(state=state))


def test_once_another_edition_has_followed_a_plan_is_drawn_again_before_it_goes_on(ask: Ask) -> None:
    street, unit, other = unit_id(ask, 0, 0, "street"), unit_id(ask, 1, 1), unit_id(ask, 2, 2)
    plans = {state: bring(ask, state, street, unit, LATER) for state in OUTDATED}
    bring(ask, "scheduled", street, other, LATER)
    for state, plan in plans.items():
        for login in ("planner", "approver"):
            mine = may(login, OUTDATED[state])
            told = ask(login, "GET", f"/v1/plans/{plan}")
            assert (set(told["steps_open"]), told["may_edit"], told["outdated"]) == (mine, False, True)
        rebased = ask("planner", "POST", f"/v1/plans/{plan}/rebase", {})
        assert (rebased["clash"], rebased["plan"]["state"]) == (None, state)
        told = ask("planner", "GET", f"/v1/plans/{plan}")
        assert set(told["steps_open"]) == may("planner", STATES[state]) - {"draw"}


def test_a_unit_that_moved_to_another_street_is_planned_from_there_alone(ask: Ask) -> None:
    moved, street = unit_id(ask, 3, 3, "community"), unit_id(ask, 4, 4, "street")
    before = open_plan(ask, "street", unit_id=moved)
    plan = open_plan(ask)
    reparent = {"op": "reparent", "args": {"units": [moved], "parent": street}}
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", reparent)["ok"]
    approve(ask, plan)
    published = ask("approver", "POST", f"/v1/plans/{plan}/publish", {})
    assert published["ok"], published
    opened = {
        login: ask(login, "POST", "/v1/plans", {"name": "x", "unit_id": moved})["status"]
        for login in ("street", "other")
    }
    assert opened == {"street": 403, "other": 201}
    assert [ask(login, "GET", f"/v1/plans/{before}")["status"] for login in opened] == [404, 200]


def test_figures_of_a_unit_that_moved_are_for_whoever_leads_it_when_the_period_ends(
    ask: Ask, engine: Engine, clock: Clock
) -> None:
    with engine.begin() as conn:
        for login, code in (("lead1", "310101"), ("lead2", "310202")):
            unit = find_unit(conn, code, NOW)
            add_grant(conn, make_account(conn, login), "supervisor", unit_id=unit, now=NOW)
    code, street = code_at(3, 3, "community"), unit_id(ask, 4, 4, "street")
    plan = open_plan(ask)
    reparent = {"op": "reparent", "args": {"units": [unit_id(ask, 3, 3, "community")], "parent": street}}
    assert ask("planner", "POST", f"/v1/plans/{plan}/operations", reparent)["ok"]
    approve(ask, plan)
    assert ask("approver", "POST", f"/v1/plans/{plan}/publish", {})["ok"]
    clock.now = NOW + timedelta(days=10)
    before = f"&at={(NOW - timedelta(days=1)).isoformat().replace('+00:00', 'Z')}"
    then, later = (f"from=2026-05-20&to={day}" for day in ("2026-05-25", "2026-06-05"))
    for period, at, told in (
        (then, before, [200, 403]),
        (later, before, [403, 200]),
        (then, "", [403, 200]),
        (later, "", [403, 200]),
    ):
        url = f"/v1/coverage/trend?unit={code}&{period}{at}"
        assert [ask(login, "GET", url)["status"] for login in ("lead1", "lead2")] == told, (period, at)
