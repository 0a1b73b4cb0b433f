"""The people of a unit on a day, as computed: each with their own figures, and the median of all beside them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.people import find_seen
from analysis.coverage.kept.tables import coverage_day, coverage_duty
from analysis.coverage.people import TIMES, VALID, WAYS
from analysis.coverage.rules import CoverageRules
from analysis.coverage.views.notes import Note, credit_day, list_notes
from analysis.coverage.views.person import DayAsked, ShiftPart, read_person_day, shift_part
from core.clock import day_bounds
from people.access import Scope, assigned_during
from people.tables import assignment, person

FEW = 3
"""A median of fewer people tells on one of them."""


@dataclass(frozen=True)
class PersonSum:
    """`observed` False: no fixes of that day were kept or could have been (nobody may track them, or they accepted no notice);
    they stand in no sum and no median. `credited_us`: what accepted notes of the day add in the own grid; `notes`: how many wait for an answer.
    """

    code: str
    name: str
    observed: bool
    shifts: tuple[ShiftPart, ...]
    has_own: bool
    credited_us: int
    notes: int

    @property
    def times_us(self) -> tuple[int, ...]:
        return tuple(sum(shift.times_us[n] for shift in self.shifts) for n in range(len(TIMES)))

    @property
    def ways_mm(self) -> tuple[int, ...]:
        return tuple(sum(shift.ways_mm[n] for shift in self.shifts) for n in range(len(WAYS)))

    @property
    def duty_us(self) -> int:
        return sum(self.times_us)

    @property
    def valid_mm(self) -> int:
        return sum(self.ways_mm[:VALID])


@dataclass(frozen=True)
class PeopleDay:
    """By name, never by rank. `figures` are the sums of those who can be observed, empty where nobody was on duty. Medians
    are of them too, those of the own grid and of metres of whoever was observed at all; None for fewer than FEW.
    """

    on: date
    as_of: datetime | None
    people: tuple[PersonSum, ...]
    figures: Mapping[str, Figure]
    median_in_grid: float | None
    median_observed: float | None
    median_valid_m: float | None


@dataclass(frozen=True)
class PeopleAsked:
    """Those on duty on a day who then served in the scope, of one role or of any (None). `now`, `kept_days`: until when
    it is known.
    """

    network_id: int
    scope: Scope
    on: date
    zone: ZoneInfo
    now: datetime
    kept_days: float
    role: str | None = None


def list_people_day(conn: Connection, asked: PeopleAsked, rules: CoverageRules) -> PeopleDay:
    """Of a computed day; what notes add is worked out from the fixes as they stand."""
    since, until = between = day_bounds(asked.on, asked.zone)
    rows = conn.execute(
        select(person.c.id, person.c.code, person.c.name, coverage_duty, coverage_day.c.as_of)
        .join(coverage_day, coverage_day.c.id == coverage_duty.c.day_id)
        .join(person, person.c.id == coverage_duty.c.person_id)
        .where(
            coverage_day.c.network_id == asked.network_id,
            coverage_day.c.on == asked.on,
            assigned_during(asked.scope, person.c.id, since, until),
            *([_held(asked.role, since, until)] if asked.role else []),
        )
        .order_by(person.c.name, person.c.code, coverage_duty.c.starts_at)
    ).all()
    found = {row.person_id for row in rows}
    notes, can_be_seen = _notes(conn, found, asked, rules), find_seen(conn, found, between)
    by_person: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_person.setdefault(row.person_id, []).append(place)
    people = tuple(
        PersonSum(
            rows[own[0]].code,
            rows[own[0]].name,
            person_id in can_be_seen or any(sum(rows[place].times_us[:-1]) for place in own),
            tuple(shift_part(rows[place]) for place in own),
            any(rows[place].has_own for place in own),
            *notes.get(person_id, (0, 0)),
        )
        for person_id, own in by_person.items()
    )
    on_duty = [one for one in people if one.duty_us and one.observed]
    seen = [one for one in on_duty if sum(one.times_us[:-1])]
    return PeopleDay(
        asked.on,
        rows[0].as_of if rows else None,
        people,
        _sums(people, rows[0].as_of) if rows else {},
        _median([sum(one.times_us[:2]) / one.duty_us for one in seen]),
        _median([sum(one.times_us[:-1]) / one.duty_us for one in on_duty]),
        _median([one.valid_mm / 1000 for one in seen]),
    )


def _sums(people: Sequence[PersonSum], as_of: datetime) -> dict[str, Figure]:
    counted = [one for one in people if one.observed]
    duty = sum(one.duty_us for one in counted)
    outside = sum(one.duty_us for one in people) - duty
    parts = {"in_grid": 2, "observability": 4}
    return {
        key: Figure(
            DEFINITIONS[key],
            sum(sum(one.times_us[:upto]) for one in counted),
            duty,
            as_of,
            not_observed=outside,
        )
        for key, upto in parts.items()
    }


def _median(values: list[float]) -> float | None:
    return median(values) if len(values) >= FEW else None


def _held(role: str, since: datetime, until: datetime) -> ColumnElement[bool]:
    times = func.tstzrange(since, until)
    return (
        select(assignment.c.id)
        .where(
            assignment.c.person_id == person.c.id,
            assignment.c.role == role,
            assignment.c.valid.overlaps(times),
        )
        .exists()
    )


def _notes(
    conn: Connection, people: Collection[int], asked: PeopleAsked, rules: CoverageRules
) -> dict[int, tuple[int, int]]:
    """Of each person with notes of the day: microseconds credited, and notes without an answer."""
    own: dict[int, list[Note]] = {}
    since, until = day_bounds(asked.on, asked.zone)
    for note in list_notes(conn, person.c.id.in_(people), since=since, until=until, limit=None):
        own.setdefault(note.person_id, []).append(note)
    found = {}
    for person_id, notes in own.items():
        credited = 0
        if any(note.answer == "accepted" for note in notes):
            whose = DayAsked(person_id, asked.on, asked.zone, asked.now, asked.kept_days)
            credited = credit_day(read_person_day(conn, whose, rules), notes)
        found[person_id] = (credited, sum(note.answer is None for note in notes))
    return found
