"""What supervisors and workers ask of a computed day: what is cold, its rhythm, a person's day, the proof, notes.

31010100101: four squares of the small city        w1 serves there, 08:00 to 12:00
+---+---+
| 3 | 4 |      08:00  walks 1 → 2 → 4 → 3, five minutes, a fix every ten seconds
+---+---+
| 1 | 2 |      then silence until noon
+---+---+
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Connection, func, select, true

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id, read_coverage
from analysis.coverage.kept.tables import coverage_duty, coverage_note
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.views.cold import find_ages, list_cold, read_leaves
from analysis.coverage.views.notes import (
    Telling,
    answer_note,
    credit_day,
    credit_shifts,
    forget_people,
    get_note,
    list_notes,
    tell_note,
)
from analysis.coverage.views.people import PeopleAsked, list_people_day
from analysis.coverage.views.person import DayAsked, PersonDay, read_person_day
from analysis.coverage.views.rhythm import read_calendar, read_week
from analysis.coverage.views.walking import suggest_round
from core.errors import Conflict, Invalid
from geo.lookup import Lookup
from people.access import Scope
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, ZONE, add_fixes, build, unit_id

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
MINUTE_US = 60 * 1_000_000
ALL = Scope(everywhere=True)


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, WALK)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    return person_id


def asked(conn: Connection, code: str | None = None, level: str | None = None) -> CoverageAsked:
    found = unit_id(conn, code) if code else None
    return CoverageAsked(find_network_id(conn, "governance"), found, ON, ON, level)


def day_of(conn: Connection, person_id: int, **changed: object) -> PersonDay:
    return read_person_day(conn, replace(DayAsked(person_id, ON, ZONE, NOW, 30), **changed), JOB.rules)


def test_units_of_a_deeper_level_stand_beside_the_whole_and_add_up_to_it(
    conn: Connection, worker: int
) -> None:
    city = read_coverage(conn, asked(conn, level="grid"))
    assert {one.level for one in city.below} == {"grid"}
    assert len(city.below) > 2
    for key, figure in city.whole.figures.items():
        assert figure.numerator == sum(one.figures[key].numerator for one in city.below)


def test_what_was_visited_is_not_cold_and_what_only_a_volunteer_serves_is_not_in_the_list(
    conn: Connection, worker: int
) -> None:
    leaves = read_leaves(conn, asked(conn))
    seen = {leaf.code for leaf in leaves if leaf.last_at is not None}
    own = find_ages(leaves)[unit_id(conn, "31010100101").hex]
    assert (own.leaves, own.never) == (4, 4 - len(seen))
    assert 2 <= len(seen) <= 4
    hours = WorkingHours(ZONE)
    cold = list_cold(conn, asked(conn), before=MORNING, until=NOW, hours=hours, limit=100)
    codes = {stop.leaf.code for stop in cold.stops}
    assert not codes & seen
    assert cold.total == len(codes)
    assert {leaf.code for leaf in leaves if not leaf.observed}.isdisjoint(codes)
    assert sorted(cold.round_) == list(range(min(len(codes), 40)))
    later = list_cold(conn, asked(conn), before=NOW, until=NOW + timedelta(days=1), hours=hours, limit=100)
    again = {stop.leaf.code: stop for stop in later.stops if stop.age is not None}
    assert set(again) == seen
    assert all(stop.duty_age < stop.age for stop in again.values())


def test_a_round_goes_to_every_stop_once_and_crosses_itself_nowhere() -> None:
    """1 and 4 lie west, 2 and 3 east: along one side and back along the other is 300 m, a zigzag more."""
    square = np.array([[0.0, 0.0], [100.0, 100.0], [100.0, 0.0], [0.0, 100.0]])
    found = suggest_round(square)
    assert sorted(found.order) == [0, 1, 2, 3]
    assert found.length_m == pytest.approx(300)
    assert suggest_round(square[:0]).order == ()


def test_the_calendar_has_every_day_and_the_week_its_hours(conn: Connection, worker: int) -> None:
    long = replace(asked(conn), first=ON - timedelta(days=2))
    days = read_calendar(conn, long)
    assert [day.on for day in days] == [ON - timedelta(days=n) for n in (2, 1, 0)]
    assert [day.area is None for day in days] == [True, True, False]
    assert days[-1].area == read_coverage(conn, asked(conn)).whole.figures["area"]
    week = read_week(conn, long)
    assert sum(week.days) == 1
    assert {(hour.weekday, hour.hour) for hour in week.hours} == {(ON.isoweekday(), 8)}
    assert sum(hour.visits for hour in week.hours) > 0


def test_a_person_s_band_holds_every_instant_of_duty_and_adds_up_to_the_kept_figures(
    conn: Connection, worker: int
) -> None:
    day = day_of(conn, worker)
    assert [(one.kind, one.since, one.until) for one in day.band] == [
        ("inside_moving", MORNING, MORNING + timedelta(minutes=5)),
        ("unobserved", MORNING + timedelta(minutes=5), MORNING + timedelta(hours=4)),
    ]
    kept = conn.execute(select(coverage_duty).where(coverage_duty.c.person_id == worker)).one()
    assert list(day.times_us) == kept.times_us
    assert list(day.ways_mm) == kept.ways_mm
    assert day.figures()["observability"].numerator == 5 * MINUTE_US
    assert day.figures()["in_grid"].denominator == 240 * MINUTE_US


def test_a_day_with_two_shifts_shows_each_of_them_and_their_sum(conn: Connection, worker: int) -> None:
    """08:00 to 12:00 and, right after it, 12:00 to 14:00: five minutes of each were walked in the own grid."""
    noon, hour_us = MORNING + timedelta(hours=4), 60 * MINUTE_US
    add_shift(conn, Shift(worker, noon, noon + timedelta(hours=2)))
    add_fixes(conn, worker, WALK, at=noon)
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    note = tell_note(
        conn,
        worker,
        Telling("meeting", noon - timedelta(hours=1), noon + timedelta(hours=1), "开会"),
        now=NOW,
    )
    day = day_of(conn, worker)
    answer_note(conn, get_note(conn, note), [day], answer="accepted", by="boss", text="", now=NOW)
    notes = list_notes(conn, true(), since=MORNING, until=NOW)
    morning, afternoon = day.shifts
    assert day.duty == ((MORNING, noon), (noon, noon + timedelta(hours=2)))
    assert morning.times_us == (5 * MINUTE_US, 0, 0, 0, 4 * hour_us - 5 * MINUTE_US)
    assert afternoon.times_us == (5 * MINUTE_US, 0, 0, 0, 2 * hour_us - 5 * MINUTE_US)
    for shift in day.shifts:
        assert (
            sum(shift.times_us) == shift.duty_us == (shift.until - shift.since) // timedelta(microseconds=1)
        )
    for whole, parts in ((day.times_us, "times_us"), (day.ways_mm, "ways_mm")):
        assert whole == tuple(map(sum, zip(*(getattr(shift, parts) for shift in day.shifts), strict=True)))
    assert morning.valid_mm == afternoon.valid_mm > 0
    credit = credit_shifts(day, notes)
    assert credit == (hour_us, hour_us - 5 * MINUTE_US)
    assert credit_day(day, notes) == sum(credit)
    own = day.figures(afternoon, credited_us=credit[1])
    assert own["in_grid"].denominator == 2 * hour_us
    assert own["in_grid_credited"].numerator == hour_us
    assert own["observability"].numerator == 5 * MINUTE_US
    listed = list_people_day(
        conn,
        PeopleAsked(find_network_id(conn, "governance"), ALL, ON, ZONE, NOW, 30),
        JOB.rules,
    )
    (one,) = [each for each in listed.people if each.code == "w1"]
    assert one.shifts == day.shifts
    gone = day_of(conn, worker, now=NOW + timedelta(days=31))
    assert gone.shifts == day.shifts
    assert sum(credit_shifts(gone, notes)) == sum(credit)


def test_when_the_fixes_have_expired_the_figures_stay_and_say_that_their_proof_is_gone(
    conn: Connection, worker: int
) -> None:
    before = day_of(conn, worker)
    after = day_of(conn, worker, now=NOW + timedelta(days=31))
    assert (after.proven, after.band) == (False, ())
    assert (after.times_us, after.ways_mm) == (before.times_us, before.ways_mm)


def test_an_accepted_note_credits_what_was_not_observed_and_both_values_stay(
    conn: Connection, worker: int
) -> None:
    since, until = MORNING + timedelta(minutes=2), MORNING + timedelta(minutes=65)
    note = get_note(conn, tell_note(conn, worker, Telling("indoor", since, until, "在3号楼入户"), now=NOW))
    day = day_of(conn, worker)
    answered = answer_note(conn, note, [day], answer="accepted", by="boss", text="属实", now=NOW)
    assert (
        answered.credited_us == 60 * MINUTE_US
    )  # from 08:05 to 09:05; what was observed before is not given twice
    assert day_of(conn, worker).times_us == day.times_us
    with pytest.raises(Conflict):
        answer_note(conn, answered, [day], answer="declined", by="boss", text="", now=NOW)
    assert list_notes(conn, true(), since=MORNING, until=NOW) == [answered]
    assert list_notes(conn, true(), since=NOW, until=NOW + timedelta(days=1)) == []


def test_a_note_is_about_a_time_that_has_been_and_expires_with_the_fixes(
    conn: Connection, worker: int
) -> None:
    for since, until in ((0, 0), (1, 0), (-48, 0), (-1, 1)):
        span = NOW + timedelta(hours=since), NOW + timedelta(hours=until)
        with pytest.raises(Invalid):
            tell_note(conn, worker, Telling("rest", *span, "休息"), now=NOW)
    tell_note(conn, worker, Telling("rest", MORNING, NOW, "休息"), now=NOW)
    forget_people(conn, MORNING, ZONE)
    assert conn.scalar(select(func.count()).select_from(coverage_note)) == 1
    forget_people(conn, NOW + timedelta(days=1), ZONE)
    for table in (coverage_note, coverage_duty):
        assert conn.scalar(select(func.count()).select_from(table)) == 0
