"""/v1/plans/{id}/file: a plan as a GeoPackage for desktop programs, and what such a file has different when it comes back."""

from typing import Annotated, Any

import orjson
import shapely
from fastapi import APIRouter, Body
from fastapi.responses import Response

from api.callers import CallerDep, Conn, require
from api.routes.drawings import answers
from api.routes.plans import PlanId
from geo.plans.package import Offered, compare_package, write_package
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
    """What the file has different from the plan, matched by `unit_id`; nothing is changed until one is accepted."""
    offered = compare_package(conn, find_own_plan(conn, caller, plan_id), data)
    told = {"differences": [_difference(each) for each in offered]}
    return Response(orjson.dumps(told), media_type="application/json")


def _difference(each: Offered) -> dict[str, Any]:
    told, operation = each.difference, each.operation
    where = None if told.where is None else shapely.to_geojson(told.where)
    return {
        "unit_id": str(told.unit),
        "kind": told.kind,
        "before": told.before,
        "after": told.after,
        "where": None if where is None else orjson.Fragment(where),
        "operation": None if operation is None else {"op": operation[0], "args": operation[1]},
    }
