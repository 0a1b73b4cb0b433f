"""Coverage: a day of 3,390 people at ten seconds in the fictional city, beside geopandas' own segments and overlay."""

import resource
from typing import Any, Final

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.coverage.day import DayCoverage, cover_day, sum_units
from analysis.coverage.fixes import SECOND_US, Duty, Fixes
from analysis.coverage.ground import NO_SITES, Ground, Targets, cut_pieces
from analysis.coverage.people import OwnGround
from analysis.coverage.rules import CoverageRules
from bench.ground import SEED, city_units, random_points, snapshot_of
from bench.report import Report, medians, seconds_of
from core.settings import Settings
from geo.lookup import Snapshot
from geo.metric import metric_crs_of, plane_xy

PEOPLE: Final = 3_390
STEPS: Final = 2_880
STEP_S: Final = 10
SAMPLE: Final = 60
"""People of the sample that the baseline is timed on."""
DAY_US: Final = 86_400 * SECOND_US
BEGIN_US: Final = 8 * 3600 * SECOND_US
_M_PER_DEG = np.array([93_000.0, 110_900.0])


def run(report: Report, _settings: Settings) -> None:
    """Headline: a sample of the day against vectorised geopandas; then the whole day, one person again, growth."""
    units = city_units()
    ground, snapshot = make_ground(units)
    fixes = patrol_day(units, snapshot, PEOPLE)
    sample = fixes.take(fixes.person < SAMPLE)
    ours, theirs = Ours(sample, ground, units), Geopandas(sample, ground, Ours(sample, ground, units).own)
    ours_s, theirs_s = medians([ours, theirs], rounds=3)
    report.compare(f"area, doors, times of {SAMPLE} people's day", ours_s, "vectorised geopandas", theirs_s)
    report.check_equal("area by geopandas", int((ours.area() != theirs.area()).sum()))
    differ = np.setxor1d(ours.doors(), theirs.passed)
    report.tell(
        "doors passed by the drift of standing phones alone", len(differ), f"of {len(theirs.passed):,}"
    )
    whole = Ours(fixes, ground, units)
    whole_s = seconds_of(whole)
    report.tell(f"the whole day: {len(fixes):,} fixes, area, doors, times", whole_s, "s")
    report.tell("fixes a second", len(fixes) / whole_s, "1/s")
    (one_s,) = medians([Ours(fixes.take(fixes.person == 7), ground, units)], rounds=3)
    report.tell("one person's day again, after a late fix", one_s, "s")
    for people in (PEOPLE // 16, PEOPLE // 4):
        part_s = seconds_of(Ours(fixes.take(fixes.person < people), ground, units))
        report.tell(
            f"{people:,} people",
            part_s,
            "s",
            baseline=f"{PEOPLE:,} people, each",
            ratio=part_s / people / (whole_s / PEOPLE),
        )
    report.tell("memory at its most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "MB")


def make_ground(units: NDArray[np.object_]) -> tuple[Ground, Snapshot]:
    """The city's pieces and 60,000 doors, everybody tracked."""
    crs, rules, snapshot = metric_crs_of(units), CoverageRules(), snapshot_of(units)
    lon, lat = random_points(units, 60_000).T
    unit = snapshot.place_many(lon.copy(), lat.copy()).row.astype(np.int64)
    x, y = plane_xy(lon, lat, crs)
    nothing = np.empty(0)
    ground = Ground(
        crs=crs,
        units=tuple(f"{row:06d}" for row in range(len(units))),
        observed=np.ones(len(units), np.bool_),
        pieces=cut_pieces(list(units), crs, rules.resolution, walkable={}, sliver=rules.sliver_share),
        streets=Targets(np.empty(0, np.int64), nothing, nothing, np.empty(0, np.int64)),
        doors=Targets(unit, x, y, np.ones(len(unit), np.int64)),
        sites=NO_SITES,
    )
    return ground, snapshot


def patrol_day(units: NDArray[np.object_], snapshot: Snapshot, people: int) -> Fixes:
    """Eight hours of walking and standing, five minutes each at random, within half a kilometre of a unit of their own."""
    rng = np.random.default_rng(SEED)
    home = shapely.get_coordinates(shapely.point_on_surface(units[rng.integers(len(units), size=people)]))
    at, place = np.zeros((people, 2)), np.empty((people, STEPS, 2))
    for step in range(STEPS):
        if step % 30 == 0:
            heading, walks = rng.uniform(0, 2 * np.pi, people), rng.random(people) < 0.5
            far = np.hypot(*at.T) > 500
            heading[far] = np.arctan2(-at[far, 1], -at[far, 0])
        at += np.stack([np.cos(heading), np.sin(heading)], 1) * (walks * 12.0)[:, None]
        place[:, step] = at + rng.normal(0, 3, (people, 2))
    degrees = (home[:, None] + place / _M_PER_DEG).round(7).reshape(-1, 2)
    person = np.repeat(np.arange(people), STEPS)
    at_us = np.tile(BEGIN_US + np.arange(STEPS) * STEP_S * SECOND_US, people)
    lon, lat = degrees[:, 0].copy(), degrees[:, 1].copy()
    unit = snapshot.place_many(lon, lat).row.astype(np.int64)
    return Fixes(person, person, at_us, lon, lat, np.full(len(person), 8.0), unit)


class Ours:
    """The day as the product reckons it, all figures."""

    def __init__(self, fixes: Fixes, ground: Ground, units: NDArray[np.object_]) -> None:
        self.fixes, self.ground = fixes, ground
        people = np.unique(fixes.person)
        every = np.full(len(people), BEGIN_US)
        self.duty = Duty(people, every, every + STEPS * STEP_S * SECOND_US)
        row = np.minimum(fixes.unit[np.searchsorted(fixes.person, people)], len(units) - 1)
        self.own = OwnGround(
            people, np.zeros(len(people), np.int64), np.full(len(people), DAY_US), units[row]
        )
        self.day: DayCoverage | None = None

    def __call__(self) -> None:
        self.day = cover_day(
            self.fixes, self.duty, self.ground, self.own, rules=CoverageRules(), until_us=DAY_US
        )

    def area(self) -> NDArray[np.int64]:
        """Square centimetres visited in each unit."""
        if self.day is None:
            raise RuntimeError("not run yet")
        return sum_units(self.day, self.ground)["area"].numerator

    def doors(self) -> NDArray[np.int64]:
        """Rows of the doors passed."""
        if self.day is None:
            raise RuntimeError("not run yet")
        return np.flatnonzero(self.day.doors[0])


class Geopandas:
    """The same figures as one would write them with geopandas, all vectorised: points joined with pieces, segments laid over
    pieces and grouped by piece and person, doors joined with segments within reach, segments cut by each person's own grid.
    """

    def __init__(self, fixes: Fixes, ground: Ground, own: OwnGround) -> None:
        self.fixes, self.ground = fixes, ground
        pieces, doors = ground.pieces, ground.doors
        self.pieces = geopandas.GeoDataFrame(
            {"piece": np.arange(len(pieces))}, geometry=pieces.shape, crs=ground.crs
        )
        self.doors = geopandas.GeoDataFrame(
            {"unit": doors.unit}, geometry=geopandas.points_from_xy(doors.x, doors.y), crs=ground.crs
        )
        self.own = geopandas.GeoSeries(own.shape, index=own.person, crs=4326).to_crs(ground.crs)
        self.visited: Any = None
        self.passed: Any = None
        self.inside_s: Any = None

    def __call__(self) -> None:
        points, steps = self._steps()
        joined = geopandas.sjoin(points, self.pieces, predicate="within")
        laid = geopandas.overlay(steps, self.pieces, how="intersection", keep_geom_type=True)
        laid["length"] = laid.length
        laid["dwell_s"] = laid["seconds"] * laid["length"] / laid["whole"]
        laid.groupby(["piece", "person"])["dwell_s"].sum()
        crossed = laid.loc[laid["length"] >= CoverageRules().crossing_m, "piece"]
        self.visited = np.union1d(joined["piece"].to_numpy(), crossed.to_numpy())
        reach_m = CoverageRules().passing_m
        near = geopandas.sjoin(self.doors, steps[["geometry"]], predicate="dwithin", distance=reach_m)
        self.passed = np.unique(near.index)
        grids = geopandas.GeoSeries(self.own.loc[steps["person"]].array, index=steps.index)
        inside = steps.geometry.intersection(grids, align=False).length
        spent = steps["seconds"] * inside / steps["whole"]
        self.inside_s = spent.groupby(steps["person"]).sum()

    def _steps(self) -> tuple[Any, Any]:
        """Every fix as a point, every step of at most a minute as a line with its time and length; in metres."""
        fixes = self.fixes
        table = pd.DataFrame({"person": fixes.person, "at": fixes.at_us, "lon": fixes.lon, "lat": fixes.lat})
        points = geopandas.GeoDataFrame(
            table, geometry=geopandas.points_from_xy(table.lon, table.lat), crs=4326
        )
        points = points.to_crs(self.ground.crs).sort_values(["person", "at"])
        ahead = points.groupby("person")[["at", "geometry"]].shift(-1)
        seconds = (ahead["at"] - points["at"]) / SECOND_US
        real = seconds.notna() & (seconds <= CoverageRules().proving_s)
        begin, end = points.geometry[real], geopandas.GeoSeries(ahead.geometry[real], crs=self.ground.crs)
        ends = np.stack([np.stack([begin.x, begin.y], 1), np.stack([end.x, end.y], 1)], 1)
        steps = geopandas.GeoDataFrame(
            {"person": points.loc[real, "person"], "seconds": seconds[real]},
            geometry=shapely.linestrings(ends),
            crs=self.ground.crs,
        )
        steps["whole"] = steps.length
        return points, steps

    def area(self) -> NDArray[np.int64]:
        """Square centimetres visited in each unit."""
        pieces = self.ground.pieces
        total = np.zeros(len(self.ground.units), np.int64)
        np.add.at(total, pieces.unit[self.visited], pieces.area_cm2[self.visited])
        return total
