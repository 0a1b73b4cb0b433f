"""What accepted notes add to a day, worked out on reading.

w1 is on duty from 08:00 to 12:00 and walks the own grid for the first five minutes:

    08:00 ====08:05 . . . . . . . . . . . . . . . . . 12:00      === seen in the own grid, . . . not observed
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, true

from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.views.notes import (
    Note,
    Telling,
    answer_note,
    credit_day,
    days_of,
    get_note,
    list_notes,
    tell_note,
)
from analysis.coverage.views.people import PeopleAsked, list_people_day
from analysis.coverage.views.person import DayAsked, PersonDay, read_person_day
from core.clock import day_bounds
from geo.lookup import Lookup
from people.access import Scope
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, ZONE, add_fixes, build

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MINUTE_US = 60 * 10**6
LATER = NOW + DAY


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    return person_id


def day_of(
    conn: Connection, person_id: int, later: timedelta = timedelta(0), kept_days: float = 30
) -> PersonDay:
    return read_person_day(conn, DayAsked(person_id, ON + later, ZONE, LATER, kept_days), JOB.rules)


def accepted(conn: Connection, person_id: int, since: datetime, until: datetime) -> Note:
    """A note told, and accepted at once."""
    note = get_note(conn, tell_note(conn, person_id, Telling("indoor", since, until, "入户"), now=LATER))
    days = [day_of(conn, person_id, on - ON) for on in days_of(note, ZONE)]
    return answer_note(conn, note, days, answer="accepted", by="boss", text="", now=LATER)


def notes_of(conn: Connection, later: timedelta = timedelta(0)) -> list[Note]:
    since, until = day_bounds(ON + later, ZONE)
    return list_notes(conn, true(), since=since, until=until)


def listed(conn: Connection, later: timedelta = timedelta(0)) -> int:
    """What the list of people says was credited to w1."""
    compute_day(conn, Lookup(conn), JOB, on=ON + later, now=LATER)
    asked = PeopleAsked(
        find_network_id(conn, "governance"), Scope(everywhere=True), ON + later, ZONE, LATER, 30
    )
    return next(one.credited_us for one in list_people_day(conn, asked, JOB.rules).people if one.code == "w1")


def test_minutes_in_two_notes_are_credited_once(conn: Connection, worker: int) -> None:
    """09:00 to 10:00 and 09:30 to 10:30: an hour and a half. Each says what it added by itself."""
    hour = MORNING + 60 * MINUTE
    both = [accepted(conn, worker, hour + n * MINUTE, hour + (n + 60) * MINUTE) for n in (0, 30)]
    assert [note.credited_us for note in both] == [60 * MINUTE_US, 60 * MINUTE_US]
    assert credit_day(day_of(conn, worker), notes_of(conn)) == 90 * MINUTE_US
    assert listed(conn) == 90 * MINUTE_US


def test_what_a_late_fix_shows_inside_is_not_credited_beside_it(conn: Connection, worker: int) -> None:
    """09:00 to 10:00 accepted; then fixes arrive that show 09:00 to 09:05 in the own grid."""
    hour = MORNING + 60 * MINUTE
    accepted(conn, worker, hour, hour + 60 * MINUTE)
    before = day_of(conn, worker)
    add_fixes(conn, worker, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], at=hour, received_at=LATER)
    after = day_of(conn, worker)
    added = [credit_day(day, notes_of(conn)) for day in (before, after)]
    assert added == [60 * MINUTE_US, 55 * MINUTE_US]
    figures = [day.figures(credited_us=credit) for day, credit in zip((before, after), added, strict=True)]
    inside = [figure["in_grid_credited"].numerator for figure in figures]
    assert inside == [65 * MINUTE_US, 65 * MINUTE_US]
    (note,) = notes_of(conn)
    assert note.credited_us == 60 * MINUTE_US, "as it was at the answer"
    assert listed(conn) == 55 * MINUTE_US


def test_a_note_over_midnight_adds_to_each_day_what_lies_in_it(conn: Connection, worker: int) -> None:
    """On duty from 23:00 to 01:00, a note from 23:30 to 00:10: half an hour and ten minutes."""
    midnight = MORNING + timedelta(hours=16)
    add_shift(conn, Shift(worker, midnight - 60 * MINUTE, midnight + 60 * MINUTE))
    note = accepted(conn, worker, midnight - 30 * MINUTE, midnight + 10 * MINUTE)
    assert note.credited_us == 40 * MINUTE_US
    for later, credit in ((timedelta(0), 30 * MINUTE_US), (DAY, 10 * MINUTE_US)):
        assert credit_day(day_of(conn, worker, later), notes_of(conn, later)) == credit
        assert listed(conn, later) == credit


def test_of_expired_fixes_no_more_is_credited_than_at_the_answers(conn: Connection, worker: int) -> None:
    hour = MORNING + 60 * MINUTE
    accepted(conn, worker, hour, hour + 60 * MINUTE)
    accepted(conn, worker, hour, hour + 60 * MINUTE)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=LATER)
    expired = day_of(conn, worker, kept_days=0)
    assert not expired.proven
    assert credit_day(expired, notes_of(conn)) == 60 * MINUTE_US
    assert credit_day(expired, [replace(note, answer="declined") for note in notes_of(conn)]) == 0
