"""/v1/plans/{id}/impact and /suggestions: what a plan does to people and work, and how ground could be divided."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
import shapely
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from analysis.redraw.impact import LevelImpact, measure_impact
from analysis.redraw.suggest import Alternative, Part, Wanted, suggest
from api.callers import CallerDep, Conn, Now, require
from api.routes.drawings import answers
from api.routes.plans import PlanId
from people.access import MAY_PLAN, MAY_SEE_PLANS
from people.planning import find_own_plan, find_plan

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])


class FiguresOut(BaseModel):
    """Of one unit on one side; above the lowest units, sums. Cases are of ninety days."""

    households: int | None
    residents: int
    area_m2: float
    cases: int
    open_cases: int
    places: int = Field(description="to be visited")
    streets_m: float
    compactness: float
    parts: int
    people: int = Field(description="assigned to it or below it now, in tracked roles, each counted once")
    size: str | None = Field(description="by the network's rule: fits, small, large; null: no rule")
    units: int = Field(description="right below it")


class UnitImpactOut(BaseModel):
    """`before` is null for a unit that is born, `after` for one that ends."""

    unit_id: str
    level: str
    code: str
    name: str
    before: FiguresOut | None
    after: FiguresOut | None


class BalanceOut(BaseModel):
    max_deviation: float = Field(description="of the farthest from the mean, as a share of it")
    gini: float = Field(description="0: all alike")


class EvennessOut(BaseModel):
    measure: str
    before: BalanceOut | None
    after: BalanceOut | None


class NetworkTouchedOut(BaseModel):
    network: str
    name: str
    metres: float = Field(description="of border that both had and the plan moves away")
    units: list[str]


class LoadOut(BaseModel):
    households: int
    cases: int
    area_m2: float


class SiblingOut(BaseModel):
    """`before` or `after` is null where the unit is not below these parents."""

    unit_id: str
    code: str
    name: str
    before: LoadOut | None
    after: LoadOut | None


class LevelImpactOut(BaseModel):
    """What changes unit at a level; `siblings` are all units below the same parents as those that change."""

    level: str
    households_moved: int | None = Field(description="null: nothing is known")
    residents_moved: int | None = Field(description="null: no address point is known there")
    evenness: list[EvennessOut]
    siblings: list[SiblingOut]


class ImpactOut(BaseModel):
    """`units` and `levels`: the highest level first."""

    as_of: datetime
    units: list[UnitImpactOut]
    levels: list[LevelImpactOut]
    people_moved: int = Field(description="assignments to be decided on")
    networks: list[NetworkTouchedOut]


class SuggestionsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parent: UUID
    count: int = Field(ge=2, le=200)
    by: Literal["households", "area", "cases", "workload"] = "households"
    alternatives: int = Field(4, ge=1, le=5)
    tolerance: float = Field(0.05, ge=0.001, le=0.5)
    seed: int = Field(1, ge=0, le=2**31 - 1)
    time_limit_s: Annotated[float, Field(gt=0, le=20)] = 5.0


@router.get("/impact", dependencies=[require(*MAY_SEE_PLANS)])
def read_impact(plan_id: PlanId, caller: CallerDep, conn: Conn, now: Now) -> ImpactOut:
    """Before and after, counted in the same way on both sides."""
    found = measure_impact(conn, find_plan(conn, caller, plan_id), now=now)
    return ImpactOut(
        as_of=found.as_of,
        units=[UnitImpactOut(**asdict(each) | {"unit_id": str(each.unit_id)}) for each in found.units],
        levels=[_level(each) for each in found.levels],
        people_moved=found.people_moved,
        networks=[
            NetworkTouchedOut(
                network=each.network, name=each.name, metres=each.metres, units=list(each.units)
            )
            for each in found.networks
        ],
    )


def _level(each: LevelImpact) -> LevelImpactOut:
    siblings = [asdict(unit) | {"unit_id": str(unit.unit_id)} for unit in each.siblings]
    return LevelImpactOut(**asdict(each) | {"siblings": siblings})


@router.post(
    "/suggestions", dependencies=[require(*MAY_PLAN)], response_class=Response,
    responses=answers("alternatives, each with its parts and the operation that adopts it", "application/json"),
)  # fmt: skip
def read_suggestions(
    plan_id: PlanId, asked: SuggestionsIn, caller: CallerDep, conn: Conn, now: Now
) -> Response:
    """Even divisions of a parent's ground that follow streets and change little; nothing is changed by asking."""
    found = suggest(conn, find_own_plan(conn, caller, plan_id), Wanted(**asked.model_dump()), now=now)
    told = {
        "alternatives": [_alternative(each) for each in found.alternatives],
        "unmet": [
            {"code": each.code, "alternative": each.alternative, "text": each.text, "said": each.text.parts}
            for each in found.unmet
        ],
        "blocks": len(found.blocks.shapes),
        "seconds": found.seconds,
    }
    return Response(orjson.dumps(told), media_type="application/json")


def _alternative(each: Alternative) -> dict[str, Any]:
    op, args = each.operation
    return {
        "name": each.name,
        "balance": asdict(each.balance),
        "inner_borders_m": each.inner_borders_m,
        "on_streets": each.on_streets,
        "households_moved": each.households_moved,
        "households_moved_share": each.households_moved_share,
        "parts": {"type": "FeatureCollection", "features": [_part(part) for part in each.parts]},
        "operation": {"op": op, "args": args},
    }


def _part(part: Part) -> dict[str, Any]:
    named = ("load", "households", "residents", "cases", "area_m2", "compactness", "is_whole")
    return {
        "type": "Feature",
        "geometry": orjson.Fragment(shapely.to_geojson(part.border) or "null"),
        "properties": {name: getattr(part, name) for name in named}
        | {"unit": None if part.unit is None else str(part.unit)},
    }
