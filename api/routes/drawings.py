"""/v1/plans/{id}/…: a plan's ground as a map draws it, operations on it, what is wrong with it and what it does."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from analysis.redraw.cases import with_cases
from api.callers import CallerDep, Conn, Now, require
from api.routes.plans import PlanId
from core.errors import Invalid, told
from geo.findings import Finding, findings_geojson
from geo.operations.effects import Measures
from geo.plans.codec import read_operation
from geo.plans.effects import Affected, list_affected
from geo.plans.redraw import Done, Redraw, do_operation, redo_operation, undo_operation
from geo.plans.scene import Bbox, Scene, Seen, extent_of, measure_scene, read_scene, read_seen
from geo.plans.steps import check_redraw
from people.access import MAY_PLAN, MAY_SEE_PLANS
from people.planning import find_own_plan, find_plan, read_surroundings

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

GEOJSON = "application/geo+json"
_COLLECTION = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}


def answers(description: str, media_type: str = GEOJSON) -> dict[int | str, dict[str, Any]]:
    """A GeoJSON answer that is written as it is read."""
    schema = _COLLECTION if media_type == GEOJSON else {"type": "object"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


class OperationIn(BaseModel):
    """`args` as the operation of that name has them; geometries are GeoJSON, lon before lat, WGS-84."""

    model_config = ConfigDict(extra="forbid")

    op: str = Field(max_length=40, description="split_by_line, merge, shift_border, …")
    args: dict[str, Any]


class FindingsOut(BaseModel):
    type: str = "FeatureCollection"
    features: list[dict[str, Any]]
    errors: int
    warnings: int


class MeasuresOut(BaseModel):
    """Of one unit. `compactness`: 4π·area/perimeter², 1 for a circle."""

    area_m2: float
    perimeter_m: float
    compactness: float
    parts: int
    households: int | None


class HeirOut(BaseModel):
    unit_id: str
    code: str
    name: str
    area_share: float
    households_share: float


class AffectedOut(BaseModel):
    """A unit that the plan changes; `was` or `will_be` is null where it is born or ends."""

    unit_id: str
    level: str
    code: str
    name: str
    was_code: str | None
    was_name: str | None
    was: MeasuresOut | None
    will_be: MeasuresOut | None
    heirs: list[HeirOut] = Field(description="who has its ground afterwards")


class AffectedListOut(BaseModel):
    units: list[AffectedOut]


@router.get(
    "/drawing", dependencies=[require(*MAY_SEE_PLANS)], response_class=Response,
    responses=answers("units that the plan may redraw, and those around"),
)  # fmt: skip
def read_drawing(
    plan_id: PlanId,
    caller: CallerDep,
    conn: Conn,
    bbox: Annotated[str | None, Query(max_length=100, description="west,south,east,north; none: all")] = None,
    unit: Annotated[
        list[UUID] | None, Query(max_length=200, description="ids of units that come along wherever they lie")
    ] = None,
    limit: Annotated[int, Query(ge=0, le=10_000, description="with more than these come changed ones alone")] = 1500,
) -> Response:  # fmt: skip
    """The units of the plan's subtree as the plan has them, with the ring of neighbours; `complete` is false with too many."""
    plan = find_plan(conn, caller, plan_id)
    scene = read_scene(conn, plan, box=read_box(bbox), limit=limit, also=unit or ())
    return Response(_scene(scene), media_type=GEOJSON)


def read_box(text: str | None) -> Bbox | None:
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid(told("bbox is west,south,east,north in degrees")) from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Invalid(told("bbox is west,south,east,north in degrees"))
    return west, south, east, north


def _scene(scene: Scene) -> bytes:
    parents = {
        str(each.id): {"level": each.level, "code": each.code, "name": each.name} for each in scene.parents
    }
    return orjson.dumps(
        {
            "type": "FeatureCollection",
            "features": _features(scene.units),
            "gone": [str(each) for each in scene.gone],
            "parents": parents,
            "total": scene.total,
            "complete": scene.complete,
            "bbox": scene.bbox,
        }
    )  # fmt: skip


def _features(units: Collection[Seen]) -> list[dict[str, Any]]:
    sizes = measure_scene(units)
    return [_feature(each, sizes[each.unit.id]) for each in units]


def _feature(seen: Seen, size: Measures) -> dict[str, Any]:
    unit = seen.unit
    return {
        "type": "Feature",
        "id": str(unit.id),
        "geometry": orjson.Fragment(shapely.to_geojson(unit.geom) or "null"),
        "properties": {
            "level": unit.level,
            "code": unit.code,
            "name": unit.name,
            "kind": unit.kind,
            "parent": None if unit.parent is None else str(unit.parent),
            "households": unit.households,
            "area_m2": round(size.area_m2, 1),
            "change": seen.change,
            "editable": seen.editable,
        },
    }


