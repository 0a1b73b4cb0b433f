"""Vector tiles of units for the live maps: cached by edition, asked for again with If-None-Match."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.callers import At, Conn, LookupDep, Now, signed_in
from api.errors import refusals
from core.errors import Invalid, told
from maps.tiles import TileLayer, describe_layer, find_layer, read_tile

router = APIRouter(prefix="/v1/tiles", tags=["tiles"])

TILE = "application/vnd.mapbox-vector-tile"
PINNED = "private, max-age=86400"
"""For an address that names an edition; without one the browser asks each time and mostly hears 304."""

LayerName = Annotated[str, Field(max_length=140, description="network.level, as in governance.grid")]
EditionId = Annotated[
    int | None,
    Query(
        alias="edition",
        ge=1,
        le=2**62,
        description="edition id; without: the one in force at the instant `at`",
    ),
]
Known = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]


class VectorLayer(BaseModel):
    id: str
    fields: dict[str, str]


class TileJson(BaseModel):
    """TileJSON 3.0; `tiles` names the edition, so that they can be kept."""

    tilejson: str
    name: str
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: list[float]
    center: list[float]
    vector_layers: list[VectorLayer]


def read_layer(
    lookup: LookupDep, now: Now, layer: LayerName, edition_id: EditionId = None, at: At = None
) -> TileLayer:
    """The layer the address names, by an edition or by an instant; 404 says which there are."""
    if edition_id is not None and at is not None:
        raise Invalid(told("an edition and an instant are two ways to say the same: give one of them"))
    return find_layer(lookup, layer, at=at or now, edition_id=edition_id)


Layer = Annotated[TileLayer, Depends(read_layer)]


@router.get("/{layer}", dependencies=[signed_in], responses=refusals(404))
def describe_tiles(request: Request, layer: Layer) -> TileJson:
    """TileJSON of a level: where its tiles are, and what their layers `units` and `labels` hold."""
    place = f"{quote(layer.name)}/{{z}}/{{x}}/{{y}}.mvt?edition={layer.snapshot.edition_id}"
    return TileJson(tiles=[f"{request.base_url}v1/tiles/{place}"], **describe_layer(layer))


@router.get(
    "/{layer}/{z}/{x}/{y}.mvt",
    dependencies=[signed_in],
    response_class=Response,
    responses={
        200: {"content": {TILE: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The tile is the one you have"},
        **refusals(404),
    },
)
def give_tile(
    request: Request, conn: Conn, lookup: LookupDep, layer: Layer, z: int, x: int, y: int, known: Known = None
) -> Response:
    """One vector tile: polygons in layer `units`, one point a unit in layer `labels`; feature ids are unit versions."""
    cache = PINNED if "edition" in request.query_params else "private, no-cache"
    headers = {"ETag": layer.etag, "Cache-Control": cache}
    if known is not None and (known.strip() == "*" or layer.etag in known):
        return Response(status_code=304, headers=headers)
    tile = read_tile(conn, lookup, layer, zoom=z, column=x, row=y)
    return Response(tile, media_type=TILE, headers=headers)
