"""GET /v1/case-counts: how many cases are open in a unit and right below it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.callers import At, CallerDep, Conn, LookupDep, require
from cases.tallies import Asked, count_open_cases
from cases.views import visible
from people.access import MAY_SEE_CASES

router = APIRouter(prefix="/v1", tags=["cases"])


class CaseCounts(BaseModel):
    """Open cases one may see: now, by where they lay in the network when they occurred; or those that were open at the
    instant asked about, by the borders in force then.
    """

    open: int = Field(description="in the unit and everywhere below it")
    by_unit: dict[str, int] = Field(description="id (32 hex digits) of a unit right below → open cases in it")


@router.get("/case-counts", dependencies=[require(*MAY_SEE_CASES)])
def count_cases(
    caller: CallerDep,
    conn: Conn,
    lookup: LookupDep,
    network: Annotated[str, Query(max_length=200)] = "governance",
    unit: Annotated[str | None, Query(max_length=200, description="code; none: the whole network")] = None,
    at: At = None,
) -> CaseCounts:
    """How many cases are open here, and in each unit right below."""
    tally = count_open_cases(conn, lookup, Asked(network, unit, at), visible(conn, caller))
    return CaseCounts(open=tally.total, by_unit=tally.by_unit)
