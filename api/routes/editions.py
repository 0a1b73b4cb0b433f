"""/v1/editions: what each edition changed, and bringing an edition back."""

from datetime import datetime
from typing import Annotated, Any

import orjson
import shapely
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.callers import CallerDep, Conn, Now, require, signed_in
from api.routes.drawings import GEOJSON, answers
from api.routes.plans import PlanOut, describe_whole
from geo.editions import list_editions
from geo.editions.history import Changed, list_changes
from geo.plans.redraw import do_operation, open_redraw
from geo.plans.rollback import restore_edition
from people.access import MAY_PLAN
from people.planning import refuse_foreign_ground

router = APIRouter(prefix="/v1", tags=["ground"])

NetworkCode = Annotated[str, Path(max_length=64)]
Seq = Annotated[int, Path(ge=1, le=2**31 - 1)]


class EditionOut(BaseModel):
    id: int
    seq: int
    effective_from: datetime | None = Field(description="null: since ever")
    published_by: str
    published_at: datetime
    sha256: str
    counts: dict[str, int] = Field(description="units of each level")
    taken_back_at: datetime | None = Field(
        description="before it began, so that it never holds; null: it stands"
    )
    taken_back_by: str | None
    taken_back_reason: str | None


class EditionsOut(BaseModel):
    network: str
    editions: list[EditionOut]


class RestoreIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="of the plan")


@router.get("/editions", dependencies=[signed_in])
def read_editions(
    conn: Conn, network: Annotated[str, Query(max_length=64, description="code of the network")] = "governance"
) -> EditionsOut:  # fmt: skip
    """The editions of a network, the newest first, those included that are announced or were taken back before they began."""
    listed = list_editions(conn, network)
    kept = EditionOut.model_fields
    return EditionsOut(
        network=network, editions=[EditionOut(**{name: getattr(each, name) for name in kept}) for each in listed]
    )  # fmt: skip


@router.get(
    "/editions/{network}/{seq}/changes", dependencies=[signed_in], response_class=Response,
    responses=answers("units that the edition changed; `part` unit is a border, moved the ground that differs"),
)  # fmt: skip
def read_changes(network: NetworkCode, seq: Seq, conn: Conn) -> Response:
    """What an edition changed against the one before."""
    changed = list_changes(conn, network, seq)
    features = [feature for each in changed for feature in _features(each)]
    return Response(orjson.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)


def _features(each: Changed) -> list[dict[str, Any]]:
    told = {
        "unit_id": str(each.unit_id),
        "level": each.level,
        "code": each.code,
        "name": each.name,
        "kinds": list(each.kinds),
        "was_code": each.was_code,
        "was_name": each.was_name,
    }
    shapes = {"unit": each.border} | ({} if each.moved is None else {"moved": each.moved})
    return [
        {
            "type": "Feature",
            "geometry": orjson.Fragment(shapely.to_geojson(shape)),
            "properties": told | {"part": part},
        }
        for part, shape in shapes.items()
    ]


@router.post("/editions/{network}/{seq}/restore", dependencies=[require(*MAY_PLAN)], status_code=201)
def open_restoring_plan(
    network: NetworkCode, seq: Seq, wanted: RestoreIn, caller: CallerDep, conn: Conn, now: Now
) -> PlanOut:
    """A plan of one operation that brings back what an edition held; it goes the way of every plan."""
    refuse_foreign_ground(conn, caller, None)
    operation = restore_edition(conn, network, seq)
    made = open_redraw(conn, network, name=wanted.name, by=caller.login)
    do_operation(conn, made.id, operation, by=caller.login, now=now)
    return describe_whole(conn, caller, made, now)
