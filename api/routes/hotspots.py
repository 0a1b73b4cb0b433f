"""GET /v1/hotspots: where more cases occur than chance and households explain, as GeoJSON cells with the facts."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from analysis.hotspots import CLASS_NAMES, Hotspots, Question
from analysis.kept import HotspotCache
from analysis.study import find_study_area
from api.callers import At, CallerDep, Conn, Now, SettingsDep, require
from core.clock import day_bounds, day_of
from core.errors import Invalid, Refused, told
from geo.cells import cell_name, cell_polygons
from people.access import MAY_SEE_HOTSPOTS, Caller, visible_units

router = APIRouter(prefix="/v1", tags=["cases"])
GEOJSON = "application/geo+json"
USUAL_DAYS = 90

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A FeatureCollection of cells; `facts` says what stands behind it",
        "content": {
            GEOJSON: {
                "schema": {
                    "type": "object",
                    "required": ["type", "features", "facts"],
                    "properties": {
                        "type": {"const": "FeatureCollection"},
                        "features": {"type": "array", "items": {"type": "object"}},
                        "facts": {"type": "object"},
                        "class_names": {"type": "object"},
                    },
                }
            }
        },
    }
}


class HotspotsAsked(BaseModel):
    """Which hotspots are asked for."""

    unit: str | None = Field(None, max_length=200, description="code; none: the whole network")
    network: str | None = Field(None, max_length=200, description="code; none: the main one")
    since: AwareDatetime | None = Field(None, alias="from", description="none: 90 days before `to`")
    until: AwareDatetime | None = Field(None, alias="to", description="none: the end of today")
    category: str | None = Field(None, max_length=200)
    resolution: int | None = Field(None, ge=7, le=12, description="of the H3 cells")
    cells: Literal["called", "counted", "all"] = Field(
        "counted",
        description="called: hot and cold ones; counted: also those with cases; all: every cell judged",
    )


class GeoJsonResponse(Response):
    media_type = GEOJSON


@router.get(
    "/hotspots",
    dependencies=[require(*MAY_SEE_HOTSPOTS)],
    responses=_ANSWER,
    response_class=GeoJsonResponse,
)
def get_hotspots(
    asked: Annotated[HotspotsAsked, Query()],
    request: Request,
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    at: At = None,
) -> Response:
    """Gi* on H3 cells of the whole area, permutation p-values, Benjamini-Hochberg over all cells."""
    refuse_foreign_ground(conn, caller, asked.network, asked.unit, at=at or now)
    until = asked.until or day_bounds(day_of(now, settings.zone), settings.zone)[1]
    question = Question(
        since=asked.since or days_before(until, USUAL_DAYS),
        until=until,
        network_code=asked.network,
        unit_code=asked.unit,
        category=asked.category,
        resolution=asked.resolution or settings.h3_resolution,
        at=at,
    )
    cache: HotspotCache = request.app.state.hotspots
    return GeoJsonResponse(orjson.dumps(hotspots_geojson(cache.answer(conn, question, now=now), asked.cells)))


def days_before(instant: datetime, days: int) -> datetime:
    """So many days earlier; Invalid where the calendar begins."""
    try:
        return instant - timedelta(days=days)
    except OverflowError as error:
        raise Invalid(told("the end of the period lies too early")) from error


def refuse_foreign_ground(
    conn: Connection, caller: Caller, network: str | None, unit: str | None, *, at: datetime
) -> None:
    """Refused unless the caller's subtree holds the unit, or everything where none is named."""
    scope = visible_units(conn, caller, MAY_SEE_HOTSPOTS)
    if scope.everywhere:
        return
    if unit is None:
        raise Refused(told("your grants hold for a part of the city: name a unit in it"))
    area = find_study_area(conn, network, unit, at=at)
    if not all(scope.holds(path) for path in area.scope.paths):
        raise Refused(told("your grants do not hold for the unit {code}", code=unit))


def hotspots_geojson(hotspots: Hotspots, wanted: Literal["called", "counted", "all"]) -> dict[str, Any]:
    """The cells wanted with their figures; p and q are two-sided."""
    called = ~np.isin(hotspots.classes, ("none", "few"))
    shown = np.flatnonzero(
        {"called": called, "counted": called | (hotspots.cases > 0), "all": np.ones(len(called), bool)}[
            wanted
        ]
    )
    outlines = cell_polygons(hotspots.cells[shown])
    return {
        "type": "FeatureCollection",
        "facts": asdict(hotspots.facts)
        | {
            "since": hotspots.question.since,
            "until": hotspots.question.until,
            "category": hotspots.question.category,
        },
        "class_names": {name: {"zh": zh, "en": en} for name, (zh, en) in CLASS_NAMES.items()},
        "features": [
            {
                "type": "Feature",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [shapely.get_coordinates(outline).round(7).tolist()],
                },
                "properties": {
                    "cell": cell_name(int(hotspots.cells[place])),
                    "class": str(hotspots.classes[place]),
                    "cases": int(hotspots.cases[place]),
                    "around": int(hotspots.around[place]),
                    "expected": round(float(hotspots.expected[place]), 3),
                    "gi_star": round(float(hotspots.gi_star[place]), 3),
                    "p": float(hotspots.p_value[place]),
                    "q": float(hotspots.q_value[place]),
                    "stacked": int(hotspots.stacked[place]),
                },
            }
            for place, outline in zip(shown, outlines, strict=True)
        ],
    }
