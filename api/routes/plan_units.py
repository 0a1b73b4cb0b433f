"""GET /v1/plans/{id}/units: the units of a plan's ground as a list, found by code or name wherever the map looks."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import CallerDep, Conn, require
from api.routes.plans import PlanId
from geo.plans.scene.listing import Listed, Sought, list_plan_units
from people.access import MAY_SEE_PLANS
from people.planning import find_plan

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])


class PlanUnitOut(BaseModel):
    unit_id: str
    level: str
    code: str
    name: str
    kind: Literal["territorial", "dedicated"]
    parent_id: str | None
    lowest: bool = Field(
        description="false: it stands above others, and its border and figures are theirs together"
    )
    change: Literal["kept", "noded", "changed", "born"]
    editable: bool
    households: int | None
    area_m2: float | None
    bbox: tuple[float, float, float, float] | None = Field(description="west, south, east, north")


class PlanUnitsOut(BaseModel):
    units: list[PlanUnitOut]
    total: int = Field(description="of all that were asked for")
    next: int | None = Field(description="send it as `after` for the next page; null: this was the last")


@router.get("/units", dependencies=[require(*MAY_SEE_PLANS)])
def read_plan_units(
    plan_id: PlanId,
    caller: CallerDep,
    conn: Conn,
    search: Annotated[str, Query(max_length=64, description="a part of the name or code, as the plan has them")] = "",
    which: Annotated[
        Literal["lowest", "above", "all"], Query(description="lowest: those with a border of their own")
    ] = "lowest",
    level: Annotated[str | None, Query(max_length=64, description="code of a level of the network")] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> PlanUnitsOut:  # fmt: skip
    """The units of the plan's subtree, the highest level first, by code; what is searched for and bears just this text leads."""
    found = find_plan(conn, caller, plan_id)
    listing = list_plan_units(conn, found, Sought(search, which, level), after=after, limit=limit)
    end = after + len(listing.units)
    units = [_unit(each) for each in listing.units]
    return PlanUnitsOut(units=units, total=listing.total, next=end if end < listing.total else None)


def _unit(each: Listed) -> PlanUnitOut:
    unit = each.unit
    return PlanUnitOut(
        unit_id=str(unit.id),
        level=unit.level,
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        parent_id=None if unit.parent is None else str(unit.parent),
        lowest=each.lowest,
        change=each.change,
        editable=each.editable,
        households=unit.households,
        area_m2=None if each.area_m2 is None else round(each.area_m2, 1),
        bbox=each.bbox,
    )
