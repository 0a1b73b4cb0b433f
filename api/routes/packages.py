"""/v1/plans/{id}/file: a plan as a GeoPackage for desktop programs, and what such a file has different when it comes back."""

from typing import Annotated, Any

import orjson
import shapely
from fastapi import APIRouter, Body
from fastapi.responses import Response

from api.callers import CallerDep, Conn, require
from api.routes.drawings import answers
from api.routes.plans import PlanId
from geo.plans.packages.offering import Offered, compare_package
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
    }