@router.post(
    "/operations", dependencies=[require(*MAY_PLAN)], response_class=Response,
    responses=answers("what the operation changed, with findings there and figures before and after", "application/json"),
)  # fmt: skip
def do(plan_id: PlanId, asked: OperationIn, caller: CallerDep, conn: Conn, now: Now) -> Response:
    """Do an operation; 422 with `where` for one that the ground does not allow.

    `split_even` by cases without `points` counts those of the last ninety days.
    """
    found = find_own_plan(conn, caller, plan_id)
    if asked.op == "restore":
        raise Invalid(told("bringing an edition back is asked for in the list of editions"))
    operation = with_cases(conn, found, read_operation(asked.op, asked.args), now)
    done = do_operation(conn, plan_id, operation, by=caller.login, now=now)
    return _answer(conn, found, done, now)


@router.post(
    "/redo", dependencies=[require(*MAY_PLAN)], response_class=Response,
    responses=answers("as for an operation", "application/json"),
)  # fmt: skip
def redo(plan_id: PlanId, caller: CallerDep, conn: Conn, now: Now) -> Response:
    """Do the first undone operation again."""
    found = find_own_plan(conn, caller, plan_id)
    return _answer(conn, found, redo_operation(conn, plan_id), now)


@router.post(
    "/undo", dependencies=[require(*MAY_PLAN)], response_class=Response,
    responses=answers("the units as they are again", "application/json"),
)  # fmt: skip
def undo(plan_id: PlanId, caller: CallerDep, conn: Conn) -> Response:
    """Undo the last operation that stands."""
    found = find_own_plan(conn, caller, plan_id)
    seq, changes = undo_operation(conn, plan_id)
    return Response(orjson.dumps({"seq": seq, **_changed(conn, found, changes)}), media_type="application/json")  # fmt: skip


def _answer(conn: Connection, found: Redraw, done: Done, now: datetime) -> Response:
    around = read_surroundings(conn, done.bounds, now, list(done.applied.drawing.units))
    told = {
        "seq": done.seq,
        **_changed(conn, found, done.applied.changes),
        "before": _measured(done.applied.before),
        "after": _measured(done.applied.after),
        "findings": findings_geojson(done.judge(around)),
    }
    return Response(orjson.dumps(told), media_type="application/json")


def _changed(conn: Connection, found: Redraw, changes: Mapping[UUID, Any]) -> dict[str, Any]:
    seen = read_seen(conn, found, list(changes))
    here = {each.unit.id for each in seen}
    return {
        "changed": {"type": "FeatureCollection", "features": _features(seen)},
        "gone": [str(each) for each in changes if each not in here],
    }


def _measured(sizes: Mapping[UUID, Measures]) -> dict[str, dict[str, Any]]:
    return {str(unit_id): asdict(size) for unit_id, size in sizes.items()}


@router.get("/findings", dependencies=[require(*MAY_SEE_PLANS)])
def read_findings(plan_id: PlanId, caller: CallerDep, conn: Conn, now: Now) -> FindingsOut:
    """Every finding on the network as the plan would leave it, errors first."""
    plan = find_plan(conn, caller, plan_id)
    return describe_findings(
        check_redraw(conn, plan, read_surroundings(conn, extent_of(conn, plan), now)).findings
    )


def describe_findings(found: Iterable[Finding]) -> FindingsOut:
    listed = sorted(found, key=lambda each: each.severity)
    errors = sum(each.severity == "error" for each in listed)
    features = findings_geojson(listed)["features"]
    return FindingsOut(features=features, errors=errors, warnings=len(listed) - errors)


@router.get("/affected", dependencies=[require(*MAY_SEE_PLANS)])
def read_affected(plan_id: PlanId, caller: CallerDep, conn: Conn) -> AffectedListOut:
    """Units that the plan changes, ends or bears, with figures before and after and who has their ground then."""
    found = find_plan(conn, caller, plan_id)
    return AffectedListOut(units=[_affected(each) for each in list_affected(conn, found)])


def _affected(each: Affected) -> AffectedOut:
    unit = each.after or each.before
    if unit is None:
        raise Invalid(told("a unit that is affected was there before or is afterwards"))
    return AffectedOut(
        unit_id=str(each.unit_id),
        level=unit.level,
        code=unit.code,
        name=unit.name,
        was_code=None if each.before is None else each.before.code,
        was_name=None if each.before is None else each.before.name,
        was=None if each.was is None else MeasuresOut(**asdict(each.was)),
        will_be=None if each.will_be is None else MeasuresOut(**asdict(each.will_be)),
        heirs=[
            HeirOut(
                unit_id=str(heir.unit_id),
                code=heir.code,
                name=heir.name,
                area_share=heir.area_share,
                households_share=heir.households_share,
            )
            for heir in each.heirs
        ],
    )
