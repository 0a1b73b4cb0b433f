"""GET /v1/trails: one person's day, for themselves and for those who lead them; every other look is written down."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.callers import CallerDep, Conn, Now, SettingsDep, Zone, signed_in
from core.clock import day_bounds, day_of
from core.errors import NotFound
from people.access import may_see_person_then
from people.looks import Look, record_look
from people.persons import find_person
from tracking.trails import read_trail, trail_geojson, trail_rules_of

router = APIRouter(prefix="/v1", tags=["movement"])

GEOJSON = "application/geo+json"
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "segments, gaps, stays and fixes of the day",
        "content": {
            GEOJSON: {
                "schema": {
                    "type": "object",
                    "required": ["type", "person", "on", "features"],
                    "properties": {
                        "type": {"const": "FeatureCollection"},
                        "person": {"type": "string"},
                        "on": {"type": "string", "format": "date"},
                        "features": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


@router.get("/trails", dependencies=[signed_in], response_class=Response, responses=_ANSWER)
def get_trail(
    conn: Conn,
    caller: CallerDep,
    now: Now,
    zone: Zone,
    settings: SettingsDep,
    person: Annotated[str, Query(description="code of the person")],
    on: Annotated[date | None, Query(description="civil day; today when left out")] = None,
    why: Annotated[
        str, Query(description="kept in the record of looks", max_length=200)
    ] = "trail of the day",
) -> Response:
    """The trail of a person on a day, for those who led them on that day. Lines are never drawn across a gap; what was
    never observed is said so.
    """
    day = on or day_of(now, zone)
    whose = find_person(conn, person)
    if not may_see_person_then(conn, caller, whose.id, *day_bounds(day, zone)):
        raise NotFound(f"there is no person {person}")
    if caller.person_id != whose.id:
        seen = Look(now, caller.login, "trail", why, account_id=caller.account_id, person_id=whose.id)
        record_look(conn, seen)
    trail = read_trail(conn, whose.id, day, zone=zone, rules=trail_rules_of(settings))
    return Response(trail_geojson(trail), media_type=GEOJSON)
