"""People's own figures on duty: the same for the person and for those who lead them, with notes and their answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from analysis.coverage.figures import Figure
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.people import TIMES, VALID, WAYS
from analysis.coverage.rules import coverage_rules_of
from analysis.coverage.views.notes import (
    Answer,
    Note,
    NoteKind,
    Telling,
    answer_note,
    credit_shifts,
    days_of,
    get_note,
    list_notes,
    tell_note,
)
from analysis.coverage.views.people import PeopleAsked, PersonSum, list_people_day
from analysis.coverage.views.person import DayAsked, PersonDay, read_person_day
from api.callers import CallerDep, Conn, Now, SettingsDep, Zone, require, signed_in
from api.routes.coverage import FigureOut, LedUnitDep, describe_figure
from api.routes.me import OwnPerson
from core.clock import day_bounds, day_of
from core.errors import NotFound, told
from core.settings import Settings
from people.access import MAY_SEE_COVERAGE, Caller, Scope, assigned_during, may_see_person_then
from people.looks import Look, record_look
from people.persons import find_person
from people.tables import person

router = APIRouter(prefix="/v1", tags=["coverage"])
Code = Annotated[str, Path(max_length=64, description="the person's code")]


class StretchOut(BaseModel):
    kind: str = Field(description="inside_moving, inside_still, outside_moving, outside_still, unobserved")
    since: datetime
    until: datetime


class NoteOut(BaseModel):
    """What the person says of a time, and the answer. `credited_s`: what an accepted one added at the answer."""

    id: int
    person_code: str
    person_name: str
    kind: NoteKind
    since: datetime
    until: datetime
    told: str
    told_at: datetime
    answer: Answer | None
    answered_by: str | None
    answered_at: datetime | None
    answer_text: str | None
    credited_s: float | None


class SpanOut(BaseModel):
    since: datetime
    until: datetime


class ShiftOut(BaseModel):
    """What of a shift lies in the day. Its five times add up to it."""

    since: datetime
    until: datetime
    times_s: dict[str, float]
    ways_m: dict[str, float]
    valid_m: float
    figures: dict[str, FigureOut] = Field(description="in_grid, in_grid_credited, observability")


class PersonDayOut(BaseModel):
    """A day on duty: the sum of its shifts. The five times add up to the duty; nothing unobserved is called anything worse."""

    code: str
    name: str
    on: date
    as_of: datetime
    duty: list[SpanOut]
    shifts: list[ShiftOut]
    times_s: dict[str, float]
    ways_m: dict[str, float] = Field(
        description="walked and ridden are valid; the others are not, each with its reason"
    )
    valid_m: float
    observed: bool = Field(
        description="false: no fixes of the day were kept or could have been; the shares have no denominator"
    )
    has_own_grid: bool = Field(description="false: no grid was the person's own, so none of it is outside")
    figures: dict[str, FigureOut]
    credited: FigureOut = Field(
        description="in_grid with what accepted notes add by the fixes as they stand now"
    )
    band: list[StretchOut]
    proven: bool = Field(description="false: the fixes have expired, the figures are those kept")
    notes: list[NoteOut]


class ShiftSumOut(BaseModel):
    since: datetime
    until: datetime
    duty_s: float
    times_s: dict[str, float]
    valid_m: float
    rejected_m: float


class PersonSumOut(BaseModel):
    code: str
    name: str
    observed: bool = Field(description="false: not tracked or no notice accepted; in no sum and no median")
    shifts: list[ShiftSumOut]
    duty_s: float
    times_s: dict[str, float]
    valid_m: float
    rejected_m: float
    credited_s: float = Field(description="what accepted notes add to in_grid by the fixes as they stand now")
    notes_waiting: int
    has_own_grid: bool


class PeopleOut(BaseModel):
    """By name, never by rank; medians of those who can be observed, null for fewer than three."""

    on: date
    as_of: datetime | None = Field(description="null: nobody on duty, or the day was not computed")
    people: list[PersonSumOut]
    figures: dict[str, FigureOut] = Field(
        description="in_grid and observability of those who can be observed, summed; not_observed: the duty of the others"
    )
    median_in_grid: float | None
    median_observed: float | None
    median_valid_m: float | None


class NoteWanted(BaseModel):
    kind: NoteKind
    since: AwareDatetime
    until: AwareDatetime
    told: str = Field(min_length=1, max_length=500)


class AnswerWanted(BaseModel):
    answer: Answer
    text: str = Field("", max_length=500)


class NotesOut(BaseModel):
    notes: list[NoteOut]


@router.get("/coverage/people", dependencies=[require(*MAY_SEE_COVERAGE)])
def list_coverage_of_people(
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    led: LedUnitDep,
    on: date,
    role: Annotated[str | None, Query(max_length=100, description="code of a role; none: any")] = None,
) -> PeopleOut:
    """Those on duty in a unit on a computed day. It names people, so the look is written down."""
    network_id = find_network_id(conn, led.unit.network)
    scope = Scope(everywhere=False, paths=(led.path,))
    asked = PeopleAsked(network_id, scope, on, settings.zone, now, settings.fix_days, role)
    day = list_people_day(conn, asked, coverage_rules_of(settings))
    why = f"coverage by person {on}"
    record_look(
        conn, Look(now, caller.login, "trail", why, account_id=caller.account_id, unit_id=led.unit.id)
    )
    return PeopleOut(
        on=on,
        as_of=day.as_of,
        people=[_sum(one) for one in day.people],
        figures={key: describe_figure(figure) for key, figure in day.figures.items()},
        median_in_grid=day.median_in_grid,
        median_observed=day.median_observed,
        median_valid_m=day.median_valid_m,
    )


@router.get("/people/{code}/coverage", dependencies=[signed_in])
def tell_day_of_person(
    code: Code,
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
    on: Annotated[date | None, Query(description="civil day; today when left out")] = None,
) -> PersonDayOut:
    """One person's day as a band with its figures: for the person, and for those who led them on that day."""
    whose = find_person(conn, code)
    wanted = on or day_of(now, settings.zone)
    between = day_bounds(wanted, settings.zone)
    if not may_see_person_then(conn, caller, whose.id, *between, roles=MAY_SEE_COVERAGE):
        raise NotFound(told("there is no person {code}", code=code))
    _note_look(conn, caller, whose.id, now, f"coverage of {wanted}")
    day = _read_day(conn, whose.id, wanted, settings, now)
    notes = list_notes(conn, person.c.id == whose.id, since=between[0], until=between[1])
    return _describe_day(day, notes, whose.code, whose.name)


