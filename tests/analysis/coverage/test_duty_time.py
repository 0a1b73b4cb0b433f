"""Duty time by the calendar of 2026: holidays are not worked, the weekend days swapped for them are."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from analysis.coverage.measures.duty_time import (
    WorkingHours,
    duty_time,
    holiday_names,
    is_known,
    is_working_day,
)
from core.errors import Invalid

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = WorkingHours(ZONE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("on", "works"),
    [
        ("2026-02-14", True),  # a Saturday worked for the Spring Festival
        ("2026-02-17", False),  # the first day of the year of the horse, a Tuesday
        ("2026-02-28", True),
        ("2026-10-01", False),
        ("2026-10-10", True),
        ("2026-06-13", False),  # a plain Saturday
        ("2026-06-10", True),
    ],
)
def test_holidays_are_off_and_swapped_days_are_worked(on: str, works: bool) -> None:
    assert is_working_day(date.fromisoformat(on)) is works


def test_a_holiday_has_its_chinese_name() -> None:
    assert holiday_names(date(2026, 10, 1)) == ("国庆节", "National Day")
    assert holiday_names(date(2026, 10, 10)) is None
    assert holiday_names(date(2026, 6, 13)) is None


def test_a_year_without_a_notice_has_plain_weekends_and_says_so() -> None:
    assert is_known(date(2026, 1, 1))
    assert not is_known(date(2060, 1, 1))
    assert is_working_day(date(2060, 1, 1))
    assert not is_working_day(date(2060, 1, 3))
    assert holiday_names(date(2060, 1, 1)) is None


def test_a_visit_before_the_national_day_is_days_ago_and_hardly_any_duty_time() -> None:
    """Wednesday 30 September 17:00 to Friday 9 October 09:00: one hour, then seven days off, one day, one hour."""
    since, until = at("2026-09-30T17:00"), at("2026-10-09T09:00")
    assert (until - since).days == 8
    assert duty_time(since, until, HOURS) == timedelta(hours=1 + 10 + 1)


def test_duty_time_adds_up_and_is_nothing_backwards() -> None:
    first, middle, last = at("2026-02-10T07:00"), at("2026-02-14T12:00"), at("2026-03-02T20:00")
    assert duty_time(first, middle, HOURS) + duty_time(middle, last, HOURS) == duty_time(first, last, HOURS)
    assert duty_time(last, first, HOURS) == timedelta(0)
    with pytest.raises(Invalid, match="before they begin"):
        WorkingHours(ZONE, time(18), time(8))
