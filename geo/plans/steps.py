"""A plan's way: checked, submitted, approved or sent back by somebody else, published or withdrawn; each step is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from core.errors import Conflict, Invalid, Refused, told
from geo.editions import FindingsRefused, Published, publish_units
from geo.editions import When as PublishWhen
from geo.editions.changes import read_past
from geo.findings import errors_of
from geo.networks import get_network
from geo.plans.drafts import read_outcome, redrawn_units, units_of
from geo.plans.redraw import EDITABLE, OPEN, Redraw, get_redraw, refuse_old_base
from geo.plans.working import read_changes
from geo.tables import plan, plan_op, plan_step
from geo.validation import Checked, Surroundings, check_units


@dataclass(frozen=True)
class Step:
    """A step leads from some states to one. `role`: planner or approver; `needs_comment`: why must be said."""

    sources: tuple[str, ...]
    target: str
    role: str
    needs_comment: bool = False


STEPS: Final = {
    "check": Step(EDITABLE, "checked", "planner"),
    "submit": Step(("checked",), "submitted", "planner"),
    "approve": Step(("submitted",), "approved", "approver"),
    "send_back": Step(("submitted", "approved"), "returned", "approver", needs_comment=True),
    "withdraw": Step(OPEN, "withdrawn", "planner"),
    "publish": Step(("approved",), "published", "approver"),
}
"""Who may take a step where is the door's business; that nobody approves their own is decided here."""


@dataclass(frozen=True)
class Taken:
    """One step of a plan's way. `state`: after it."""

    seq: int
    step: str
    state: str
    by: str
    at: datetime
    comment: str


def check_redraw(conn: Connection, found: Redraw, around: Surroundings | None = None) -> Checked:
    """Judge the whole network as the plan would leave it."""
    return check_units(found.network, read_outcome(conn, found), around=around or Surroundings())


def take_step(
    conn: Connection, plan_id: int, step: str, *, by: str, now: datetime, comment: str = ""
) -> Redraw:
    """Take a step other than publish; the plan as it is then.

    FindingsRefused where a check finds errors; Conflict for a step that does not lead on from the plan's state.
    """
    found = get_redraw(conn, plan_id, lock=True)
    rule = _rule(found, step)
    if step == "publish":
        raise Invalid(told("a plan is published with the instant from which it holds"))
    if rule.needs_comment and not comment.strip():
        raise Invalid(told("say what is to be changed: the planner reads it"))
    if step in ("check", "submit"):
        refuse_old_base(conn, found)
    if step == "check":
        checked = check_redraw(conn, found)
        if errors_of(checked.findings):
            errors = len(errors_of(checked.findings))
            raise FindingsRefused(
                told("plan {plan_id} has {errors} errors and stays a draft", plan_id=plan_id, errors=errors),
                checked.findings,
            )
    if step == "approve":
        _refuse_own(conn, found, by)
    return keep_step(conn, plan_id, Taken(0, step, rule.target, by, now, comment))


def publish_redraw(
    conn: Connection,
    plan_id: int,
    *,
    by: str,
    now: datetime,
    effective_from: datetime | None = None,
    reason: str | None = None,
) -> Published:
    """Make an approved plan the network's newest edition from an instant on (None: now); in the past with a reason.

    One transaction; of two at once the second is a Conflict and is rebased. A future instant needs nothing more: every
    question is answered with the edition that holds at its instant.
    """
    network = get_redraw(conn, plan_id).network
    get_network(conn, network.code, lock=True)
    found = get_redraw(conn, plan_id, lock=True)
    _rule(found, "publish")
    refuse_old_base(conn, found)
    if effective_from is not None and effective_from < now and not (reason or "").strip():
        raise Invalid(told("give the reason why the borders hold from an instant in the past"))
    past = read_past(conn, network)
    drafts = redrawn_units(network, units_of(past.standing.values()), read_changes(conn, found))
    published = publish_units(conn, found, drafts, past=past, when=PublishWhen(effective_from, now, by))
    if reason:
        conn.execute(update(plan).where(plan.c.id == plan_id).values(reason=reason.strip()))
    state = get_redraw(conn, plan_id).state
    keep_step(conn, plan_id, Taken(0, "publish", state, by, now, reason or ""))
    return published


def list_steps(conn: Connection, plan_id: int) -> list[Taken]:
    """The plan's way so far, the first step first."""
    query = select(plan_step).where(plan_step.c.plan_id == plan_id).order_by(plan_step.c.seq)
    return [Taken(row.seq, row.step, row.state, row.by, row.at, row.comment) for row in conn.execute(query)]


def possible_steps(found: Redraw) -> Sequence[str]:
    return [name for name, rule in STEPS.items() if found.state in rule.sources]


def _rule(found: Redraw, step: str) -> Step:
    rule = STEPS.get(step)
    if rule is None:
        raise Invalid(
            told("there is no step “{step}”; there are: {steps}", step=step, steps=", ".join(STEPS))
        )
    if found.state not in rule.sources:
        there = ", ".join(possible_steps(found)) or "none"
        raise Conflict(
            told(
                "plan {id} is {state}: {step} does not lead on from there; possible: {there}",
                id=found.id,
                state=found.state,
                step=step,
                there=there,
            )
        )
    return rule


def _refuse_own(conn: Connection, found: Redraw, by: str) -> None:
    """Who opened the plan or did one of its operations does not approve it."""
    drew = set(conn.scalars(select(plan_op.c.by).where(plan_op.c.plan_id == found.id, ~plan_op.c.undone)))
    if by == found.author or by in drew:
        raise Refused(told("nobody approves a plan of their own: ask another approver"))


def keep_step(conn: Connection, plan_id: int, taken: Taken) -> Redraw:
    """Bring the plan into the step's state and write the step down, under the next number; the plan as it is then."""
    conn.execute(update(plan).where(plan.c.id == plan_id).values(state=taken.state))
    last = conn.scalar(select(func.max(plan_step.c.seq)).where(plan_step.c.plan_id == plan_id))
    values = {"plan_id": plan_id, "seq": (last or 0) + 1, "step": taken.step, "state": taken.state}
    conn.execute(insert(plan_step).values(**values, by=taken.by, at=taken.at, comment=taken.comment.strip()))
    return get_redraw(conn, plan_id)