@router.post("/me/notes", dependencies=[signed_in], status_code=201)
def tell_own_note(person_id: OwnPerson, wanted: NoteWanted, conn: Conn, now: Now) -> NoteOut:
    """Say what a time was that the figures do not show: rest, an indoor visit, a meeting."""
    telling = Telling(wanted.kind, wanted.since, wanted.until, wanted.told)
    return _note(get_note(conn, tell_note(conn, person_id, telling, now=now)))


@router.get("/coverage/notes", dependencies=[require(*MAY_SEE_COVERAGE)])
def list_notes_of_unit(
    caller: CallerDep,
    conn: Conn,
    zone: Zone,
    now: Now,
    led: LedUnitDep,
    first: Annotated[date, Query(alias="from")],
    last: Annotated[date, Query(alias="to")],
) -> NotesOut:
    """Notes of those who served in a unit then; those without an answer first. They name people: the look is written down."""
    since, until = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    served = assigned_during(Scope(everywhere=False, paths=(led.path,)), person.c.id, since, until)
    found = list_notes(conn, served, since=since, until=until)
    why = f"notes of {first} to {last}"
    record_look(
        conn, Look(now, caller.login, "trail", why, account_id=caller.account_id, unit_id=led.unit.id)
    )
    return NotesOut(notes=[_note(one) for one in found])


