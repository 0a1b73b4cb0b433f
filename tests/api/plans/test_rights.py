"""Each step of a plan × {planner, the street's planner, another street's, approver, the street's approver, worker, no one}."""

import pytest

from tests.api.plans.conftest import Ask, open_plan, unit_id

ALLOWED = 0
"""Judged by the plan's state and by what is sent, no longer by who asks."""
SEE, DRAW, DECIDE = "see", "draw", "decide"
WHO = {
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


@pytest.mark.parametrize("login", WHO)
def test_each_step_is_open_to_whom_it_is_meant_for(ask: Ask, login: str | None) -> None:
    plan = open_plan(ask, unit_id=unit_id(ask, 0, 0, "street"))
    got, meant = {}, {}
    for name, (right, method, path, body) in steps(
        unit_id(ask, 0, 0, "community"), unit_id(ask, 1, 1)
    ).items():
        status = ask(login, method, f"/v1/plans/{plan}{path}", body)["status"]
        wanted = WHO[login][right]
        if login == "other" and path in ("/publish", "/take-back"):
            wanted = 403  # for approvers alone, whoever's plan it is
        got[name] = ALLOWED if wanted == ALLOWED and status not in (401, 403, 404) else status
        meant[name] = wanted
    assert got == meant
    listed = ask(login, "GET", "/v1/plans")
    assert bool(listed["ok"] and listed["plans"]) == (WHO[login][SEE] == 200)
    opened = ask(login, "POST", "/v1/plans", {"name": "x", "unit_id": unit_id(ask, 0, 0, "street")})
    assert opened["status"] == {DRAW: 201}.get(DRAW if WHO[login][DRAW] == ALLOWED else "", 401 if login is None else 403)  # fmt: skip
