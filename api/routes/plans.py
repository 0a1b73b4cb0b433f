"""/v1/plans: redraws of a network, from opening one to its publication; who may take which step is told with each."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from analysis.handover import refuse_undecided, take_effect
from api.callers import CallerDep, Conn, Now, require
from api.errors import refusals
from core.errors import Refused, told
from geo.plans.rebase import Clash, rebase_plan
from geo.plans.redraw import (
    Redraw,
    get_redraw,
    is_outdated,
    list_operations,
    open_redraw,
    overlapping_plans,
)
from geo.plans.rollback import take_back_plan
from geo.plans.scene import read_subtree
from geo.plans.steps import STEPS, list_steps, publish_redraw, take_step
from people.access import MAY_APPROVE, MAY_PLAN, MAY_SEE_PLANS, Caller
from people.planning import (
    ROLES_OF_STEPS,
    find_own_plan,
    find_plan,
    list_plans,
    refuse_foreign_ground,
    refuse_past,
    steps_open_to,
)

router = APIRouter(prefix="/v1", tags=["plans"])

PlanId = Annotated[int, Path(ge=1, le=2**62)]
State = Literal[
    "draft", "checked", "submitted", "returned", "approved", "scheduled", "published", "withdrawn"
]
Comment = Annotated[str, Field(max_length=2000)]


class PlanIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    network: str = Field("governance", max_length=64)
    name: str = Field(min_length=1, max_length=200)
    unit_id: UUID | None = Field(None, description="the subtree that it may redraw; none: the whole network")


class StepIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: Literal["check", "submit", "approve", "send_back", "withdraw"]
    comment: Comment = ""


class PublishIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    effective_from: AwareDatetime | None = Field(
        None, description="none: now; later: the service switches by itself"
    )
    reason: Comment = Field("", description="needed for an instant in the past")


class RebaseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    skip: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(
        default_factory=list, max_length=10_000, description="numbers of operations that are left out"
    )


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class ScopeOut(BaseModel):
    unit_id: str
    level: str
    code: str
    name: str


class PlanBrief(BaseModel):
    id: int
    network: str
    name: str
    state: State
    author: str
    scope: ScopeOut | None = Field(description="null: the whole network")
    base_edition_id: int | None
    effective_from: datetime | None
    reason: str | None


class OperationOut(BaseModel):
    seq: int
    op: str
    args: dict[str, Any]
    by: str
    at: datetime
    undone: bool


class TakenOut(BaseModel):
    seq: int
    step: str
    state: State
    by: str
    at: datetime
    comment: str


class PlanOut(PlanBrief):
    may_edit: bool
    outdated: bool = Field(description="another edition followed the plan's: it is rebased before it goes on")
    steps_open: list[str] = Field(description="what this caller may do next")
    operations: list[OperationOut]
    steps: list[TakenOut]
    overlaps: list[PlanBrief] = Field(description="other open plans for the same ground")


class PlansOut(BaseModel):
    may_open: bool
    plans: list[PlanBrief]


class PublishedOut(BaseModel):
    edition_id: int
    seq: int
    effective_from: datetime | None
    sha256: str
    counts: dict[str, int]
    changes: dict[str, int]


class SaidOut(BaseModel):
    """What a text was made of, for pages in other languages."""

    template: str
    values: dict[str, str]


class ClashOut(BaseModel):
    seq: int
    op: str
    text: str
    said: SaidOut | None
    where: tuple[float, float] | None


class RebasedOut(BaseModel):
    plan: PlanBrief
    clash: ClashOut | None = Field(description="decide on it, then rebase again with its number in `skip`")
    same: bool


def describe_plan(conn: Connection, found: Redraw, now: datetime) -> PlanBrief:
    scope = read_subtree(conn, found)
    return PlanBrief(
        id=found.id,
        network=found.network.code,
        name=found.name,
        state=found.state_at(now),
        author=found.author,
        scope=None if scope is None else ScopeOut(**asdict(scope) | {"unit_id": str(scope.unit_id)}),
        base_edition_id=found.base_edition_id,
        effective_from=found.effective_from,
        reason=found.reason,
    )


def describe_whole(conn: Connection, caller: Caller, found: Redraw, now: datetime) -> PlanOut:
    log = list_operations(conn, found.id)
    drew = {each.by for each in log if not each.undone}
    open_steps = steps_open_to(conn, caller, found, drew, now)
    return PlanOut(
        **dict(describe_plan(conn, found, now)),
        may_edit="check" in open_steps,
        outdated=is_outdated(conn, found),
        steps_open=open_steps,
        operations=[OperationOut(**asdict(each)) for each in log],
        steps=[TakenOut(**asdict(each)) for each in list_steps(conn, found.id)],
        overlaps=[describe_plan(conn, each, now) for each in overlapping_plans(conn, found)],
    )


@router.get("/plans", dependencies=[require(*MAY_SEE_PLANS)])
def read_plans(
    caller: CallerDep,
    conn: Conn,
    now: Now,
    network: Annotated[str, Query(max_length=64, description="code of the network")] = "governance",
) -> PlansOut:
    """The plans of a network in the caller's ground, the newest first."""
    plans = list_plans(conn, caller, network)
    may_open = any(grant.role in MAY_PLAN for grant in caller.grants)
    return PlansOut(may_open=may_open, plans=[describe_plan(conn, each, now) for each in plans])


