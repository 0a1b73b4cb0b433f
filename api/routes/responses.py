"""How long it took from being sent to a case until somebody was there: of a unit's cases, and of one person."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from analysis.coverage.views.responses import Response, Responses, ResponsesAsked, read_responses
from api.callers import CallerDep, Conn, Now, SettingsDep, require, signed_in
from api.routes.coverage import AskedDep, FigureOut, describe_figure
from core.clock import day_bounds, day_of
from core.errors import NotFound, told
from people.access import MAY_SEE_COVERAGE, Scope, may_see_person_then, visible_units
from people.looks import Look, record_look
from people.persons import find_person

router = APIRouter(prefix="/v1", tags=["coverage"])


class ResponseOut(BaseModel):
    number: str
    category: str
    state: str
    lon: float | None
    lat: float | None
    sent_at: datetime
    came_at: datetime | None = Field(description="the first sure fix within 50 m of the case")
    outcome: Literal["came", "not_seen", "waiting", "not_observed"]
    took_s: float | None
    duty_s: float | None = Field(description="of these on shift")
    person_code: str | None = Field(description="null: somebody whose movement is not for you")
    person_name: str | None


class ResponsesOut(BaseModel):
    """Came of those whose 24 hours (or whose turn at the case) are over; medians of duty time, null for fewer than three."""

    figure: FigureOut
    waiting: int = Field(description="still have time: neither in the numerator nor in the denominator")
    median_s: float | None
    p90_s: float | None
    responses: list[ResponseOut]


@router.get("/coverage/responses", dependencies=[require(*MAY_SEE_COVERAGE)])
def list_responses(
    wanted: AskedDep, caller: CallerDep, conn: Conn, settings: SettingsDep, now: Now
) -> ResponsesOut:
    """Who was sent to the unit's cases in the period. It tells of people's movement, so the look is written down."""
    found = read_responses(
        conn,
        ResponsesAsked(
            since=day_bounds(wanted.first, settings.zone)[0],
            until=day_bounds(wanted.last, settings.zone)[1],
            now=now,
            kept_days=settings.fix_days,
            scope=visible_units(conn, caller, MAY_SEE_COVERAGE),
            network_id=wanted.network_id,
            unit_id=wanted.unit_id,
        ),
    )
    why = f"responses {wanted.first} – {wanted.last}"
    record_look(
        conn, Look(now, caller.login, "trail", why, account_id=caller.account_id, unit_id=wanted.unit_id)
    )
    return _describe(found)


@router.get("/people/{code}/responses", dependencies=[signed_in])
def list_responses_of_person(
    code: Annotated[str, Path(max_length=64, description="the person's code")],
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    on: Annotated[date | None, Query(description="civil day they were sent on; today when left out")] = None,
) -> ResponsesOut:
    """The same of one person's day: for the person, and for those who led them on that day."""
    whose = find_person(conn, code)
    wanted = on or day_of(now, settings.zone)
    since, until = day_bounds(wanted, settings.zone)
    if not may_see_person_then(conn, caller, whose.id, since, until, roles=MAY_SEE_COVERAGE):
        raise NotFound(told("there is no person {code}", code=code))
    if caller.person_id != whose.id:
        why = f"coverage of {wanted}"
        seen = Look(now, caller.login, "trail", why, account_id=caller.account_id, person_id=whose.id)
        record_look(conn, seen)
    asked = ResponsesAsked(since, until, now, settings.fix_days, Scope(everywhere=True), person_id=whose.id)
    return _describe(read_responses(conn, asked))


def _describe(found: Responses) -> ResponsesOut:
    return ResponsesOut(
        figure=describe_figure(found.figure),
        waiting=found.waiting,
        median_s=found.median_s,
        p90_s=found.p90_s,
        responses=[_row(row) for row in found.rows],
    )


def _row(row: Response) -> ResponseOut:
    return ResponseOut(**vars(row))
