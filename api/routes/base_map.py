"""The background of the maps, from this server whoever made it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from api.callers import signed_in
from api.errors import refusals
from core.errors import NotFound
from maps.base_map import BaseMap

router = APIRouter(prefix="/v1/base-map", tags=["tiles"])

A_DAY = "private, max-age=86400"


class BaseMapDocument(BaseModel):
    """What background there is; `kind` null: none."""

    kind: Literal["raster", "vector"] | None
    min_zoom: int | None
    max_zoom: int | None
    attribution: str


def read_base_map(request: Request) -> BaseMap | None:
    found: BaseMap | None = request.app.state.base_map
    return found


BaseMapDep = Annotated[BaseMap | None, Depends(read_base_map)]


@router.get("", dependencies=[signed_in])
def describe_base_map(base_map: BaseMapDep) -> BaseMapDocument:
    """Whether the maps have a background, and whose it is."""
    if base_map is None:
        return BaseMapDocument(kind=None, min_zoom=None, max_zoom=None, attribution="")
    return BaseMapDocument(
        kind=base_map.kind,
        min_zoom=base_map.min_zoom,
        max_zoom=base_map.max_zoom,
        attribution=base_map.attribution,
    )


@router.get(
    "/{z}/{x}/{y}",
    dependencies=[signed_in],
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        204: {"description": "There is nothing to draw here"},
        **refusals(404, 503),
    },
)
def give_base_tile(base_map: BaseMapDep, z: int, x: int, y: int) -> Response:
    """One tile of the background; browsers keep it for a day."""
    if base_map is None:
        raise NotFound("there is no background here; WANGGE_BASEMAP_PMTILES or WANGGE_BASEMAP_URL names one")
    tile = base_map.read(z, x, y)
    if not tile.body:
        return Response(status_code=204, headers={"Cache-Control": A_DAY})
    return Response(tile.body, media_type=tile.media_type, headers={"Cache-Control": A_DAY})
