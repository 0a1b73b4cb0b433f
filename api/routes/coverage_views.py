"""What is cold and a round to it, the rhythm of visits, and the fixes behind a percentage."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.kept.asked import CoverageAsked, check_period
from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.measures.duty_time import working_hours_of
from analysis.coverage.measures.evidence import Measure
from analysis.coverage.rules import coverage_rules_of
from analysis.coverage.views.cold import Stop, list_cold
from analysis.coverage.views.proof import ProofAsked, ProvenVisit, prove, read_parts
from analysis.coverage.views.provers import Provers, choose_provers
from analysis.coverage.views.rhythm import read_calendar, read_week
from api.callers import CallerDep, Conn, LookupDep, Now, SettingsDep, require
from api.routes.coverage import AskedDep, FigureOut, LedUnitDep, describe_figure
from core.clock import day_bounds
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
    holiday: str | None = Field(description="in Chinese")
    holiday_en: str | None
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
    """A person's proven visit of one thing that the measure counts, with its fixes."""

    place: str = Field(description="H3 cell, street, address or required place")
    unit_code: str
    amount: int = Field(description="what it proves; 0: too short for what the place requires")
    person_code: str | None = Field(description="null: somebody whose movement is not for you; no fixes then")
    person_name: str | None
    since: datetime
    until: datetime
    fixes: list[FixOut]


class DayPartOut(BaseModel):
    on: date
    part: int = Field(description="of the numerator")
    expired: bool = Field(description="the fixes of the day are gone")


class ProversOut(BaseModel):
    """The deepest units that the visits are of: by code, 200 at a time; of more than 200 those alone that have part in it."""

    total: int
    page: int
    pages: int
    first_code: str | None = Field(description="of this page; null: none has part in it")
    last_code: str | None
    part: int = Field(description="what the units of this page have of the day's numerator, as computed")


class ProofOut(BaseModel):
    """`days`: what each day is of the figure of the period. `expired`: the fixes of `on` are gone, so that the figure alone
    stands.
    """

    on: date
    unit_code: str
    unit_name: str
    definition: str
    measure: str = Field(description="what the numbers count: cm2, mm or count")
    days: list[DayPartOut] = Field(
        description="the computed days of the figure; of required visits also those before the period that it looks back to"
    )
    expired: bool
    numerator: int | None = Field(
        description="of the day, as it was computed; null: it is no day of the period"
    )
    units: ProversOut
    proven: int = Field(description="what the visits of this page's units prove now, each thing once")
    total: int
    visits: list[VisitOut] = Field(description="500 at most")


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
    hours = working_hours_of(settings)
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
                holiday=day.holiday and day.holiday[0],
                holiday_en=day.holiday and day.holiday[1],
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


class ProofQuery(BaseModel):
    """Whose proof: of a figure of a period, one of its days."""

    on: date
    measure: Measure = "area"
    first: date | None = Field(None, alias="from", description="of the figure's period; none: the day alone")
    last: date | None = Field(None, alias="to")
    page: int = Field(1, ge=1, le=1_000_000, description="of the units that have part in it, 200 at a time")


@router.get("/proof", dependencies=[require(*MAY_SEE_COVERAGE)])
def tell_proof(
    query: Annotated[ProofQuery, Query()],
    caller: CallerDep,
    conn: Conn,
    lookup: LookupDep,
    settings: SettingsDep,
    now: Now,
    led: LedUnitDep,
) -> ProofOut:
    """The visits on a day that prove a figure of a unit, 200 of its deepest units at a time, each with its very fixes. It
    names people, so the look is written down.
    """
    on, found, network = query.on, led.unit, led.unit.network
    network_id = find_network_id(conn, network)
    period = CoverageAsked(network_id, found.id, query.first or on, query.last or on)
    whose = CoverageAsked(network_id, found.id, on, on)
    units = choose_provers(conn, whose, query.measure, code=found.code, page=query.page)
    why = f"proof of coverage {on}"
    record_look(conn, Look(now, caller.login, "trail", why, account_id=caller.account_id, unit_id=found.id))
    job = CoverageJob(network, settings.zone, coverage_rules_of(settings), settings.fix_days)
    asked = ProofAsked(query.measure, on, units.versions, visible_units(conn, caller, MAY_SEE_COVERAGE))
    proof = prove(conn, lookup, job, asked, now=now)
    days = read_parts(conn, check_period(period), query.measure, job, now=now)
    return ProofOut(
        on=on,
        unit_code=found.code,
        unit_name=found.name,
        definition=query.measure,
        measure=DEFINITIONS[query.measure].measure,
        days=[DayPartOut(**vars(day)) for day in days],
        expired=proof.expired,
        numerator=next(
            (day.part for day in days if day.on == on), 0 if period.first <= on <= period.last else None
        ),
        units=_provers(units),
        proven=proof.proven,
        total=proof.total,
        visits=[_visit(visit) for visit in proof.visits],
    )


def _provers(units: Provers) -> ProversOut:
    return ProversOut(**{key: value for key, value in vars(units).items() if key != "versions"})


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
    return VisitOut(**{**vars(visit), "fixes": [FixOut(**vars(fix)) for fix in visit.fixes]})
