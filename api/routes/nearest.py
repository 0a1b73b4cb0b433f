"""GET /v1/cases/{number}/nearest: who could be sent to a case."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from analysis.dispatch import find_nearest
from api.callers import CallerDep, Conn, Now, require
from api.routes.live import record_view
from cases.views import find_case, visible
from people.access import MAY_SEE_MOVEMENT, visible_units

router = APIRouter(prefix="/v1", tags=["cases"])


class NearWorker(BaseModel):
    person_code: str
    name: str
    role: str | None
    role_name: str | None
    unit_code: str | None
    unit_name: str | None
    distance_m: float = Field(description="geodesic, as the crow flies, from the last recorded position")
    age_s: float = Field(description="how old that position is")
    state: str
    lon: float
    lat: float


class NearWorkers(BaseModel):
    as_of: datetime
    workers: list[NearWorker]


@router.get("/cases/{number}/nearest", dependencies=[require(*MAY_SEE_MOVEMENT)])
def read_nearest(
    number: Annotated[str, Path(max_length=40)],
    caller: CallerDep,
    conn: Conn,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> NearWorkers:
    """The workers of the caller's subtrees nearest to a case: on shift, in its network, recorded on this shift."""
    view = find_case(conn, number, visible(conn, caller))
    scope = visible_units(conn, caller, MAY_SEE_MOVEMENT)
    record_view(conn, caller, now, again=True)
    workers = [
        NearWorker(
            person_code=near.dot.standing.person_code,
            name=near.dot.standing.name,
            role=near.dot.standing.role,
            role_name=near.dot.standing.role_name,
            unit_code=near.dot.standing.unit_code,
            unit_name=near.dot.standing.unit_name,
            distance_m=round(near.distance_m, 1),
            age_s=near.age_s,
            state=near.dot.state,
            lon=near.dot.position.lon,
            lat=near.dot.position.lat,
        )
        for near in find_nearest(conn, view, scope, limit=limit, now=now)
        if near.dot.position is not None
    ]
    return NearWorkers(as_of=now, workers=workers)
