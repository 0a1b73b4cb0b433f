"""What stands in a denominator and what outside: sites, people and ground that nobody tracked serves.

3101: w1 walks 31010100101 in the morning          3102: v1 volunteers there, and is not tracked
"""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import Coverage, find_network_id, read_coverage
from analysis.coverage.measures.meanings import explain
from analysis.coverage.views.people import PeopleAsked, PeopleDay, list_people_day
from analysis.coverage.views.person import DayAsked, read_person_day
from analysis.coverage.views.sites import list_sites
from core.clock import day_bounds
from geo.lookup import Lookup
from geo.walkable import SUBJECTS, SurveyFile, import_survey
from people.access import Scope
from people.notices import withdraw_acceptance
from tests.analysis.coverage.town import (
    JOB,
    MORNING,
    NOW,
    ON,
    ZONE,
    accept,
    add_fixes,
    add_worker,
    build,
    unit_id,
)
from tests.city import centre

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
DUTY_US = 4 * 3600 * 10**6
WALKED, VOLUNTEERED = (1.0, 0.5), (5.0, 0.0)


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, WALK)
    return person_id


def add_sites(conn: Connection, folder: Path, *sites: tuple[str, int, int, tuple[float, float]]) -> None:
    """Code, visits in days, and the square."""
    file = folder / "sites.csv"
    rows = [
        f"{code},{visits},{days},0,{lon},{lat}\n"
        for code, visits, days, place in sites
        for lon, lat in [centre(*place)]
    ]
    file.write_text("code,visits,days,minutes,lon,lat\n" + "".join(rows), "utf-8")
    survey = SurveyFile(file, SUBJECTS["sites"], ON - timedelta(days=30), crs="wgs84")
    import_survey(conn, survey, now=NOW)


def compute(conn: Connection, on: date = ON) -> None:
    compute_day(conn, Lookup(conn), JOB, on=on, now=max(NOW, NOW + (on - ON)))


def read(conn: Connection, code: str | None = None, first: date = ON, last: date = ON) -> Coverage:
    found = unit_id(conn, code) if code else None
    return read_coverage(conn, CoverageAsked(find_network_id(conn, "governance"), found, first, last))


def counts(figure: Figure) -> tuple[int, int, int]:
    return figure.numerator, figure.denominator, figure.not_observed


def test_a_site_where_nobody_tracked_serves_is_not_observed_and_never_missing(
    conn: Connection, worker: int, tmp_path: Path
) -> None:
    add_sites(conn, tmp_path, ("S1", 1, 1, WALKED), ("S2", 2, 1, VOLUNTEERED))
    compute(conn)
    assert counts(read(conn).required) == (1, 1, 2)
    assert counts(read(conn, "3101").required) == (1, 1, 0)
    east = read(conn, "3102").required
    assert (counts(east), east.share) == ((0, 0, 2), None)


def people_of(conn: Connection) -> PeopleDay:
    asked = PeopleAsked(find_network_id(conn, "governance"), Scope(everywhere=True), ON, ZONE, NOW, 30)
    return list_people_day(conn, asked, JOB.rules)


def test_who_cannot_be_seen_is_listed_and_stands_in_no_sum_and_no_median(
    conn: Connection, worker: int
) -> None:
    """w1 walked; three more workers accepted nothing, accepted and were silent, and withdrew the day before."""
    others = {code: add_worker(conn, code, "31010100102") for code in ("w2", "w3", "w4")}
    accept(conn, others["w3"])
    accept(conn, others["w4"])
    withdraw_acceptance(conn, others["w4"], day_bounds(ON, ZONE)[0])
    compute(conn)
    day = people_of(conn)
    seen = {one.code: one.observed for one in day.people}
    assert seen == {"v1": False, "w1": True, "w2": False, "w3": True, "w4": False}
    assert (day.figures["observability"].denominator, day.figures["observability"].not_observed) == (
        2 * DUTY_US,
        3 * DUTY_US,
    )
    assert day.median_observed is None, "of two"
    asked = DayAsked(others["w2"], ON, ZONE, NOW, 30)
    for kept_days in (30, 0):
        own = read_person_day(conn, replace(asked, kept_days=kept_days), JOB.rules)
        assert (own.observed, own.duty_us) == (False, DUTY_US)
        assert {figure.share for figure in own.figures().values()} == {None}
        assert own.figures()["in_grid"].not_observed == DUTY_US


