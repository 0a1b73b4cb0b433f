"""GET /v1/cases-in-units: how many cases each unit holds, by the borders of their own time, of now, or of any other instant."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from analysis.redraw.views import CASES_MOST, count_cases
from api.callers import CallerDep, Conn, Now, require
from cases.views import visible
from core.errors import Invalid
from people.access import MAY_SEE_CASES

router = APIRouter(prefix="/v1", tags=["cases"])

View = Literal["as_was", "as_now", "as_of"]


class UnitCases(BaseModel):
    unit_version_id: int
    unit_id: str
    level: str
    code: str
    name: str
    cases: int


class CasesInUnits(BaseModel):
    view: View
    at: datetime | None = Field(description="whose borders: null for as_was, each case's own")
    units: list[UnitCases] = Field(description="the lowest units, as they were then, by code")
    outside: int = Field(description="cases that lie in no unit")
    without_place: int = Field(description="cases whose place is not known")


@router.get("/cases-in-units", dependencies=[require(*MAY_SEE_CASES)])
def read_cases_in_units(
    caller: CallerDep,
    conn: Conn,
    now: Now,
    since: Annotated[AwareDatetime, Query(description="cases that occurred from then on")],
    until: Annotated[AwareDatetime, Query(description="and before then")],
    view: Annotated[View, Query(description="as_was: what was written down when it happened")] = "as_was",
    at: Annotated[AwareDatetime | None, Query(description="for as_of")] = None,
    network: Annotated[str, Query(max_length=200)] = "governance",
) -> CasesInUnits:  # fmt: skip
    """`as_was` never changes; `as_now` and `as_of` ask the borders that are known now for that instant."""
    if (at is None) == (view == "as_of"):
        raise Invalid("an instant is for the view as_of, which needs one")
    instant = {"as_was": None, "as_now": now, "as_of": at}[view]
    found = count_cases(conn, network, visible(conn, caller), (since, until), at=instant)
    if found is None:
        raise Invalid(f"more than {CASES_MOST:,} cases occurred in that time: ask for less of it")
    units = [UnitCases(**vars(each) | {"unit_id": str(each.unit_id)}) for each in found.units]
    return CasesInUnits(
        view=view, at=instant, units=units, outside=found.outside, without_place=found.without_place
    )
