"""/v1/unit-lives/{unit_id}: a unit through all editions, by its id, which no redraw takes from it; borders included."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
import shapely
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from api.callers import CallerDep, Conn, KnownAt, Now, signed_in
from api.routes.drawings import GEOJSON, answers
from core.errors import NotFound
from geo.editions.life import Chapter, read_borders_of, read_life
from people.access import Caller
from people.planning import find_plan

router = APIRouter(prefix="/v1/unit-lives", tags=["ground"])


class KinOut(BaseModel):
    """Another unit that had or has ground of one; shares are of the former unit."""

    unit_id: str
    code: str
    name: str
    kind: Literal["goes_on", "split", "merge", "transfer"]
    area_m2: float
    area_share: float
    households_share: float


class AboveOut(BaseModel):
    unit_id: str
    level: str
    code: str
    name: str


class PlanOfOut(BaseModel):
    id: int
    name: str


class ChapterOut(BaseModel):
    version_id: int
    edition: int
    valid_from: datetime | None
    valid_until: datetime | None
    level: str
    code: str
    name: str
    area_m2: float
    households: int | None
    change_kinds: list[str]
    above: list[AboveOut] = Field(description="as they were when it began, the root first")
    plan: PlanOfOut | None = Field(
        description="that the edition came of; null also where the caller may not see it"
    )
    came_from: list[KinOut]
    went_to: list[KinOut]


class LifeOut(BaseModel):
    at: datetime = Field(description="the service's now, by which one of the chapters holds")
    known_at: datetime | None = Field(description="whose knowledge this is; null: that of now")
    unit_id: str
    network: str
    kind: Literal["territorial", "dedicated"]
    origin: Literal["natural", "drawn"]
    chapters: list[ChapterOut] = Field(description="the first one first")


@router.get("/{unit_id}", dependencies=[signed_in])
def read_unit_life(
    unit_id: UUID, caller: CallerDep, conn: Conn, now: Now, known_at: KnownAt = None
) -> LifeOut:
    """Codes, names and parents of each time, where its ground came from and where it went."""
    life = read_life(conn, unit_id, known_at=known_at)
    chapters = [_chapter(conn, caller, each) for each in life.chapters]
    more = {"at": now, "known_at": known_at, "unit_id": str(unit_id), "chapters": chapters}
    return LifeOut.model_validate(asdict(life) | more)


def _chapter(conn: Connection, caller: Caller, each: Chapter) -> dict[str, Any]:
    told = asdict(each)
    for others in ("above", "came_from", "went_to"):
        told[others] = [one | {"unit_id": str(one["unit_id"])} for one in told[others]]
    return told | {"plan": _plan(conn, caller, each.plan_id)}


def _plan(conn: Connection, caller: Caller, plan_id: int | None) -> PlanOfOut | None:
    try:
        return None if plan_id is None else PlanOfOut(id=plan_id, name=find_plan(conn, caller, plan_id).name)
    except NotFound:  # not a redraw, or of ground that the caller neither plans nor approves
        return None


@router.get(
    "/{unit_id}/borders", dependencies=[signed_in], response_class=Response,
    responses=answers("the border of each version, told by `version_id`"),
)  # fmt: skip
def read_borders(unit_id: UUID, conn: Conn, known_at: KnownAt = None) -> Response:
    """What the unit was bounded by at each time."""
    features = [
        {
            "type": "Feature",
            "geometry": orjson.Fragment(shapely.to_geojson(shapely.from_wkb(wkb))),
            "properties": {"version_id": version_id},
        }
        for version_id, wkb in read_borders_of(conn, unit_id, known_at=known_at).items()
    ]
    return Response(orjson.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)
