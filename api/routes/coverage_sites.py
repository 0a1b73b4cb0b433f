"""GET /v1/coverage/sites: the required places of a unit, one by one."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from analysis.coverage.views.sites import SiteVisits, list_sites
from api.callers import Conn, require
from api.routes.coverage import AskedDep
from people.access import MAY_SEE_COVERAGE

router = APIRouter(prefix="/v1/coverage", tags=["coverage"])


class SiteOut(BaseModel):
    """A place that has to be visited, over the computed days of the period."""

    code: str
    name: str | None = Field(description="null, as the place: it is no longer surveyed")
    unit_code: str
    unit_name: str
    observed: bool = Field(
        description="false: only people who are not tracked serve there; nothing is counted"
    )
    visits: int = Field(description="that lasted long enough")
    short_visits: int = Field(description="that did not")
    required: int
    missing: int
    dwell_s: float
    least_s: int | None = Field(description="how long a visit lasts at least")
    last_visit_at: datetime | None = Field(description="long enough or not; null: on no computed day")
    longest_unvisited_s: float | None = Field(
        description="null: not observed, or a day was computed before it was kept"
    )
    lon: float | None
    lat: float | None


class SitesOut(BaseModel):
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    total: int
    sites: list[SiteOut]


@router.get("/sites", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_sites(wanted: AskedDep, conn: Conn, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> SitesOut:
    """Those with most visits missing first, of these the one nobody came to for longest."""
    found = list_sites(conn, wanted)
    sites = [_site(one) for one in found[:limit]]
    return SitesOut(first=wanted.first, last=wanted.last, total=len(found), sites=sites)


def _site(one: SiteVisits) -> SiteOut:
    return SiteOut(
        code=one.code,
        name=one.name,
        unit_code=one.unit_code,
        unit_name=one.unit_name,
        observed=one.observed,
        visits=one.visits,
        short_visits=one.short_visits,
        required=one.required,
        missing=one.missing,
        dwell_s=one.dwell_us / 1e6,
        least_s=one.least_s,
        last_visit_at=one.last_at,
        longest_unvisited_s=None if one.unvisited_us is None else one.unvisited_us / 1e6,
        lon=one.lon,
        lat=one.lat,
    )
