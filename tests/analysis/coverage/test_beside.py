"""What stands beside coverage: who came to a case and how soon, check-ins, weeks.

w1 walks the squares of 31010100101 from 08:00, a fix every ten seconds and about twenty metres:

    4 <- 3      the case lies in the middle of 3: fixes within 50 m of it from 08:03:00 to 08:03:40
         ^
    1 -> 2
"""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, func, select, update

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id, read_coverage
from analysis.coverage.kept.tables import coverage_checkin, coverage_day
from analysis.coverage.views.checkins import Position, count_checkins, list_own, tell_checkin
from analysis.coverage.views.notes import forget_people
from analysis.coverage.views.people import PeopleAsked, list_people_day
from analysis.coverage.views.responses import Response, Responses, ResponsesAsked, read_responses
from analysis.coverage.views.trend import WEEKS, read_trend
from cases.events import Actor, Event, read_chain, write_events
from cases.intake import take_in_cases
from cases.reports import CaseReport
from cases.tables import case
from core.clock import day_bounds
from core.errors import Invalid
from geo.lookup import Lookup
from people.access import Scope
from people.persons import find_person
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, ZONE, add_fixes, build, unit_id
from tests.city import centre, code_at

ALL = Scope(everywhere=True)
SECOND = timedelta(seconds=1)


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    return person_id


def report(conn: Connection, ref: str, square: tuple[float, float] | None = (1.0, 1.0)) -> str:
    lon, lat = centre(*square) if square else (None, None)
    one = CaseReport("test", ref, "noise", lon=lon, lat=lat, reported_at=MORNING - SECOND)
    (taken,) = take_in_cases(conn, Lookup(conn), [one], actor=Actor("desk", "desk"), now=NOW)
    return taken.number


def log(conn: Connection, number: str, kind: str, at: datetime, state: str = "assigned", **told: str) -> None:
    case_id = conn.scalar(select(case.c.id).where(case.c.number == number)) or 0
    event = Event(kind, state, "desk", "desk", at, evidence=dict(told))
    write_events(conn, [read_chain(conn, case_id).append(event)])
    conn.execute(update(case).where(case.c.id == case_id).values(seq=case.c.seq + 1))


def send(conn: Connection, ref: str, at: datetime = MORNING, who: str = "w1") -> str:
    number = report(conn, ref)
    log(conn, number, "assign", at, assignee=who)
    return number


def responses(
    conn: Connection, now: datetime = NOW, scope: Scope = ALL, code: str | None = None, kept_days: float = 30
) -> Responses:
    since, until = day_bounds(ON, ZONE)
    where = {
        "network_id": find_network_id(conn, "governance"),
        "unit_id": unit_id(conn, code) if code else None,
    }
    return read_responses(conn, ResponsesAsked(since, until, now, kept_days, scope, **where))


def only(found: Responses) -> Response:
    (row,) = found.rows
    return row


def test_who_was_sent_came_with_the_first_fix_within_fifty_metres(conn: Connection, worker: int) -> None:
    send(conn, "a", MORNING + 60 * SECOND)
    found = responses(conn)
    assert only(found).came_at == MORNING + 180 * SECOND
    assert (only(found).took_s, only(found).duty_s, only(found).person_code) == (120, 120, "w1")
    assert (found.figure.numerator, found.figure.denominator, found.figure.not_observed) == (1, 1, 0)
    assert found.median_s is None, "a median of one tells on one"
    assert len(responses(conn, code="31010100101").rows) == 1
    assert responses(conn, code="3102").rows == ()


def test_whoever_stands_there_already_is_there_at_once(conn: Connection, worker: int) -> None:
    send(conn, "a", MORNING + 200 * SECOND)
    assert only(responses(conn)).took_s == 0


def test_off_shift_nobody_has_to_come(conn: Connection, worker: int) -> None:
    """Sent at 07:00 for a shift from 08:00: an hour and three minutes by the clock, three on duty."""
    send(conn, "a", MORNING - timedelta(hours=1))
    row = only(responses(conn))
    assert (row.took_s, row.duty_s) == (3600 + 180, 180)
    send(conn, "b", MORNING + timedelta(hours=5))
    found = responses(conn, MORNING + timedelta(hours=30))
    assert found.rows[1].outcome == "not_observed"
    assert (found.figure.numerator, found.figure.denominator, found.figure.not_observed) == (1, 1, 1)


def test_a_phone_that_was_silent_all_the_time_is_not_somebody_who_did_not_come(
    conn: Connection, worker: int
) -> None:
    send(conn, "a", MORNING + timedelta(hours=1))
    found = responses(conn, MORNING + timedelta(hours=30))
    assert (only(found).outcome, found.figure.denominator) == ("not_observed", 0)


def test_who_came_after_the_case_went_to_another_did_not_come_for_it(conn: Connection, worker: int) -> None:
    number = send(conn, "a")
    log(conn, number, "assign", MORNING + 120 * SECOND, assignee="v1")
    found = responses(conn)
    assert [row.outcome for row in found.rows] == ["not_seen", "not_observed"]
    assert (found.figure.numerator, found.figure.denominator, found.figure.not_observed) == (0, 1, 1)


