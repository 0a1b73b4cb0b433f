"""The headline, the whole day, one late fix, growth and memory; pages in `bench.coverage.pages`."""

import resource
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis.coverage.day import DayCoverage, cover_day, sum_units
from analysis.coverage.fixes import SECOND_US, Fixes
from analysis.coverage.ground import Ground
from analysis.coverage.people import TIMES, WAYS
from analysis.coverage.rules import CoverageRules
from analysis.coverage.visits import count_required, count_visits
from bench.coverage.pages import measure_pages
from bench.coverage.plain import PlainDay
from bench.coverage.world import DAY_US, duty_of_all, make_ground, own_grids, patrol_day
from bench.ground import city_units
from bench.report import Report, medians, seconds_of
from core.settings import Settings

PEOPLE: Final = 3_390
STORED: Final = 120
"""People whose fixes the database holds when its answers are timed."""
LATE: Final = 7
SAMPLE: Final = 60
"""People of the sample that the baseline is timed on."""
CLOSE: Final = {"time in pieces": 0.1 * SECOND_US, "longest time unvisited": 0.001 * SECOND_US, "metres": 1.0}
"""How far figures may lie apart that are not whole numbers in both: a place in the plane is one of ours to 0.1 mm alone."""


def run(report: Report, settings: Settings) -> None:
    """Headline: a sample of the day against vectorised geopandas; then the whole day, one person again, growth."""
    units = city_units()
    ground, snapshot = make_ground(units)
    fixes = patrol_day(units, snapshot, PEOPLE)
    _beside_geopandas(report, Day(fixes.take(fixes.person < SAMPLE), ground, units))
    whole = Day(fixes, ground, units)
    whole_s = seconds_of(whole)
    report.tell(f"the whole day of {PEOPLE:,} people: {len(fixes):,} fixes, all figures", whole_s, "s")
    report.tell("fixes a second", len(fixes) / whole_s, "1/s")
    one = Day(fixes.take(fixes.person == LATE), ground, units)
    (one_s,) = medians([one])
    report.tell("one person's day again, after a late fix", one_s, "s")
    _grow(report, fixes, ground, units)
    report.tell("memory at its most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "MB")
    measure_pages(report, settings, fixes.take(fixes.person < STORED))


def _grow(report: Report, fixes: Fixes, ground: Ground, units: NDArray[np.object_]) -> None:
    """Twice the people, and twice the days: how many times as long."""
    some, twice = (
        Day(fixes.take(fixes.person < people), ground, units) for people in (PEOPLE // 8, PEOPLE // 4)
    )

    def two_days() -> None:
        some()
        some()

    some_s, twice_s, days_s = medians([some, twice, two_days], rounds=3)
    for name, spent_s in (("people", twice_s), ("days", days_s)):
        report.tell(
            f"twice the {name}",
            spent_s,
            "s",
            baseline=f"{PEOPLE // 8:,} people's day",
            ratio=spent_s / some_s,
        )


def _beside_geopandas(report: Report, ours: "Day") -> None:
    theirs = PlainDay(ours.fixes, ours.duty, ours.ground, ours.own)
    ours_s, theirs_s = medians([ours, theirs], rounds=3)
    report.compare(f"all figures of {SAMPLE} people's day", ours_s, "vectorised geopandas", theirs_s)
    told = ours.figures()
    for name, figure in theirs.figures.items():
        close = CLOSE.get(name, CLOSE["metres"] if name.startswith("metres") else 0.001 * SECOND_US)
        differ = np.abs(told[name] - figure.to_numpy(np.float64)) > close
        report.check_equal(f"{name} by geopandas", int(differ.sum()))


class Day:
    """The day as the product reckons it, all figures."""

    def __init__(self, fixes: Fixes, ground: Ground, units: NDArray[np.object_]) -> None:
        self.fixes, self.ground = fixes, ground
        self.duty, self.own = duty_of_all(fixes), own_grids(fixes, units)
        self.day: DayCoverage | None = None

    def __call__(self) -> None:
        self.day = cover_day(
            self.fixes, self.duty, self.ground, self.own, rules=CoverageRules(), until_us=DAY_US
        )

    def figures(self) -> Mapping[str, NDArray[Any]]:
        """By the names of `PlainDay.figures`."""
        day, ground = self.day, self.ground
        if day is None:
            raise RuntimeError("not run yet")
        sums, seen = sum_units(day, ground), count_visits(day.visits, len(ground.pieces), until_us=DAY_US)
        times = dict(zip(TIMES, day.duty.times_us.T, strict=True))
        ways = dict(zip(WAYS, day.duty.ways_mm.T / 1000, strict=True))
        return {
            "area": sums["area"].numerator,
            "area possible": sums["area"].possible,
            "area by fixes": sums["area_by_fixes"].numerator,
            "visits": seen.visits,
            "time in pieces": seen.dwell_us,
            "longest time unvisited": seen.unvisited_us,
            "doors": sums["households"].numerator,
            "doors passed": sums["doors"].numerator,
            "streets": sums["streets"].numerator,
            "streets passed": np.bincount(ground.streets.unit[day.streets[0]], minlength=len(ground.units)),
            "required visits": count_required(day.site_visits, ground.sites.least_s),
            "inside, moving": times["inside_moving"],
            "inside, standing": times["inside_still"],
            "outside, moving": times["outside_moving"],
            "outside, standing": times["outside_still"],
            "unobserved": times["unobserved"],
            **{f"metres {name}": ways[name] for name in ("walked", "ridden", "drift")},
        }