def test_a_weekly_visit_made_on_monday_is_not_missing_on_the_days_after(
    conn: Connection, worker: int, tmp_path: Path
) -> None:
    """S1 needs one visit a week and S2 one a day; both were visited on ON."""
    add_sites(conn, tmp_path, ("S1", 1, 7, WALKED), ("S2", 1, 1, WALKED))
    days = [ON + timedelta(days=n) for n in (0, 1, 6, 7)]
    for on in days:
        compute(conn, on)
    made = [counts(read(conn, "31010100101", on, on).required)[:2] for on in days]
    assert made == [(2, 2), (1, 2), (1, 2), (0, 2)]
    assert counts(read(conn, "31010100101", days[0], days[2]).required)[:2] == (2, 4), "one and three are due"
    east_and_west = [read(conn, code, days[1], days[1]).required for code in ("3101", "3102")]
    whole = read(conn, None, days[1], days[1]).required
    assert whole.denominator == sum(one.denominator for one in east_and_west)
    assert whole.numerator == sum(one.numerator for one in east_and_west)


def test_the_nearest_who_serve_decide_and_a_grid_s_own_worker_stands_for_its_micro_grids(
    conn: Connection, worker: int
) -> None:
    """A tracked worker of the whole district 3101, and volunteers in some of it."""
    accept(conn, add_worker(conn, "far", "3101"))
    helped, alone = "31010100101", "31010100102"
    add_worker(conn, "v2", f"{helped}01", "micro_grid_worker")
    add_worker(conn, "v3", alone, "volunteer")
    compute(conn)
    assert read(conn, helped).whole.not_observed_days == 0, "w1 walks the grid that v2 helps in"
    assert read(conn, alone).whole.not_observed_days == read(conn, alone).whole.unit_days
    west = read(conn, "3101").whole
    assert west.not_observed_days == read(conn, alone).whole.unit_days, (
        "where nobody is nearer, who is far serves"
    )


def test_who_accepted_no_notice_makes_no_unit_observed(conn: Connection, worker: int) -> None:
    silent = add_worker(conn, "w5", "3102")
    compute(conn)
    assert read(conn, "3102").whole.figures["area"].share is None
    accept(conn, silent, MORNING + timedelta(hours=1))
    compute(conn)
    assert read(conn, "3102").whole.figures["area"].share == 0


def test_required_places_are_told_one_by_one_and_by_unit(
    conn: Connection, worker: int, tmp_path: Path
) -> None:
    add_sites(conn, tmp_path, ("S1", 1, 1, WALKED), ("S2", 2, 1, VOLUNTEERED), ("S3", 3, 2, (0.0, 3.0)))
    compute(conn, ON - timedelta(days=1))
    compute(conn)
    first = ON - timedelta(days=1)
    city = read(conn, first=first)
    assert counts(city.required) == (1, 5, 4)
    by_unit = {one.code: counts(one.figures["required"]) for one in city.below}
    assert by_unit == {"3101": (1, 5, 0), "3102": (0, 0, 4)}
    found = list_sites(conn, city.asked)
    assert [(one.code, one.visits, one.required, one.missing) for one in found] == [
        ("S3", 0, 3, 3),
        ("S1", 1, 2, 1),
        ("S2", 0, 0, 0),
    ]
    never, walked, unseen = found
    assert never.last_at is None
    assert never.unvisited_us == 46 * 3_600_000_000  # a day, and until ten in the evening
    assert walked.last_at is not None
    assert walked.unvisited_us is not None
    assert 24 * 3_600_000_000 < walked.unvisited_us < 33 * 3_600_000_000
    assert (unseen.observed, unseen.unvisited_us) == (False, None)
    assert (walked.lon, walked.lat) == pytest.approx(centre(*WALKED))
    south = list_sites(conn, read(conn, "31010100101", first=first).asked)
    assert [one.code for one in south] == ["S1"]
    assert sum(one.required for one in south) == read(conn, "31010100101", first=first).required.denominator


def test_what_a_definition_means_is_told_with_the_limits_of_the_day(conn: Connection, worker: int) -> None:
    compute_day(
        conn,
        Lookup(conn),
        replace(JOB, rules=replace(JOB.rules, passing_m=31, visit_gap_s=420)),
        on=ON,
        now=NOW,
    )
    meanings = explain(read(conn).rules)
    assert meanings.keys() == DEFINITIONS.keys()
    assert "不超过 31 米" in meanings["doors"].zh
    assert "within 31 m" in meanings["doors"].en
    assert "away for at most 7 min" in meanings["required"].en
    assert "within 15 m" in explain({})["streets"].en
