"""Coverage as the database keeps it: computed from what is stored, summed for any unit, the same whenever it is computed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, insert, select

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import DayDone, check_sampling, compute_day
from analysis.coverage.kept.ground import DayGround
from analysis.coverage.kept.reading import Coverage, find_network_id, read_coverage
from analysis.coverage.kept.tables import coverage_duty
from core.errors import Invalid, NotFound
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.plans import add_units_to_plan
from people.persons import Post, add_person, assign
from people.shifts import Shift, add_shift
from tests.analysis.coverage.town import (
    JOB,
    MORNING,
    NOW,
    ON,
    accept,
    add_fixes,
    add_worker,
    build,
    survey,
    unit_id,
)
from tests.city import centre, code_at, governance_drafts
from tracking.tables import fix

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]


def compute(conn: Connection, on: date = ON) -> DayDone:
    return compute_day(conn, Lookup(conn), JOB, on=on, now=NOW)


def read(conn: Connection, code: str | None = None, first: date = ON, last: date = ON) -> Coverage:
    found = unit_id(conn, code) if code else None
    return read_coverage(conn, CoverageAsked(find_network_id(conn, "governance"), found, first, last))


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, WALK)
    return person_id


def test_the_units_above_are_the_sum_of_those_below(conn: Connection, worker: int) -> None:
    assert compute(conn) == DayDone(ON, 31)
    city = read(conn)
    district = read(conn, "3101")
    assert [one.code for one in city.below] == ["3101", "3102"]
    for key, figure in city.whole.figures.items():
        assert figure.numerator == sum(one.figures[key].numerator for one in city.below)
        assert figure.denominator == sum(one.figures[key].denominator for one in city.below)
        assert district.whole.figures[key] == city.below[0].figures[key]
    grid = read(conn, "31010100101")
    assert len(grid.below) == 4
    area = grid.whole.figures["area"]
    assert area.share is not None
    assert 0.5 < area.share <= 1
    assert area.numerator == city.whole.figures["area"].numerator
    assert area.denominator == pytest.approx(4 * 186.6 * 221.8 * 1e4, rel=0.01)


def test_a_district_that_only_a_volunteer_serves_is_not_observed_and_never_nought_per_cent(
    conn: Connection, worker: int
) -> None:
    compute(conn)
    city = read(conn)
    east = next(one for one in city.below if one.code == "3102")
    assert east.figures["area"].share is None
    assert (east.unit_days, east.not_observed_days) == (32, 32)
    assert city.whole.figures["area"].not_observed == east.figures["area"].not_observed > 0


def test_a_person_s_times_add_up_to_the_shift(conn: Connection, worker: int) -> None:
    compute(conn)
    rows = {row.person_id: row for row in conn.execute(select(coverage_duty))}
    own = rows[worker]
    assert sum(own.times_us) == 4 * 3600 * 1_000_000
    assert own.times_us[0] == 300 * 1_000_000
    assert own.times_us[4] == (4 * 3600 - 300) * 1_000_000


def test_a_day_whose_fixes_have_expired_stays_as_it_is(conn: Connection, worker: int) -> None:
    compute(conn)
    before = read(conn).whole.figures
    done = compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW + timedelta(days=31))
    assert done.left == "its fixes have expired"
    assert read(conn).whole.figures == before


def test_a_period_is_summed_day_by_day_and_tells_what_was_visited_at_least_once(
    conn: Connection, worker: int
) -> None:
    yesterday = ON - timedelta(days=1)
    for on in (yesterday, ON):
        compute(conn, on)
    two, one = read(conn, first=yesterday), read(conn)
    assert two.days == (yesterday, ON)
    assert two.whole.figures["area"].denominator == 2 * one.whole.figures["area"].denominator
    assert two.whole.figures["area"].numerator == one.whole.figures["area"].numerator
    assert two.once is not None
    assert (two.once.numerator, two.once.denominator) == (
        one.whole.figures["area"].numerator,
        one.whole.figures["area"].denominator,
    )
    assert not two.spans_editions


def test_how_long_nobody_came_goes_on_over_midnight_and_is_the_longest_of_the_units_below(
    conn: Connection, worker: int
) -> None:
    for n in (-2, 0):  # nobody on the day between, and the walk of the first is the one of the last
        on = ON + timedelta(days=n)
        if n:
            add_shift(conn, Shift(worker, MORNING + timedelta(days=n), MORNING + timedelta(days=n, hours=4)))
            add_fixes(conn, worker, WALK, at=MORNING + timedelta(days=n))
        compute(conn, on)
    hour_us, first = 3_600_000_000, ON - timedelta(days=2)
    apart = read(
        conn, "3101010010101", first=first
    )  # the day between was not computed: nothing is said of it
    assert apart.whole.unvisited_us is not None
    assert 15 * hour_us < apart.whole.unvisited_us <= 16 * hour_us
    compute(conn, ON - timedelta(days=1))
    own = read(conn, "3101010010101", first=first).whole
    assert own.visits == 2
    assert own.dwell_us
    assert own.unvisited_us is not None
    assert 47 * hour_us < own.unvisited_us < 48 * hour_us
    grid = read(conn, "31010100101", first=first)
    assert grid.whole.visits == sum(one.visits or 0 for one in grid.below)
    assert grid.whole.unvisited_us == max(one.unvisited_us or 0 for one in grid.below)
    city = read(conn, first=first)
    assert (city.whole.visits, city.whole.dwell_us) == (grid.whole.visits, grid.whole.dwell_us)
    assert city.whole.unvisited_us == 70 * hour_us  # three days, of which fourteen hours after eight had been
    assert next(one for one in city.below if one.code == "3102").unvisited_us is None


def test_what_cannot_be_claimed_is_judged_by_the_phones_of_each_unit_and_day(
    conn: Connection, worker: int
) -> None:
    slow = add_worker(conn, "w2", code_at(2, 0, "grid"))
    lon, lat = centre(2, 0)
    conn.execute(
        insert(fix),
        [
            {
                "device_id": slow,
                "person_id": slow,
                "fixed_at": MORNING + timedelta(seconds=300 * n),
                "received_at": NOW,
                "lon": lon,
                "lat": lat,
                "accuracy_m": 5.0,
                "digest": n,
            }
            for n in range(8)
        ],
    )
    compute(conn)
    city = read(conn)
    assert city.interval_s == 10
    assert not city.claimable
    assert (city.whole.not_claimable_days, city.whole.interval_s) == (1, 300)
    assert read(conn, "31010100101").claimable
    assert not read(conn, code_at(2, 0, "grid")).claimable
    compute(
        conn, ON - timedelta(days=1)
    )  # nobody's fixes: nothing can be claimed of that day, whatever the other says
    two = read(conn, "31010100101", first=ON - timedelta(days=1))
    assert two.whole.not_claimable_days == 4
    assert not two.claimable


def test_who_serves_where_is_that_of_each_day_also_when_days_share_their_ground(
    conn: Connection, worker: int
) -> None:
    tomorrow = ON + timedelta(days=1)
    tracked = add_person(conn, "w2", "w2")
    accept(conn, tracked)
    assign(conn, tracked, Post(unit_id(conn, "3102"), "grid_worker", MORNING + timedelta(days=1)))
    lookup, kept = Lookup(conn), dict[object, DayGround]()
    for on in (ON, tomorrow):
        compute_day(conn, lookup, JOB, on=on, now=NOW + timedelta(days=1), kept=kept)
    assert read(conn, "3102").whole.figures["area"].denominator == 0
    assert read(conn, "3102", tomorrow, tomorrow).whole.figures["area"].denominator > 0


def test_a_period_over_two_editions_is_on_each_day_s_own_borders_and_says_so(
    conn: Connection, worker: int
) -> None:
    add_fixes(conn, worker, WALK, at=MORNING + timedelta(days=1))
    compute(conn)
    first = read(conn, "31010100101").whole.figures["area"]
    moved = [  # the grid now has five micro-grids
        replace(draft, parent_code="31010100101") if draft.code == "3101010020101" else draft
        for draft in governance_drafts()
    ]
    add_units_to_plan(conn, "governance", moved, author="test")
    noon = MORNING + timedelta(hours=4, days=1)
    publish_plan(conn, "governance", effective_from=noon, by="test", now=NOW)
    lookup = Lookup(conn)
    compute_day(conn, lookup, JOB, on=ON + timedelta(days=1), now=NOW + timedelta(days=1))
    both = read(conn, "31010100101", last=ON + timedelta(days=1))
    second = read(conn, "31010100101", ON + timedelta(days=1), ON + timedelta(days=1))
    assert both.spans_editions
    assert both.once is None
    assert second.whole.figures["area"].denominator == pytest.approx(first.denominator * 5 / 4, rel=1e-3)
    assert (
        both.whole.figures["area"].denominator == first.denominator + second.whole.figures["area"].denominator
    )
    assert second.spans_editions  # other borders held that morning


def test_doors_streets_and_required_visits_are_counted_where_they_are_known(
    conn: Connection, worker: int, tmp_path
) -> None:
    survey(conn, tmp_path)
    compute(conn)
    grid = read(conn, "31010100101")
    assert (grid.whole.figures["doors"].numerator, grid.whole.figures["doors"].denominator) == (1, 1)
    assert grid.whole.figures["households"].numerator == 3
    assert (grid.required.numerator, grid.required.denominator) == (1, 2)
    walked, all_of_them = grid.whole.figures["streets"].numerator, grid.whole.figures["streets"].denominator
    assert all_of_them == pytest.approx(1.9 * 186.6 * 1000, rel=0.02)
    assert walked == pytest.approx(1.07 * 186.6 * 1000, rel=0.12)
    assert read(conn).whole.figures["area"].denominator < 64 * 186.6 * 221.8 * 1e4


def test_cells_finer_than_the_phones_support_are_refused_with_what_they_do_support(
    conn: Connection, worker: int
) -> None:
    from tests.tracking.city import make_device

    device = make_device(conn, "P1", "w1")
    assert device
    check_sampling(conn, replace(JOB.rules, resolution=10))
    with pytest.raises(Invalid, match="WANGGE_H3_RESOLUTION to 11"):
        check_sampling(conn, replace(JOB.rules, resolution=12))


def test_a_period_of_which_nothing_was_computed_is_not_found(conn: Connection, worker: int) -> None:
    with pytest.raises(NotFound, match="has been computed"):
        read(conn)
    with pytest.raises(Invalid, match="1 to 366 days"):
        read(conn, first=ON, last=ON - timedelta(days=1))
