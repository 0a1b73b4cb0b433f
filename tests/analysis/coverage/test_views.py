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

from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import CoverageAsked, find_network_id, read_coverage
from analysis.coverage.kept.tables import coverage_duty, coverage_note
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.views.cold import find_ages, list_cold, read_leaves
from analysis.coverage.views.notes import (
    Telling,
    answer_note,
    forget_people,
    get_note,
    list_notes,
    tell_note,
)
from analysis.coverage.views.person import DayAsked, PersonDay, read_person_day
from analysis.coverage.views.proof import ProofAsked, prove
from analysis.coverage.views.rhythm import read_calendar, read_week
from analysis.coverage.views.walking import suggest_round
from core.errors import Conflict, Invalid
from geo.lookup import Lookup
from geo.tables import unit_version
from people.access import Scope
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


def test_when_the_fixes_have_expired_the_figures_stay_and_say_that_their_proof_is_gone(
    conn: Connection, worker: int
) -> None:
    before = day_of(conn, worker)
    after = day_of(conn, worker, now=NOW + timedelta(days=31))
    assert (after.proven, after.band) == (False, ())
    assert (after.times_us, after.ways_mm) == (before.times_us, before.ways_mm)
    versions = conn.scalars(select(unit_version.c.id)).all()
    proof = prove(conn, Lookup(conn), JOB, ProofAsked(ON, versions, ALL), now=NOW + timedelta(days=31))
    assert proof.expired
    assert proof.visits == ()


def test_the_proof_of_a_grid_is_its_fixes_and_makes_up_the_very_numerator(
    conn: Connection, worker: int
) -> None:
    leaves = [leaf for leaf in read_leaves(conn, asked(conn)) if leaf.code.startswith("31010100101")]
    proof = prove(conn, Lookup(conn), JOB, ProofAsked(ON, [leaf.version_id for leaf in leaves], ALL), now=NOW)
    area = read_coverage(conn, asked(conn, "31010100101")).whole.figures["area"]
    assert proof.area_cm2 == area.numerator > 0
    assert proof.total == len(proof.visits) > 0
    assert {visit.person_code for visit in proof.visits} == {"w1"}
    for visit in proof.visits:
        times = [fix.at for fix in visit.fixes]
        assert times == sorted(times)
        assert times[0] <= visit.since <= visit.until <= times[-1]
    other = ProofAsked(
        ON, [leaf.version_id for leaf in leaves], Scope(everywhere=False, paths=("elsewhere",))
    )
    hidden = prove(conn, Lookup(conn), JOB, other, now=NOW)
    assert hidden.area_cm2 == proof.area_cm2
    assert {(visit.person_code, visit.fixes) for visit in hidden.visits} == {(None, ())}


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
    forget_people(conn, MORNING)
    assert conn.scalar(select(func.count()).select_from(coverage_note)) == 1
    forget_people(conn, NOW + timedelta(days=1))
    for table in (coverage_note, coverage_duty):
        assert conn.scalar(select(func.count()).select_from(table)) == 0
