"""GET /v1/cases-in-units and /v1/fixes-in-units: how many lie in each unit, by the borders of their own time, of now, or of
any other instant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import ColumnElement, Connection

from analysis.redraw.views import Asked, InUnits, count_cases, count_fixes
from api.callers import At, CallerDep, Conn, LookupDep, Now, SettingsDep, require, signed_in
from api.routes.live import record_view
from cases.views import visible
from core.errors import Invalid, NotFound, told
from people.access import MAY_SEE_CASES, Caller, may_see_person_then
from people.looks import Look, record_look
from people.persons import find_person
from tracking.tables import fix
from tracking.trails.seen import fixes_seen

router = APIRouter(prefix="/v1")

View = Literal["as_was", "as_now", "as_of"]


class Holding(BaseModel):
    """A unit as it was then."""

    unit_version_id: int
    unit_id: str
    level: str
    code: str
    name: str


class UnitCases(Holding):
    cases: int


class UnitFixes(Holding):
    fixes: int


class Viewed(BaseModel):
    view: View
    at: datetime | None = Field(description="whose borders: null for as_was, each one's own")
    outside: int = Field(description="of them lie in no unit")


class CasesInUnits(Viewed):
    units: list[UnitCases] = Field(description="the lowest units, as they were then, by code")
    without_place: int = Field(description="cases whose place is not known")


class FixesInUnits(Viewed):
    units: list[UnitFixes] = Field(description="the lowest units, as they were then, by code")
    expired: bool = Field(description="fixes from the beginning of the span have expired: others are left")


@dataclass(frozen=True)
class ViewAsked:
    view: View
    asked: Asked


def ask_view(
    now: Now,
    since: Annotated[AwareDatetime, Query(description="what occurred, or was sent, from then on")],
    until: Annotated[AwareDatetime, Query(description="and before then")],
    view: Annotated[View, Query(description="as_was: what was written down when it happened")] = "as_was",
    network: Annotated[str, Query(max_length=200)] = "governance",
    at: At = None,
) -> ViewAsked:
    """`as_was` never changes; `as_now` and `as_of` ask the borders that are known now for that instant."""
    if (at is None) == (view == "as_of"):
        raise Invalid(told("an instant is for the view as_of, which needs one"))
    if until < since:
        raise Invalid(
            told(
                "the span ends ({until}) before it begins ({since})",
                until=until.isoformat(),
                since=since.isoformat(),
            )
        )
    instant = {"as_was": None, "as_now": now, "as_of": at}[view]
    return ViewAsked(view, Asked(network, since, until, instant))


ViewDep = Annotated[ViewAsked, Depends(ask_view)]


@router.get("/cases-in-units", dependencies=[require(*MAY_SEE_CASES)], tags=["cases"])
def read_cases_in_units(caller: CallerDep, conn: Conn, lookup: LookupDep, viewed: ViewDep) -> CasesInUnits:
    """Cases of a span by the unit that holds each. `as_was` never changes; `as_now` and `as_of` ask the borders that are
    known now for that instant.
    """
    found = count_cases(conn, lookup, viewed.asked, visible(conn, caller))
    units = [UnitCases(**told, cases=count) for told, count in _told(found)]
    return CasesInUnits(
        view=viewed.view,
        at=viewed.asked.at,
        units=units,
        outside=found.outside,
        without_place=found.without_place,
    )


@router.get("/fixes-in-units", dependencies=[signed_in], tags=["movement"])
def read_fixes_in_units(
    caller: CallerDep,
    conn: Conn,
    lookup: LookupDep,
    viewed: ViewDep,
    now: Now,
    settings: SettingsDep,
    person: Annotated[str | None, Query(max_length=64, description="code of one person")] = None,
    why: Annotated[str, Query(description="kept in the record of looks", max_length=200)] = "fixes in units",
) -> FixesInUnits:
    """Accepted fixes of a span by the unit that holds each, in the same three views: the caller's own, and those that people
    sent while they served where the caller may see movement. The look is written down.
    """
    seen = _look(conn, caller, viewed.asked, person, (now, why))
    found = count_fixes(conn, lookup, viewed.asked, seen)
    return FixesInUnits(
        view=viewed.view,
        at=viewed.asked.at,
        units=[UnitFixes(**told, fixes=count) for told, count in _told(found)],
        outside=found.outside,
        expired=viewed.asked.since < now - timedelta(days=settings.fix_days),
    )


def _look(
    conn: Connection, caller: Caller, asked: Asked, code: str | None, noted: tuple[datetime, str]
) -> ColumnElement[bool]:
    """Which fixes are counted, with the look at them on record; one's own need none. NotFound for a person whom the caller
    did not lead then.
    """
    now, why = noted
    seen = fixes_seen(conn, caller, asked.since, asked.until)
    if code is None:
        record_view(conn, caller, now, view=("trail", why))
        return seen
    whose = find_person(conn, code)
    if not may_see_person_then(conn, caller, whose.id, asked.since, asked.until):
        raise NotFound(told("there is no person {code}", code=code))
    if caller.person_id != whose.id:
        looked = Look(now, caller.login, "trail", why, account_id=caller.account_id, person_id=whose.id)
        record_look(conn, looked)
    return seen & (fix.c.person_id == whose.id)


def _told(found: InUnits) -> list[tuple[dict[str, object], int]]:
    """Each unit's facts for the answer, and its count."""
    return [
        (
            {name: getattr(each, name) for name in Holding.model_fields} | {"unit_id": str(each.unit_id)},
            each.count,
        )
        for each in found.units
    ]
