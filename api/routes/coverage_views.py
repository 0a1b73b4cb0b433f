"""What is cold and a round to it, the rhythm of visits, and the fixes behind a percentage."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.kept.reading import CoverageAsked, find_network_id
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.rules import coverage_rules_of
from analysis.coverage.views.cold import Stop, list_cold, read_leaves
from analysis.coverage.views.proof import MOST_UNITS, ProofAsked, ProvenVisit, prove
from analysis.coverage.views.rhythm import read_calendar, read_week
from api.callers import CallerDep, Conn, LookupDep, Now, SettingsDep, require
from api.routes.coverage import AskedDep, FigureOut, LedUnitDep, describe_figure
from core.clock import day_bounds
from core.errors import Invalid, told
from geo.cells import cell_name
from people.access import MAY_SEE_COVERAGE, visible_units
from people.looks import Look, record_look

router = APIRouter(prefix="/v1/coverage", tags=["coverage"])


class StopOut(BaseModel):
    """A deepest unit; ages in seconds, null where nobody was proven there on any computed day."""

    id: str
    code: str
    name: str
    lon: float
    lat: float
    last_visit_at: datetime | None
    seconds: float | None
    duty_seconds: float | None
    households: int
    area_m2: float
    street_m: float


class UnvisitedOut(BaseModel):
    """The coldest first, of these the heaviest. `round`: rows of `stops` in walking order by straight lines."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    stops: list[StopOut]
    total: int
    not_observed: int = Field(description="units where nobody tracked serves: not in the list")
    round: list[int]
    round_m: float


class DayOut(BaseModel):
    on: date
    is_working_day: bool
    holiday: str | None
    area: FigureOut | None = Field(description="null: the day was not computed")
    edition_changed: bool


class CalendarOut(BaseModel):
    days: list[DayOut]


class HourOut(BaseModel):
    weekday: int = Field(description="1: Monday")
    hour: int
    visits: int
    dwell_s: float


class WeekOut(BaseModel):
    """Visits by the hour of the clock they began in. Hours without any are not listed."""

    days: list[int] = Field(description="computed days of each weekday, Monday first")
    hours: list[HourOut]


class FixOut(BaseModel):
    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


class VisitOut(BaseModel):
    cell: str
    unit_code: str
    area_cm2: int
    person_code: str | None = Field(description="null: somebody whose movement is not for you; no fixes then")
    person_name: str | None
    since: datetime
    until: datetime
    fixes: list[FixOut]


class ProofOut(BaseModel):
    """`expired`: the fixes of the day are gone, so that the figure alone stands."""

    on: date
    expired: bool
    area_cm2: int = Field(description="ground these visits prove, each piece once: the numerator")
    total: int
    visits: list[VisitOut]


@router.get("/unvisited", dependencies=[require(*MAY_SEE_COVERAGE)])
def list_unvisited(
    wanted: AskedDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> UnvisitedOut:
    """Deepest units nobody was proven to visit in the period, with a suggested round over the first forty."""
    before = day_bounds(wanted.first, settings.zone)[0]
    until = min(day_bounds(wanted.last, settings.zone)[1], now)
    hours = WorkingHours(settings.zone)
    found = list_cold(conn, wanted, before=before, until=until, hours=hours, limit=limit)
    return UnvisitedOut(
        first=wanted.first,
        last=wanted.last,
        stops=[_stop(stop) for stop in found.stops],
        total=found.total,
        not_observed=found.not_observed,
        round=list(found.round_),
        round_m=round(found.length_m, 1),
    )


@router.get("/calendar", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_calendar(wanted: AskedDep, conn: Conn) -> CalendarOut:
    """Every day of the period with its coverage, holidays and days worked for them."""
    found = read_calendar(conn, wanted)
    return CalendarOut(
        days=[
            DayOut(
                on=day.on,
                is_working_day=day.is_working,
                holiday=day.holiday,
                area=None if day.area is None else describe_figure(day.area),
                edition_changed=day.edition_changed,
            )
            for day in found
        ]
    )


@router.get("/week", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_week(wanted: AskedDep, conn: Conn) -> WeekOut:
    """Visits of the period by weekday and hour."""
    found = read_week(conn, wanted)
    return WeekOut(
        days=list(found.days),
        hours=[
            HourOut(weekday=one.weekday, hour=one.hour, visits=one.visits, dwell_s=one.dwell_us / 1e6)
            for one in found.hours
        ],
    )


@router.get("/proof", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_proof(
    caller: CallerDep,
    conn: Conn,
    lookup: LookupDep,
    settings: SettingsDep,
    now: Now,
    led: LedUnitDep,
    on: date,
) -> ProofOut:
    """The visits on a day of the ground of a unit with at most 200 deepest units, each with its very fixes. It names people,
    so the look is written down.
    """
    found, network = led.unit, led.unit.network
    leaves = read_leaves(conn, CoverageAsked(find_network_id(conn, network), found.id, on, on))
    if not 0 < len(leaves) <= MOST_UNITS:
        raise Invalid(
            told(
                "{code} had {count} computed deepest units on {day}: choose a unit of 1 to {most}",
                code=found.code,
                count=len(leaves),
                day=on,
                most=MOST_UNITS,
            )
        )
    why = f"proof of coverage {on}"
    record_look(conn, Look(now, caller.login, "trail", why, account_id=caller.account_id, unit_id=found.id))
    job = CoverageJob(network, settings.zone, coverage_rules_of(settings), settings.fix_days)
    scope = visible_units(conn, caller, MAY_SEE_COVERAGE)
    proof = prove(conn, lookup, job, ProofAsked(on, [leaf.version_id for leaf in leaves], scope), now=now)
    return ProofOut(
        on=on,
        expired=proof.expired,
        area_cm2=proof.area_cm2,
        total=proof.total,
        visits=[_visit(visit) for visit in proof.visits],
    )


def _stop(stop: Stop) -> StopOut:
    leaf = stop.leaf
    return StopOut(
        id=str(leaf.unit_id),
        code=leaf.code,
        name=leaf.name,
        lon=stop.lon,
        lat=stop.lat,
        last_visit_at=leaf.last_at,
        seconds=_seconds(stop.age),
        duty_seconds=_seconds(stop.duty_age),
        households=leaf.households,
        area_m2=leaf.area_cm2 / 1e4,
        street_m=leaf.street_mm / 1000,
    )


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()


def _visit(visit: ProvenVisit) -> VisitOut:
    return VisitOut(
        cell=cell_name(visit.cell),
        unit_code=visit.unit_code,
        area_cm2=visit.area_cm2,
        person_code=visit.person_code,
        person_name=visit.person_name,
        since=visit.since,
        until=visit.until,
        fixes=[FixOut(**vars(fix)) for fix in visit.fixes],
    )