def test_who_still_has_time_is_waited_for_and_after_a_day_was_not_seen(conn: Connection, worker: int) -> None:
    send(conn, "a", MORNING + 300 * SECOND)
    found = responses(conn, MORNING + 310 * SECOND)
    assert (only(found).outcome, found.waiting, found.figure.denominator) == ("waiting", 1, 0)
    later = responses(conn, MORNING + timedelta(hours=25))
    assert (only(later).outcome, later.figure.share) == ("not_seen", 0)
    assert only(responses(conn, MORNING + timedelta(days=40))).outcome == "not_observed", "the fixes expired"


def test_a_case_without_a_place_and_a_volunteer_are_not_observed(conn: Connection, worker: int) -> None:
    log(conn, report(conn, "a", None), "assign", MORNING, assignee="w1")
    send(conn, "b", who="v1")
    mine = ResponsesAsked(*day_bounds(ON, ZONE), NOW, 30, ALL, person_id=worker)
    assert [row.outcome for row in read_responses(conn, mine).rows] == ["not_observed"]
    assert [row.outcome for row in responses(conn).rows] == ["not_observed"]


def test_names_are_of_those_one_leads_and_a_median_is_of_three(conn: Connection, worker: int) -> None:
    for n, ref in enumerate("abc"):
        send(conn, ref, MORNING + 30 * n * SECOND)
    other = Scope(everywhere=False, paths=(unit_id(conn, "3102").hex,))
    found = responses(conn, scope=other)
    assert {row.person_name for row in found.rows} == {None}
    assert (found.median_s, found.p90_s) == (150, 174)


def test_a_check_in_stands_beside_the_unit_and_in_no_figure(conn: Connection, worker: int) -> None:
    asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
    before = read_coverage(conn, asked)
    volunteer, lookup = find_person(conn, "v1").id, Lookup(conn)
    here = Position(*centre(5, 0), 8)
    told = tell_checkin(conn, lookup, volunteer, here, now=MORNING)
    assert code_at(5, 0) in {one.unit_code for one in told}
    tell_checkin(conn, lookup, volunteer, here, now=MORNING + 60 * SECOND)
    tell_checkin(conn, lookup, volunteer, here, now=MORNING + timedelta(hours=1))
    tell_checkin(conn, lookup, worker, here, now=MORNING + timedelta(hours=2))
    since, until = day_bounds(ON, ZONE)
    found = count_checkins(conn, asked, since=since, until=until)
    district = found[unit_id(conn, "3102").hex]
    assert (district.checkins, district.people, district.last_at) == (3, 2, MORNING + timedelta(hours=2))
    assert unit_id(conn, "3101").hex not in found
    assert read_coverage(conn, asked) == before
    own = list_own(conn, volunteer, since=since, now=NOW)
    assert [one.at for one in own if one.network == "governance"] == [MORNING + timedelta(hours=1), MORNING]
    forget_people(conn, MORNING + 60 * SECOND, ZONE)
    assert conn.scalar(select(func.count(coverage_checkin.c.at.distinct()))) == 2


def test_a_check_in_that_says_no_unit_is_refused(conn: Connection, worker: int) -> None:
    with pytest.raises(Invalid, match="150 m"):
        tell_checkin(conn, Lookup(conn), worker, Position(*centre(0, 0), 150), now=MORNING)
    with pytest.raises(Invalid, match="no unit"):
        tell_checkin(conn, Lookup(conn), worker, Position(0, 0, 5), now=MORNING)


def test_a_week_is_the_sum_of_its_days_and_one_without_any_is_a_gap(conn: Connection, worker: int) -> None:
    asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
    compute_day(conn, Lookup(conn), JOB, on=ON - timedelta(days=1), now=NOW)
    weeks = read_trend(conn, asked)
    assert len(weeks) == WEEKS
    assert [week.days for week in weeks] == [0] * (WEEKS - 1) + [2]
    assert weeks[0].figures == {}
    assert weeks[-1].monday == ON - timedelta(days=ON.weekday())
    two = read_coverage(conn, CoverageAsked(asked.network_id, None, ON - timedelta(days=1), ON)).whole
    assert {key: weeks[-1].figures[key] for key in ("area", "doors")} == {
        key: two.figures[key] for key in ("area", "doors")
    }
    conn.execute(delete(coverage_day))
    assert {week.days for week in read_trend(conn, asked)} == {0}


def test_figures_of_a_role_are_the_sums_of_its_people(conn: Connection, worker: int) -> None:
    network_id = find_network_id(conn, "governance")
    every, workers, volunteers = (
        list_people_day(conn, PeopleAsked(network_id, ALL, ON, ZONE, NOW, 30, role), JOB.rules)
        for role in (None, "grid_worker", "volunteer")
    )
    duty = 4 * 3600 * 10**6
    assert every.figures["observability"].denominator == workers.figures["observability"].denominator == duty
    assert workers.figures["in_grid"].numerator == every.figures["in_grid"].numerator == 300 * 10**6
    assert (every.figures["in_grid"].not_observed, workers.figures["in_grid"].not_observed) == (duty, 0)
    assert [(one.code, one.observed) for one in every.people] == [("v1", False), ("w1", True)]
    assert volunteers.figures["observability"].share is None
