"""GET /v1/coverage: what of a unit was visited, in figures that say what they stand on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from analysis.coverage.figures import Figure
from analysis.coverage.kept.asked import CoverageAsked, check_period
from analysis.coverage.kept.reading import Coverage, UnitCoverage, find_network_id, read_coverage
from analysis.coverage.measures.duty_time import WorkingHours, duty_time, working_hours_of
from analysis.coverage.measures.meanings import explain
from analysis.coverage.views.cold import Age, find_ages, read_leaves
from api.callers import At, CallerDep, Conn, Instant, Now, SettingsDep, require
from cases.placement import MAIN_NETWORK
from core.clock import day_bounds, day_of
from core.errors import Refused, told
from geo.units import UnitRead, get_unit, path_at, read_path
from people.access import MAY_SEE_COVERAGE, Caller, visible_units

router = APIRouter(prefix="/v1", tags=["coverage"])
USUAL_DAYS = 7


class CoverageQuery(BaseModel):
    """Which coverage is asked for. Days are civil days of the city, both ends included."""

    unit: str | None = Field(None, max_length=200, description="code; none: the whole network")
    network: str = Field(MAIN_NETWORK, max_length=200)
    first: date | None = Field(None, alias="from", description="none: a week up to `to`")
    last: date | None = Field(None, alias="to", description="none: yesterday")
    level: str | None = Field(
        None, max_length=100, description="of the units told beside the whole; none: right below"
    )


class FigureOut(BaseModel):
    """A share with what it is made of: whole numbers in `measure` (cm2, mm, us, or count)."""

    definition: str
    version: int
    zh: str
    en: str
    measure: str
    numerator: int
    denominator: int
    share: float | None = Field(
        description="null: nothing to be visited, or nobody tracked to be seen visiting it"
    )
    possible: int = Field(description="may have been visited, is not proven and not in the numerator")
    not_observed: int = Field(
        description="outside the denominator: only people who are not tracked serve there"
    )
    as_of: datetime


class AgeOut(BaseModel):
    """How cold a unit is: by its coldest deepest unit that somebody tracked serves."""

    last_visit_at: datetime | None = Field(description="null: one of them was visited on no computed day")
    seconds: float | None = Field(description="since then, up to the end of the period")
    duty_seconds: float | None = Field(description="the same by the working calendar, its hours alone")
    units: int = Field(description="deepest units that somebody tracked serves")
    never: int = Field(description="of these, visited on no computed day")


class UnitOut(BaseModel):
    id: str | None
    code: str | None
    name: str | None
    level: str | None
    unit_days: int = Field(description="deepest units times days")
    not_observed_days: int
    not_claimable_days: int = Field(
        description="of them, those whose phones spoke too seldom or too inaccurately for the cells"
    )
    interval_s: float | None = Field(description="between fixes, the longest of the days' medians there")
    visits: int | None = Field(
        description="of its deepest units; null: a day was computed before they were kept"
    )
    dwell_s: float | None = Field(description="time spent in them")
    longest_unvisited_s: float | None = Field(
        description="of the deepest unit nobody came to for longest, in the period; null: as above, or nobody is tracked"
    )
    figures: dict[str, FigureOut]
    age: AgeOut | None = Field(description="null: nobody tracked serves there")


class MeaningOut(BaseModel):
    """Numerator, denominator and the limits used, in words."""

    zh: str
    en: str


class CoverageOut(BaseModel):
    """Figures of a period: those of its days added up, each on its own day's borders."""

    network: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    days: list[date] = Field(description="those computed; the others of the period are not in the figures")
    whole: UnitOut
    units: list[UnitOut] = Field(description="the units right below")
    required: FigureOut
    at_least_once: FigureOut | None = Field(description="null where the period spans editions")
    spans_editions: bool
    as_of: datetime
    resolution: int
    interval_s: float | None = Field(description="median between fixes")
    accuracy_m: float | None = Field(description="median told by the phones")
    claimable: bool = Field(
        description="false: in a unit, on a day of it, the sampling does not support cells as fine as these"
    )
    finest_resolution: int | None
    definitions: dict[str, MeaningOut] = Field(
        description="what each definition means, with the limits of the period's last computed day"
    )


def ask_coverage(
    query: Annotated[CoverageQuery, Query()],
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    at: At = None,
) -> CoverageAsked:
    """What is asked for, with the usual period, of the unit that had the code at the instant. Refused where the caller's
    grants do not hold for its place when the period ends, or at the instant where that is later.
    """
    last = query.last or day_of(now, settings.zone) - timedelta(days=1)
    first = query.first or max(last, date.min + timedelta(days=USUAL_DAYS)) - timedelta(days=USUAL_DAYS - 1)
    network_id = find_network_id(conn, query.network)
    code = query.unit
    unit = get_unit(conn, code, network_code=query.network, at=at or now) if code is not None else None
    asked = check_period(CoverageAsked(network_id, unit.id if unit else None, first, last, query.level, at))
    path = None
    if unit is not None:
        ends = min(day_bounds(last, settings.zone)[1], now)
        path = path_at(conn, unit.id, max(at or now, ends))
    refuse_foreign_unit(conn, caller, path, code)
    return asked


