"""What may be done with a plan in each of its states, and by whom: one table for the service's answers and the page's buttons."""

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]
"""`ask(login, method, path, body)`: the parsed answer with `status` and `ok`."""

STATES = {
    "draft": {"planner": {"draw", "check", "withdraw"}},
    "checked": {"planner": {"draw", "check", "submit", "withdraw"}},
    "submitted": {"planner": {"withdraw"}, "approver": {"approve", "send_back"}},
    "returned": {"planner": {"draw", "check", "withdraw"}},
    "approved": {"planner": {"withdraw"}, "approver": {"send_back", "publish"}},
    "withdrawn": {},
    "scheduled": {"approver": {"take_back"}},
    "published": {},
}
OUTDATED = {
    "draft": {"planner": {"rebase", "withdraw"}},
    "checked": {"planner": {"rebase", "withdraw"}},
    "submitted": {"planner": {"rebase", "withdraw"}, "approver": {"approve", "send_back"}},
    "returned": {"planner": {"rebase", "withdraw"}},
    "approved": {"planner": {"rebase", "withdraw"}, "approver": {"send_back"}},
}
"""The same once another edition has followed the plan's."""
WHO = {"planner": "planner", "other": None, "approver": "approver", "worker": None, None: None}
"""Login → role for the plan's ground; `other`: planner of another street; None: nobody is signed in."""
WAYS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "checked": ("check",),
    "submitted": ("check", "submit"),
    "returned": ("check", "submit", "send_back"),
    "approved": ("check", "submit", "approve"),
    "withdrawn": ("withdraw",),
    "scheduled": ("check", "submit", "approve", "publish"),
    "published": ("check", "submit", "approve", "publish"),
}
DECIDED_BY_OTHERS = ("approve", "send_back", "publish", "take_back")


def may(login: str | None, allowed: dict[str, set[str]]) -> set[str]:
    """What somebody may do, of what a state allows."""
    role = WHO[login]
    return set() if role is None else allowed.get(role, set())


def request_of(step: str, at: str | None = None) -> tuple[str, dict[str, Any] | None]:
    """Path below the plan, and body; to draw is to undo here. `at`: the instant of a publication."""
    own = {"publish": {"effective_from": at}, "take_back": {"reason": "x"}, "rebase": {}}
    if step == "draw":
        return "/undo", None
    if step in own:
        return f"/{step.replace('_', '-')}", own[step]
    return "/steps", {"step": step, "comment": "x"}


def bring(ask: Ask, state: str, scope: str, unit: str, at: str) -> int:
    """A plan that renames a unit, brought into the state by those whose steps they are."""
    made = ask("planner", "POST", "/v1/plans", {"name": state, "unit_id": scope})
    assert made["ok"], made
    rename = {"op": "rename", "args": {"unit": unit, "name": "新名"}}
    todo: list[tuple[str, str, object]] = [("planner", "/operations", rename)]
    for step in WAYS[state]:
        who = "approver" if step in DECIDED_BY_OTHERS else "planner"
        todo.append((who, *request_of(step, at if state == "scheduled" else None)))
    for login, path, body in todo:
        done = ask(login, "POST", f"/v1/plans/{made['id']}{path}", body)
        assert done["ok"], done
    return int(made["id"])
