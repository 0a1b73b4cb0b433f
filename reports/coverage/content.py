"""What a coverage report holds, whatever it is written as."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from analysis.coverage.figures import Figure
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.reading import Coverage, UnitCoverage, read_coverage
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.views.cold import Age, ColdList, find_ages, list_cold, read_leaves
from analysis.coverage.views.rhythm import CalendarDay, read_calendar
from analysis.coverage.views.sites import SiteVisits, list_sites
from core.clock import day_bounds
from geo.networks import Network, get_network
from maps.pages import Language
from reports.words import Words

MOST_COLD: Final = 200
FACTORS: Final = {"cm2": (1e4, "m²"), "mm": (1e3, "m"), "us": (3.6e9, "h"), "count": (1, "")}
"""How a figure's whole numbers are told to people, and in what."""
COUNTED: Final = ("visits", "dwell_h", "longest_h")


@dataclass(frozen=True)
class Stamp:
    """Who took it, when: on every page and in every file. `made_at` in the city's zone."""

    who: str
    made_at: datetime

    @property
    def text(self) -> str:
        return f"{self.who} · {self.made_at:%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Reader:
    """Who takes it, and the language they read."""

    who: str
    language: Language = "zh"


@dataclass(frozen=True)
class CoverageReport:
    """`ages` by unit id as paths write it. `words`: of its reader. `title`: the unit's name, or the network's."""

    stamp: Stamp
    words: Words
    network: Network
    title: str
    coverage: Coverage
    ages: dict[str, Age]
    cold: ColdList
    days: tuple[CalendarDay, ...]
    sites: tuple[SiteVisits, ...]

    @property
    def rows(self) -> tuple[UnitCoverage, ...]:
        """The units told one by one: those below, or the unit itself where there are none."""
        return self.coverage.below or (self.coverage.whole,)

    @property
    def period(self) -> str:
        return f"{self.coverage.asked.first} – {self.coverage.asked.last}"


def gather_report(
    conn: Connection,
    asked: CoverageAsked,
    *,
    network: str,
    reader: Reader,
    now: datetime,
    hours: WorkingHours,
) -> CoverageReport:
    """Everything of the period at once, as the page shows it."""
    coverage, zone = read_coverage(conn, asked), hours.zone
    until = min(day_bounds(asked.last, zone)[1], now)
    before = day_bounds(asked.first, zone)[0]
    found = get_network(conn, network)
    cold = list_cold(conn, asked, before=before, until=until, hours=hours, limit=MOST_COLD)
    return CoverageReport(
        Stamp(reader.who, now.astimezone(zone)),
        Words(reader.language),
        found,
        coverage.whole.name or found.name,
        coverage,
        dict(find_ages(read_leaves(conn, asked))),
        cold,
        tuple(read_calendar(conn, asked)),
        tuple(list_sites(conn, asked)),
    )


def told(value: int, figure: Figure) -> float:
    """A whole number of a figure in the measure people read."""
    return value / FACTORS[figure.definition.measure][0]


def age_of(report: CoverageReport, unit: UnitCoverage) -> Age | None:
    return None if unit.unit_id is None else report.ages.get(unit.unit_id.hex)


def cautions_of(report: CoverageReport) -> list[str]:
    """What a reader has to know of every figure, in words."""
    found, say = report.coverage, report.words
    return [
        *([] if found.claimable else [say("caution.sampling")]),
        *([say("caution.spans")] if found.spans_editions else []),
    ]


def remark_on(report: CoverageReport, unit: UnitCoverage) -> str:
    """What a reader has to know of the figures of a unit, in words; empty where nothing."""
    found, say = report.coverage, report.words
    remarks = [
        *([] if unit.claimable and found.interval_s is not None else [say("caution.sampling")]),
        *([say("caution.spans")] if found.spans_editions else []),
        *([say("unobserved.text")] if unit.not_observed_days else []),
    ]
    return " ".join(remarks)


def counted(unit: UnitCoverage) -> tuple[int | None, float | None, float | None]:
    """Visits of its deepest units, hours in them, and hours until somebody came to the one left for longest: COUNTED."""
    dwell, longest = (None if us is None else us / 3.6e9 for us in (unit.dwell_us, unit.unvisited_us))
    return unit.visits, dwell, longest
