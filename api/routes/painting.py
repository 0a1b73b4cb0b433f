"""/v1/plans/{id}/blocks and /painting: the blocks of a parent's ground with what is in each, and giving some to a unit."""

from typing import Annotated, Any
from uuid import UUID

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from analysis.redraw.blocks import Blocks, read_blocks
from analysis.redraw.painting import Stroke, read_paint
from api.callers import CallerDep, Conn, Now, require
from api.routes.drawings import OperationIn, answers
from api.routes.plans import PlanId
from people.access import MAY_PLAN, MAY_SEE_PLANS
from people.planning import find_own_plan, find_plan

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]


class PaintingIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parent: UUID
    taker: UUID = Field(description="one of the units right below the parent")
    places: list[tuple[Lon, Lat]] = Field(
        min_length=1, max_length=10_000, description="one inside of each block"
    )


class PaintedOut(BaseModel):
    operations: list[OperationIn] = Field(description="to be done one after the other")


@router.get(
    "/blocks", dependencies=[require(*MAY_SEE_PLANS)], response_class=Response,
    responses=answers("blocks with households, cases and area, and the units that hold them"),
)  # fmt: skip
def list_blocks(
    plan_id: PlanId, parent: Annotated[UUID, Query()], caller: CallerDep, conn: Conn, now: Now
) -> Response:
    """The blocks of a parent's ground as the plan has it: between streets and water, else its lowest units."""
    blocks = read_blocks(conn, find_plan(conn, caller, plan_id), parent, now=now)
    return Response(orjson.dumps(_told(blocks)), media_type="application/geo+json")


def _told(blocks: Blocks) -> dict[str, Any]:
    spots = shapely.get_coordinates(shapely.point_on_surface(blocks.shapes)).tolist()
    texts = shapely.to_geojson(blocks.shapes)
    return {
        "type": "FeatureCollection",
        "source": blocks.source,
        "units": [{"unit_id": str(each.id), "code": each.code, "name": each.name} for each in blocks.units],
        "features": [
            {
                "type": "Feature",
                "geometry": orjson.Fragment(text),
                "properties": {
                    "holder": str(blocks.units[blocks.holder[place]].id),
                    "spot": spots[place],
                    "households": round(float(blocks.households[place]), 2),
                    "cases": int(blocks.cases[place]),
                    "area_m2": round(float(blocks.area_m2[place]), 1),
                },
            }
            for place, text in enumerate(texts)
        ],
    }


@router.post("/painting", dependencies=[require(*MAY_PLAN)])
def read_painting(plan_id: PlanId, asked: PaintingIn, caller: CallerDep, conn: Conn, now: Now) -> PaintedOut:
    """The operations that give painted blocks to a unit; nothing is changed by asking."""
    blocks = read_blocks(conn, find_own_plan(conn, caller, plan_id), asked.parent, now=now)
    stroke = Stroke(asked.taker, np.array(asked.places, dtype=np.float64))
    return PaintedOut(operations=[OperationIn(op=op, args=args) for op, args in read_paint(blocks, stroke)])
