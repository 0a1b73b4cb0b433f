"""How a unit's coverage went over weeks. A week without a computed day is a gap, and no line is drawn across it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.asked import CoverageAsked, bounds_of
from analysis.coverage.kept.sites import read_required
from core.db import sql_file

WEEKS: Final = 12
TREND_FIGURES: Final = ("area", "streets", "doors", "households")
"""Those summed in one statement; `required` looks back over the days of each site, week by week."""


@dataclass(frozen=True)
class Week:
    """`monday`: its first day. `days`: how many of it were computed, 0 to 7; `figures`: their sums, empty for none.
    `edition_changed`: not all of them on the same borders.
    """

    monday: date
    days: int
    figures: Mapping[str, Figure]
    edition_changed: bool


def read_trend(conn: Connection, asked: CoverageAsked) -> list[Week]:
    """The WEEKS weeks up to the one of the period's last day, oldest first, each with the days up to that one."""
    last = asked.last - timedelta(days=asked.last.weekday())
    first = last - timedelta(weeks=WEEKS - 1)
    rows = conn.execute(
        sql_file("analysis.coverage", "trend"), bounds_of(replace(asked, first=first))
    ).mappings()
    known = {row["week"]: row for row in rows}
    weeks = []
    for monday in (first + timedelta(weeks=n) for n in range(WEEKS)):
        row = known.get(monday)
        figures = {}
        if row is not None:
            for key in TREND_FIGURES:
                part, whole, possible, unseen = (int(value or 0) for value in row[key])
                figures[key] = Figure(
                    DEFINITIONS[key], part, whole, row["as_of"], possible=possible, not_observed=unseen
                )
            own = replace(asked, first=monday, last=min(monday + timedelta(days=6), asked.last))
            figures["required"] = read_required(conn, own, row["as_of"], [])[None]
        weeks.append(
            Week(
                monday,
                0 if row is None else row["days"],
                figures,
                row is not None and row["edition_changed"],
            )
        )
    return weeks
