"""/v1/plans/{id}/handover: open cases and assignments of the units that a plan changes, and what becomes of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from analysis.handover import Handover, Wanted, decide_handover, read_handover
from api.callers import CallerDep, Conn, Now, require
from api.errors import refusals
from api.routes.plans import PlanId
from geo.plans.redraw import Redraw
from people.access import MAY_SEE_PLANS
from people.planning import find_plan

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

MOST = 10_000


class HeirOut(BaseModel):
    unit_id: str
    code: str
    name: str


class CaseToMoveOut(BaseModel):
    number: str
    category: str
    state: str
    unit: HeirOut = Field(description="who holds it")
    choices: list[HeirOut] = Field(description="who may hold it then, the proposed one first")
    decided: str | None = Field(description="unit_id; null: nobody has confirmed yet")
    by: str | None
    done_at: datetime | None


class PostToDecideOut(BaseModel):
    assignment_id: int
    person: str
    name: str
    role: str
    unit: HeirOut
    choices: list[HeirOut]
    decided: list[str] | None = Field(description="unit_ids, none: it ends; null: nobody has decided yet")
    by: str | None
    done_at: datetime | None


class HandoverOut(BaseModel):
    undecided: int = Field(description="a plan is published when nothing is left")
    may_decide: bool
    cases: list[CaseToMoveOut]
    posts: list[PostToDecideOut]


class CaseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: str = Field(max_length=64)
    unit_id: UUID


class PostIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    assignment_id: Annotated[int, Field(ge=1, le=2**62)]
    unit_ids: list[UUID] = Field(max_length=100)


class HandoverIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cases: list[CaseIn] = Field(default_factory=list, max_length=MOST)
    posts: list[PostIn] = Field(default_factory=list, max_length=MOST)


@router.get("/handover", dependencies=[require(*MAY_SEE_PLANS)])
def read_lists(plan_id: PlanId, caller: CallerDep, conn: Conn, now: Now) -> HandoverOut:
    """Open cases that another unit would hold and assignments to units that end or lose ground, with what was decided."""
    found = find_plan(conn, caller, plan_id)
    return _told(found, read_handover(conn, found, now))


@router.put("/handover", dependencies=[require(*MAY_SEE_PLANS)], responses=refusals(409))
def decide(plan_id: PlanId, asked: HandoverIn, caller: CallerDep, conn: Conn, now: Now) -> HandoverOut:
    """Confirm some or all of the list; it holds from the plan's instant on, at once where that has come."""
    found = find_plan(conn, caller, plan_id)
    wanted = Wanted(
        {each.number: each.unit_id for each in asked.cases},
        {each.assignment_id: tuple(each.unit_ids) for each in asked.posts},
    )
    return _told(found, decide_handover(conn, found, wanted, by=caller.login, now=now))


def _told(found: Redraw, read: Handover) -> HandoverOut:
    def heir(unit_id: UUID) -> HeirOut:
        unit = read.units.get(unit_id)
        return HeirOut(
            unit_id=str(unit_id),
            code="" if unit is None else unit.code,
            name="" if unit is None else unit.name,
        )

    return HandoverOut(
        undecided=read.undecided,
        may_decide=found.state != "withdrawn",
        cases=[
            CaseToMoveOut(
                number=each.number,
                category=each.category,
                state=each.state,
                unit=heir(each.unit_id),
                choices=[heir(unit_id) for unit_id in each.choices],
                decided=None if each.decided is None else str(each.decided),
                by=each.by,
                done_at=each.done_at,
            )
            for each in read.cases
        ],
        posts=[
            PostToDecideOut(
                assignment_id=each.assignment_id,
                person=each.person,
                name=each.name,
                role=each.role,
                unit=heir(each.unit_id),
                choices=[heir(unit_id) for unit_id in each.choices],
                decided=None if each.decided is None else [str(unit_id) for unit_id in each.decided],
                by=each.by,
                done_at=each.done_at,
            )
            for each in read.posts
        ],
    )
