"""What a person says of a time the figures do not show, and what whoever leads them answers. Both values stay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select, update

from analysis.coverage.kept.due import first_standing
from analysis.coverage.kept.people import Span
from analysis.coverage.kept.tables import (
    coverage_checkin,
    coverage_day,
    coverage_duty,
    coverage_note,
    coverage_trace,
)
from analysis.coverage.views.person import PersonDay
from core.clock import day_of
from core.errors import Conflict, Invalid, NotFound, told
from people.tables import person

NoteKind = Literal["rest", "indoor", "meeting", "other"]
NOTE_KINDS: Final[tuple[NoteKind, ...]] = get_args(NoteKind)
Answer = Literal["accepted", "declined"]
LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Note:
    """`credited_us`: what an accepted one added at the answer; what notes add to a day is worked out on reading."""

    id: int
    person_id: int
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
    credited_us: int | None


@dataclass(frozen=True)
class Telling:
    """A note as told."""

    kind: NoteKind
    since: datetime
    until: datetime
    told: str


def tell_note(conn: Connection, person_id: int, telling: Telling, *, now: datetime) -> int:
    """Keep it; Invalid for a time that has not been, is over a day long, or is empty."""
    if not telling.since < telling.until <= now:
        raise Invalid(
            told("a note is about a time that has been: its beginning before its end, its end not after now")
        )
    if telling.until - telling.since > LONGEST:
        raise Invalid(told("a note is about 24 hours at most: write one for each day"))
    made: int = conn.execute(
        insert(coverage_note)
        .values(person_id=person_id, told_at=now, **vars(telling))
        .returning(coverage_note.c.id)
    ).scalar_one()
    return made


def answer_note(
    conn: Connection,
    note: Note,
    days: Iterable[PersonDay],
    *,
    answer: Answer,
    by: str,
    text: str,
    now: datetime,
) -> Note:
    """Accept or decline it, once. What it adds by itself to its days, as they are known now, stays beside it."""
    span = [(note.since, note.until)]
    credited = sum(_not_inside(day, span) for day in days) if answer == "accepted" else None
    done = conn.execute(
        update(coverage_note)
        .where(coverage_note.c.id == note.id, coverage_note.c.answer.is_(None))
        .values(answer=answer, answered_by=by, answered_at=now, answer_text=text, credited_us=credited)
    )
    if not done.rowcount:
        if note.answered_by is None:
            raise Conflict(told("note {note} was answered already", note=note.id))
        raise Conflict(told("note {note} was answered already by {by}", note=note.id, by=note.answered_by))
    return get_note(conn, note.id)


def credit_shifts(day: PersonDay, notes: Iterable[Note]) -> tuple[int, ...]:
    """Of each shift the microseconds that accepted notes add in the own grid: what of their times, taken together, was on duty
    then and not observed there. Where the fixes have expired no more in all than was added at the answers.
    """
    accepted = [note for note in notes if note.answer == "accepted"]
    spans: list[Span] = []
    for since, until in sorted((note.since, note.until) for note in accepted):
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        else:
            spans.append((since, until))
    left = sum(note.credited_us or 0 for note in accepted)
    found = []
    for shift in day.shifts:
        own = [(max(since, shift.since), min(until, shift.until)) for since, until in spans]
        own = [(since, until) for since, until in own if since < until]
        if day.proven:
            found.append(_not_inside(day, own))
            continue
        found.append(min(left, _common([(shift.since, shift.until)], own), sum(shift.times_us[2:])))
        left -= found[-1]
    return tuple(found)


def credit_day(day: PersonDay, notes: Iterable[Note]) -> int:
    """What accepted notes add to a day in the own grid: the sum of its shifts."""
    return sum(credit_shifts(day, notes))


def _not_inside(day: PersonDay, spans: Sequence[Span]) -> int:
    """Microseconds of duty in the spans that were not observed in the own grid."""
    return _common([(one.since, one.until) for one in day.band if not one.kind.startswith("inside")], spans)


def _common(some: Iterable[Span], others: Sequence[Span]) -> int:
    """Microseconds that lie in both; neither overlaps itself."""
    both = [(max(a, c), min(b, d)) for a, b in some for c, d in others]
    return sum((until - since) // timedelta(microseconds=1) for since, until in both if since < until)


def get_note(conn: Connection, note_id: int) -> Note:
    """NotFound for a note there is not."""
    row = conn.execute(_query().where(coverage_note.c.id == note_id)).one_or_none()
    if row is None:
        raise NotFound(told("there is no note {note}", note=note_id))
    return _note(row)


def list_notes(
    conn: Connection, condition: Any, *, since: datetime, until: datetime, limit: int | None = 500
) -> list[Note]:
    """Those of [since, until) for whose person (`person.id`) the condition holds; open ones first, then by time."""
    rows = conn.execute(
        _query()
        .where(condition, coverage_note.c.since < until, coverage_note.c.until > since)
        .order_by(coverage_note.c.answer.is_not(None), coverage_note.c.since, coverage_note.c.id)
        .limit(limit)
    )
    return [_note(row) for row in rows]


def forget_people(conn: Connection, before: datetime, zone: ZoneInfo) -> int:
    """Drop what names persons of a time before: their figures on duty, notes and check-ins, and where they were on any day
    that hangs on a fix of a time before.
    """
    ends = (coverage_duty.c.ends_at, coverage_note.c.until, coverage_checkin.c.at)
    days = select(coverage_day.c.id).where(coverage_day.c.on < first_standing(before, zone))
    conn.execute(delete(coverage_trace).where(coverage_trace.c.day_id.in_(days)))
    return sum(conn.execute(delete(column.table).where(column < before)).rowcount for column in ends)


def days_of(note: Note, zone: ZoneInfo) -> list[date]:
    """The civil days that a note touches."""
    first, last = day_of(note.since, zone), day_of(note.until - timedelta(microseconds=1), zone)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _query() -> Any:
    return select(coverage_note, person.c.code, person.c.name).join(
        person, person.c.id == coverage_note.c.person_id
    )


def _note(row: Any) -> Note:
    return Note(
        row.id,
        row.person_id,
        row.code,
        row.name,
        row.kind,
        row.since,
        row.until,
        row.told,
        row.told_at,
        row.answer,
        row.answered_by,
        row.answered_at,
        row.answer_text,
        row.credited_us,
    )