@router.post("/plans", dependencies=[require(*MAY_PLAN)], status_code=201)
def open_plan(wanted: PlanIn, caller: CallerDep, conn: Conn, now: Now) -> PlanOut:
    """A new plan on the network's newest edition. Its `overlaps` are a warning."""
    refuse_foreign_ground(conn, caller, wanted.unit_id)
    made = open_redraw(conn, wanted.network, name=wanted.name, by=caller.login, scope_unit_id=wanted.unit_id)
    return describe_whole(conn, caller, made, now)


@router.get("/plans/{plan_id}", dependencies=[require(*MAY_SEE_PLANS)])
def read_plan(plan_id: PlanId, caller: CallerDep, conn: Conn, now: Now) -> PlanOut:
    """A plan with its log, its way so far, and what this caller may do next."""
    return describe_whole(conn, caller, find_plan(conn, caller, plan_id), now)


@router.post("/plans/{plan_id}/steps", dependencies=[require(*MAY_SEE_PLANS)])
def take_plan_step(plan_id: PlanId, asked: StepIn, caller: CallerDep, conn: Conn, now: Now) -> PlanOut:
    """Check, submit, approve, send back or withdraw. A check that finds errors is refused with the findings."""
    find_own_plan(conn, caller, plan_id, _roles_of(asked.step))
    found = take_step(conn, plan_id, asked.step, by=caller.login, now=now, comment=asked.comment)
    return describe_whole(conn, caller, found, now)


def _roles_of(step: str) -> Collection[str]:
    return ROLES_OF_STEPS[STEPS[step].role]


@router.post("/plans/{plan_id}/publish", dependencies=[require(*MAY_APPROVE)], responses=refusals(409))
def publish_plan(plan_id: PlanId, asked: PublishIn, caller: CallerDep, conn: Conn, now: Now) -> PublishedOut:
    """Make an approved plan the next edition, from now, from an instant to come, or, with a reason, from a past one.

    409 while open cases or assignments of changed units wait for a decision (`/handover`).
    """
    found = find_own_plan(conn, caller, plan_id, MAY_APPROVE)
    refuse_past(caller, asked.effective_from, now)
    if found.state == "approved":
        refuse_undecided(conn, found, now)
    published = publish_redraw(
        conn,
        plan_id,
        by=caller.login,
        now=now,
        effective_from=asked.effective_from,
        reason=asked.reason or None,
    )
    take_effect(conn, now)
    return PublishedOut(**{name: getattr(published, name) for name in PublishedOut.model_fields})


@router.post("/plans/{plan_id}/rebase", dependencies=[require(*MAY_PLAN)])
def rebase(plan_id: PlanId, asked: RebaseIn, caller: CallerDep, conn: Conn, now: Now) -> RebasedOut:
    """Draw the plan again on the newest edition; the first operation that clashes is told and nothing is changed."""
    find_own_plan(conn, caller, plan_id)
    rebased = rebase_plan(conn, plan_id, by=caller.login, now=now, skip=asked.skip)
    clash = rebased.clash
    return RebasedOut(
        plan=describe_plan(conn, rebased.plan, now),
        clash=None if clash is None else _clash(clash),
        same=rebased.same,
    )


def _clash(clash: Clash) -> ClashOut:
    said = None if clash.said is None else SaidOut(**clash.said.parts)
    return ClashOut(seq=clash.seq, op=clash.op, text=clash.text, said=said, where=clash.where)


@router.post("/plans/{plan_id}/take-back", dependencies=[require(*MAY_APPROVE)])
def take_back(plan_id: PlanId, asked: ReasonIn, caller: CallerDep, conn: Conn, now: Now) -> PlanOut:
    """Take back a scheduled plan before its instant: what holds now goes on, and the plan goes back to be drawn on."""
    find_own_plan(conn, caller, plan_id, MAY_APPROVE)
    if get_redraw(conn, plan_id).state_at(now) == "published":
        raise Refused(
            told(
                "plan {plan_id} is in force: open a plan that brings the edition before it back",
                plan_id=plan_id,
            )
        )
    found = take_back_plan(conn, plan_id, by=caller.login, now=now, reason=asked.reason)
    return describe_whole(conn, caller, found, now)