AskedDep = Annotated[CoverageAsked, Depends(ask_coverage)]


@dataclass(frozen=True)
class LedUnit:
    """A unit that the caller may see the coverage of, as of an instant, with its path then."""

    unit: UnitRead
    path: str


def find_led_unit(
    caller: CallerDep,
    conn: Conn,
    instant: Instant,
    unit: Annotated[str, Query(max_length=200, description="code")],
    network: Annotated[str, Query(max_length=200)] = MAIN_NETWORK,
) -> LedUnit:
    """The unit that had the code at the instant; Refused where the caller's grants do not hold for it."""
    found = get_unit(conn, unit, network_code=network, at=instant)
    path = read_path(conn, found)
    refuse_foreign_unit(conn, caller, path, unit)
    return LedUnit(found, path)


LedUnitDep = Annotated[LedUnit, Depends(find_led_unit)]


@router.get("/coverage", dependencies=[require(*MAY_SEE_COVERAGE)])
def get_coverage(
    query: Annotated[CoverageQuery, Query()], wanted: AskedDep, conn: Conn, settings: SettingsDep, now: Now
) -> CoverageOut:
    """Coverage of a unit and of those right below it, from the days that have been computed. Each day is told on its own
    borders; `at` says of which time the code, the names and the units told beside are.
    """
    found = read_coverage(conn, wanted)
    until = min(day_bounds(wanted.last, settings.zone)[1], now)
    hours = working_hours_of(settings)
    ages = find_ages(read_leaves(conn, wanted))
    told = {label: _age(age, until, hours) for label, age in ages.items()}
    return describe_coverage(found, query.network, told)


def refuse_foreign_unit(conn: Connection, caller: Caller, path: str | None, code: str | None) -> None:
    """Refused unless the caller's subtree holds the unit, or everything where none is named."""
    scope = visible_units(conn, caller, MAY_SEE_COVERAGE)
    if scope.everywhere:
        return
    if path is None:
        raise Refused(told("your grants hold for a part of the city: name a unit in it"))
    if not scope.holds(path):
        raise Refused(told("your grants do not hold for the unit {code}", code=code))


def describe_coverage(found: Coverage, network: str, ages: Mapping[str, AgeOut | None]) -> CoverageOut:
    """`ages` by unit id as paths write it."""
    return CoverageOut(
        network=network,
        first=found.asked.first,
        last=found.asked.last,
        days=list(found.days),
        whole=_unit(found.whole, ages),
        units=[_unit(one, ages) for one in found.below],
        required=describe_figure(found.required),
        at_least_once=describe_figure(found.once) if found.once else None,
        spans_editions=found.spans_editions,
        as_of=found.as_of,
        resolution=found.resolution,
        interval_s=found.interval_s,
        accuracy_m=found.accuracy_m,
        claimable=found.claimable,
        finest_resolution=found.finest,
        definitions={
            key: MeaningOut(zh=meaning.zh, en=meaning.en) for key, meaning in explain(found.rules).items()
        },
    )


def _age(age: Age, until: datetime, hours: WorkingHours) -> AgeOut | None:
    if not age.leaves:
        return None
    last = age.last_at
    return AgeOut(
        last_visit_at=last,
        seconds=None if last is None else max((until - last).total_seconds(), 0),
        duty_seconds=None if last is None else duty_time(last, until, hours).total_seconds(),
        units=age.leaves,
        never=age.never,
    )


def _unit(one: UnitCoverage, ages: Mapping[str, AgeOut | None]) -> UnitOut:
    return UnitOut(
        id=None if one.unit_id is None else str(one.unit_id),
        age=None if one.unit_id is None else ages.get(one.unit_id.hex),
        code=one.code,
        name=one.name,
        level=one.level,
        unit_days=one.unit_days,
        not_observed_days=one.not_observed_days,
        not_claimable_days=one.not_claimable_days,
        interval_s=one.interval_s,
        visits=one.visits,
        dwell_s=None if one.dwell_us is None else one.dwell_us / 1e6,
        longest_unvisited_s=None if one.unvisited_us is None else one.unvisited_us / 1e6,
        figures={key: describe_figure(figure) for key, figure in one.figures.items()},
    )


def describe_figure(figure: Figure) -> FigureOut:
    meaning = figure.definition
    return FigureOut(
        definition=meaning.id,
        version=meaning.version,
        zh=meaning.zh,
        en=meaning.en,
        measure=meaning.measure,
        numerator=figure.numerator,
        denominator=figure.denominator,
        share=figure.share,
        possible=figure.possible,
        not_observed=figure.not_observed,
        as_of=figure.as_of,
    )
