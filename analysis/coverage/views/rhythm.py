"""The rhythm of visits: day by day, and by hour of the day and day of the week."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, select

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.asked import CoverageAsked, bounds_of
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.measures.duty_time import holiday_names, is_working_day
from core.db import sql_file


@dataclass(frozen=True)
class CalendarDay:
    """`area` None: the day was not computed. `is_working`: by the working calendar; `holiday`: its names in Chinese and English."""

    on: date
    is_working: bool
    holiday: tuple[str, str] | None
    area: Figure | None
    edition_changed: bool


@dataclass(frozen=True)
class Hour:
    """Of one weekday (1: Monday) and hour of the clock, over all its days: visits begun, and time in them."""

    weekday: int
    hour: int
    visits: int
    dwell_us: int


@dataclass(frozen=True)
class Week:
    """`days`: how many of each weekday were computed, Monday first. Hours without a visit are not here."""

    hours: tuple[Hour, ...]
    days: tuple[int, ...]


def read_calendar(conn: Connection, asked: CoverageAsked) -> list[CalendarDay]:
    """Every day of the period, computed or not."""
    rows = conn.execute(sql_file("analysis.coverage", "calendar"), bounds_of(asked)).mappings()
    known = {row["on"]: row for row in rows}
    days = []
    for on in (asked.first + timedelta(days=n) for n in range((asked.last - asked.first).days + 1)):
        row = known.get(on)
        area = (
            None
            if row is None
            else Figure(
                DEFINITIONS["area"],
                int(row["numerator"]),
                int(row["denominator"]),
                row["as_of"],
                possible=int(row["possible"]),
                not_observed=int(row["not_observed"]),
            )
        )
        changed = row is not None and row["edition_changed"]
        days.append(CalendarDay(on, is_working_day(on), holiday_names(on), area, changed))
    return days


def read_week(conn: Connection, asked: CoverageAsked) -> Week:
    """The period's visits by weekday and hour."""
    rows = conn.execute(sql_file("analysis.coverage", "week"), bounds_of(asked))
    hours = tuple(Hour(row.weekday, row.hour, int(row.visits), int(row.dwell_us)) for row in rows)
    on = conn.scalars(
        select(coverage_day.c.on).where(
            coverage_day.c.network_id == asked.network_id,
            coverage_day.c.on.between(asked.first, asked.last),
        )
    )
    days = Counter(day.isoweekday() for day in on)
    return Week(hours, tuple(days[weekday] for weekday in range(1, 8)))