@router.post("/coverage/notes/{note_id}/answer", dependencies=[require(*MAY_SEE_COVERAGE)])
def answer_one_note(
    note_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    wanted: AnswerWanted,
    caller: CallerDep,
    conn: Conn,
    settings: SettingsDep,
    now: Now,
) -> NoteOut:
    """Accept or decline a note, once. What is accepted is credited beside what was observed; both values stay."""
    note = get_note(conn, note_id)
    allowed = may_see_person_then(
        conn, caller, note.person_id, note.since, note.until, roles=MAY_SEE_COVERAGE
    )
    if not allowed or caller.person_id == note.person_id:
        raise NotFound(told("there is no note {note}", note=note_id))
    days = [_read_day(conn, note.person_id, on, settings, now) for on in days_of(note, settings.zone)]
    return _note(
        answer_note(conn, note, days, answer=wanted.answer, by=caller.login, text=wanted.text, now=now)
    )


def _note_look(conn: Connection, caller: Caller, person_id: int, now: datetime, why: str) -> None:
    if caller.person_id != person_id:
        seen = Look(now, caller.login, "trail", why, account_id=caller.account_id, person_id=person_id)
        record_look(conn, seen)


def _read_day(conn: Connection, person_id: int, on: date, settings: Settings, now: datetime) -> PersonDay:
    asked = DayAsked(person_id, on, settings.zone, now, settings.fix_days)
    return read_person_day(conn, asked, coverage_rules_of(settings))


def _describe_day(day: PersonDay, notes: list[Note], code: str, name: str) -> PersonDayOut:
    added = credit_shifts(day, notes)
    figures = _figures(day.figures(credited_us=sum(added)))
    return PersonDayOut(
        code=code,
        name=name,
        on=day.on,
        as_of=day.as_of,
        duty=[SpanOut(since=since, until=until) for since, until in day.duty],
        shifts=[
            ShiftOut(
                since=shift.since,
                until=shift.until,
                times_s=_seconds(shift.times_us),
                ways_m=_metres(shift.ways_mm),
                valid_m=shift.valid_mm / 1000,
                figures=_figures(day.figures(shift, credited_us=credited_us)),
            )
            for shift, credited_us in zip(day.shifts, added, strict=True)
        ],
        times_s=_seconds(day.times_us),
        ways_m=_metres(day.ways_mm),
        valid_m=day.valid_mm / 1000,
        observed=day.observed,
        has_own_grid=day.has_own,
        credited=figures.pop("in_grid_credited"),
        figures=figures,
        band=[StretchOut(kind=one.kind, since=one.since, until=one.until) for one in day.band],
        proven=day.proven,
        notes=[_note(one) for one in notes],
    )


def _figures(figures: Mapping[str, Figure]) -> dict[str, FigureOut]:
    return {key: describe_figure(figure) for key, figure in figures.items()}


def _sum(one: PersonSum) -> PersonSumOut:
    return PersonSumOut(
        code=one.code,
        name=one.name,
        observed=one.observed,
        shifts=[
            ShiftSumOut(since=shift.since, until=shift.until, **_told(shift.times_us, shift.ways_mm))
            for shift in one.shifts
        ],
        **_told(one.times_us, one.ways_mm),
        credited_s=one.credited_us / 1e6,
        notes_waiting=one.notes,
        has_own_grid=one.has_own,
    )


def _told(times_us: tuple[int, ...], ways_mm: tuple[int, ...]) -> dict[str, Any]:
    """What the sum of a shift and of a day have in common."""
    return {
        "duty_s": sum(times_us) / 1e6,
        "times_s": _seconds(times_us),
        "valid_m": sum(ways_mm[:VALID]) / 1000,
        "rejected_m": sum(ways_mm[VALID:]) / 1000,
    }


def _seconds(times_us: tuple[int, ...]) -> dict[str, float]:
    return {name: spent / 1e6 for name, spent in zip(TIMES, times_us, strict=True)}


def _metres(ways_mm: tuple[int, ...]) -> dict[str, float]:
    return {name: length / 1000 for name, length in zip(WAYS, ways_mm, strict=True)}


def _note(one: Note) -> NoteOut:
    told = {name: value for name, value in vars(one).items() if name not in {"person_id", "credited_us"}}
    return NoteOut(**told, credited_s=None if one.credited_us is None else one.credited_us / 1e6)
