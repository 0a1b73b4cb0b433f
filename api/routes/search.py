"""GET /v1/search: people, units and cases by name, code or number, within what the caller may see."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from analysis.search import search
from api.callers import At, CallerDep, Conn, Now, signed_in
from api.routes.live import record_view

router = APIRouter(prefix="/v1", tags=["search"])


class Found(BaseModel):
    kind: Literal["person", "unit", "case"]
    code: str = Field(description="of a case: its number")
    name: str = Field(description="of a case: its category")
    detail: str | None = Field(description="a person's role and unit, a unit's level, a case's state")
    network: str | None = Field(description="of a unit")
    lon: float | None
    lat: float | None
    bbox: tuple[float, float, float, float] | None = Field(description="of a unit: west, south, east, north")


class SearchOut(BaseModel):
    results: list[Found]


@router.get("/search", dependencies=[signed_in])
def find(
    caller: CallerDep,
    conn: Conn,
    now: Now,
    q: Annotated[str, Query(max_length=64, description="a part of a name or code, or a case's number")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    at: At = None,
) -> SearchOut:
    """Who and what has this name, code or number, where the caller may see it; units as they were at the instant, people
    as they serve now. Where people are is a look, written down.
    """
    hits = search(conn, caller, q, limit=limit, now=now, at=at)
    if any(hit.kind == "person" and hit.lon is not None for hit in hits):
        record_view(conn, caller, now, again=True)
    return SearchOut(results=[Found(**vars(hit)) for hit in hits])
