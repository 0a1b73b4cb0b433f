"""The people of a unit on a day, as computed: each with their own figures, and the median of all beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from sqlalchemy import ColumnElement, Connection, func, select

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.people import find_seen
from analysis.coverage.kept.tables import coverage_day, coverage_duty, coverage_note
from analysis.coverage.people import TIMES, VALID, WAYS
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
    times_us: tuple[int, ...]
    ways_mm: tuple[int, ...]
    has_own: bool
    credited_us: int
    notes: int

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


def list_people_day(
    conn: Connection,
    network_id: int,
    scope: Scope,
    *,
    on: date,
    between: tuple[datetime, datetime],
    role: str | None,
) -> PeopleDay:
    """Those on duty that day who then served in the scope, of one role or of any."""
    since, until = between
    rows = conn.execute(
        select(person.c.id, person.c.code, person.c.name, coverage_duty, coverage_day.c.as_of)
        .join(coverage_day, coverage_day.c.id == coverage_duty.c.day_id)
        .join(person, person.c.id == coverage_duty.c.person_id)
        .where(
            coverage_day.c.network_id == network_id,
            coverage_day.c.on == on,
            assigned_during(scope, person.c.id, since, until),
            *([_held(role, since, until)] if role else []),
        )
        .order_by(person.c.name, person.c.code)
    ).all()
    found = {row.person_id for row in rows}
    notes, can_be_seen = _notes(conn, found, between), find_seen(conn, found, between)
    by_person: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_person.setdefault(row.person_id, []).append(place)
    people = tuple(
        PersonSum(
            rows[own[0]].code,
            rows[own[0]].name,
            person_id in can_be_seen or any(sum(rows[place].times_us[:-1]) for place in own),
            tuple(sum(rows[place].times_us[n] for place in own) for n in range(len(TIMES))),
            tuple(sum(rows[place].ways_mm[n] for place in own) for n in range(len(WAYS))),
            any(rows[place].has_own for place in own),
            *notes.get(person_id, (0, 0)),
        )
        for person_id, own in by_person.items()
    )
    on_duty = [one for one in people if one.duty_us and one.observed]
    seen = [one for one in on_duty if sum(one.times_us[:-1])]
    return PeopleDay(
        on,
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
    conn: Connection, people: set[int], between: tuple[datetime, datetime]
) -> dict[int, tuple[int, int]]:
    """Of each person: microseconds credited for the day, and notes without an answer."""
    rows = conn.execute(
        select(
            coverage_note.c.person_id,
            func.coalesce(func.sum(coverage_note.c.credited_us), 0).label("credited"),
            func.count().filter(coverage_note.c.answer.is_(None)).label("waiting"),
        )
        .where(
            coverage_note.c.person_id.in_(people),
            coverage_note.c.since >= between[0],
            coverage_note.c.since < between[1],
        )
        .group_by(coverage_note.c.person_id)
    )
    return {row.person_id: (int(row.credited), row.waiting) for row in rows}
