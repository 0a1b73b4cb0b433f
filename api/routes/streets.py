"""GET /v1/streets: the streets in a box, to draw borders along."""

from typing import Annotated

import orjson
import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.callers import Conn, Instant, Zone, signed_in
from api.routes.drawings import GEOJSON, answers, read_box
from core.clock import day_of
from core.errors import Invalid
from geo.walkable.standing import read_streets

router = APIRouter(prefix="/v1", tags=["ground"])

WIDEST_DEG = 0.2


@router.get(
    "/streets", dependencies=[signed_in], response_class=Response, responses=answers("lines of the streets")
)
def get_streets(
    conn: Conn,
    instant: Instant,
    zone: Zone,
    bbox: Annotated[str, Query(max_length=100, description="west,south,east,north; 0.2° wide at most")],
) -> Response:
    """The streets of the instant's day in a box, by code."""
    box = read_box(bbox)
    if box is None or box[2] - box[0] > WIDEST_DEG or box[3] - box[1] > WIDEST_DEG:
        raise Invalid(f"bbox is west,south,east,north and at most {WIDEST_DEG}° wide and high")
    features = [
        {
            "type": "Feature",
            "geometry": orjson.Fragment(shapely.to_geojson(each.geometry) or "null"),
            "properties": {"code": each.code, "name": each.name, "kind": each.kind},
        }
        for each in read_streets(conn, box, day_of(instant, zone))
    ]
    return Response(orjson.dumps({"type": "FeatureCollection", "features": features}), media_type=GEOJSON)
