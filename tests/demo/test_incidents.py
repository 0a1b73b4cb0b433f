"""The year of cases: as many as said, closed but for a few, and the planted places stand out by as much as was planted."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.reports import CaseReport, check_report
from demo.city.make import SEED
from demo.incidents import PAST_CASES, STILL_OPEN, Scenery, fresh_cases, past_cases
from demo.streets import M_PER_DEG

UNTIL = datetime(2026, 6, 9, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def scenery() -> Scenery:
    return Scenery()


@pytest.fixture(scope="module")
def year(scenery: Scenery) -> list[CaseReport]:
    return past_cases(SEED, UNTIL, scenery)


def test_a_year_has_17182_cases_of_which_17154_are_closed(year: list[CaseReport]) -> None:
    assert len(year) == PAST_CASES == 17_182
    assert sum(one.state == "closed" for one in year) == PAST_CASES - STILL_OPEN == 17_154
    assert len({one.external_ref for one in year}) == PAST_CASES


def test_nothing_is_wrong_with_any_of_them(year: list[CaseReport]) -> None:
    assert not [trouble for one in year for trouble in check_report(one, UNTIL)]
    assert all(one.occurred_at and UNTIL - timedelta(days=366) < one.occurred_at <= UNTIL for one in year)


def test_planted_places_hold_what_was_planted_and_little_else(
    year: list[CaseReport], scenery: Scenery
) -> None:
    where = np.array([(one.lon, one.lat) for one in year], float)
    for place in scenery.planted:
        away = np.hypot(*((where - (place.lon, place.lat)) * M_PER_DEG).T)
        within = int((away <= place.radius_m + 1).sum())
        assert place.cases <= within < 1.6 * place.cases + 25


def test_the_same_seed_makes_the_same_year(year: list[CaseReport], scenery: Scenery) -> None:
    assert past_cases(SEED, UNTIL, scenery) == year
    assert past_cases(SEED + 1, UNTIL, scenery) != year


def test_reports_of_today_name_a_place_in_the_city(scenery: Scenery) -> None:
    reports = fresh_cases(scenery, np.random.default_rng(1))
    for _ in range(50):
        report = next(reports)
        assert 113.9 < float(str(report["lon"])) < 114.2
        assert "附近" in str(report["description"])
