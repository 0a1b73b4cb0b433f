"""/v1/plans/{id}/file: a plan as a GeoPackage for desktop programs, and what such a file has different when it comes back."""

from typing import Annotated, Any

import orjson
import shapely
from fastapi import APIRouter, Body
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, Conn, require
from api.routes.drawings import OperationIn, answers
from api.routes.plans import PlanId, SaidOut
from geo.plans.codec import read_operation
from geo.plans.packages.offering import Offered, Trial, compare_package, try_operations
from geo.plans.packages.writing import write_package
from people.access import MAY_PLAN, MAY_SEE_PLANS
from people.planning import find_own_plan, find_plan

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

GEOPACKAGE = "application/geopackage+sqlite3"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOPACKAGE: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/file", dependencies=[require(*MAY_SEE_PLANS)], response_class=Response, responses=_FILE)
def give_package(plan_id: PlanId, caller: CallerDep, conn: Conn) -> Response:
    """Layer `units` in EPSG:4326 with the units that the plan may redraw, by `unit_id`; styled for QGIS."""
    data = write_package(conn, find_plan(conn, caller, plan_id))
    named = {"Content-Disposition": f'attachment; filename="plan-{plan_id}.gpkg"'}
    return Response(data, media_type=GEOPACKAGE, headers=named)


@router.post(
    "/file", dependencies=[require(*MAY_PLAN)], response_class=Response,
    responses=answers("differences, each with the operation that takes it over", "application/json"),
)  # fmt: skip
def take_package(
    plan_id: PlanId, data: Annotated[bytes, Body(media_type=GEOPACKAGE)], caller: CallerDep, conn: Conn
) -> Response:
    """What the file has different from the plan, matched by `unit_id`; nothing is changed until one is accepted.

    `kind`: border, name, code, households, level, missing, new, repeated, overlap, unreadable, outside or locked.
    `operation` null: `why` tells what stands against taking it over. `features`: their numbers in the file, from 1.
    The first hundred are `tried`; what taking over one of the others would do is asked for as a trial.
    """
    offered = compare_package(conn, find_own_plan(conn, caller, plan_id), data)
    return Response(
        orjson.dumps({"differences": list(map(_difference, offered))}), media_type="application/json"
    )


def _difference(each: Offered) -> dict[str, Any]:
    told, operation = each.difference, each.operation
    where = None if told.where is None else shapely.to_geojson(told.where)
    return {
        "unit_id": None if told.unit is None else str(told.unit),
        "code": each.code,
        "kind": told.kind,
        "features": told.features,
        "before": told.before,
        "after": told.after,
        "where": None if where is None else orjson.Fragment(where),
        "area_m2": None if told.area_m2 is None else round(told.area_m2, 2),
        "why": None if told.why is None else {"text": told.why, "said": told.why.parts},
        "operation": None if operation is None else {"op": operation[0], "args": operation[1]},
        "tried": each.tried,
    }


class TrialsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operations: list[OperationIn] = Field(min_length=1, max_length=100)


class WhyOut(BaseModel):
    text: str
    said: SaidOut


class TrialOut(BaseModel):
    changes: bool = Field(description="false: refused, or the plan has all of it already")
    born: list[str] = Field(description="codes of the units that it would bear")
    why: WhyOut | None = Field(description="why it would be refused; null: it would not be")
    where: tuple[float, float] | None


class TrialsOut(BaseModel):
    trials: list[TrialOut]


@router.post("/trials", dependencies=[require(*MAY_PLAN)])
def try_out(plan_id: PlanId, asked: TrialsIn, caller: CallerDep, conn: Conn) -> TrialsOut:
    """What each operation would do to the plan as it is, in the order asked for; nothing is changed."""
    found = find_own_plan(conn, caller, plan_id)
    trials = try_operations(conn, found, [read_operation(each.op, each.args) for each in asked.operations])
    return TrialsOut(trials=list(map(_trial, trials)))


def _trial(each: Trial) -> TrialOut:
    why = None if each.why is None else WhyOut(text=each.why, said=SaidOut(**each.why.parts))
    return TrialOut(changes=each.changes, born=list(each.born), why=why, where=each.where)
