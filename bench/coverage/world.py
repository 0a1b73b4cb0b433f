"""The ground and the day that coverage is measured on: the fictional city, and patrols made from a seed."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.coverage.fixes import SECOND_US, Duty, Fixes
from analysis.coverage.ground import Ground, Sites, Targets, cut_pieces
from analysis.coverage.people import OwnGround
from analysis.coverage.rules import CoverageRules
from bench.ground import SEED, random_points, snapshot_of
from geo.lookup import Snapshot
from geo.metric import metric_crs_of, plane_xy, to_metres

STEPS: Final = 2_880
STEP_S: Final = 10
DAY_US: Final = 86_400 * SECOND_US
BEGIN_US: Final = 8 * 3600 * SECOND_US
DOORS, SITES = 60_000, 2_000
STRETCH_M: Final = 20.0
_M_PER_DEG = np.array([93_000.0, 110_900.0])


def make_ground(units: NDArray[np.object_]) -> tuple[Ground, Snapshot]:
    """The city's pieces, a street along every border in stretches, doors and sites at random; everybody tracked."""
    crs, rules, snapshot = metric_crs_of(units), CoverageRules(), snapshot_of(units)
    lon, lat = random_points(units, DOORS).T
    unit = snapshot.place_many(lon.copy(), lat.copy()).row.astype(np.int64)
    x, y = plane_xy(lon, lat, crs)
    kept = np.flatnonzero((unit >= 0) & (unit < len(units)))
    households = np.random.default_rng(SEED).integers(1, 30, DOORS)
    ground = Ground(
        crs=crs,
        units=tuple(f"{row:06d}" for row in range(len(units))),
        observed=np.ones(len(units), np.bool_),
        pieces=cut_pieces(list(units), crs, rules.resolution, walkable={}, sliver=rules.sliver_share),
        streets=_streets(to_metres(units, crs)),
        doors=Targets(unit[kept], x[kept], y[kept], households[kept]),
        sites=_sites(unit[kept], x[kept], y[kept]),
    )
    return ground, snapshot


def _streets(units: NDArray[np.object_]) -> Targets:
    """Stretches of the borders, each once, of the first of the units it belongs to."""
    parts, of_part = shapely.get_parts(units, return_index=True)
    lines = shapely.segmentize(shapely.get_exterior_ring(parts), STRETCH_M)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    begin, end = xy[:-1][same], xy[1:][same]
    middle = (begin + end) / 2
    _, once = np.unique(middle.round(1), axis=0, return_index=True)
    length = np.rint(np.hypot(*(end - begin).T) * 1000).astype(np.int64)
    return Targets(of_part[line[:-1][same]][once], middle[once, 0], middle[once, 1], length[once])


def _sites(unit: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]) -> Sites:
    """Discs of 30 m about some of the doors; one visit of a minute a day each."""
    some = np.arange(SITES)
    shapes = shapely.buffer(shapely.points(x[some], y[some]), 30)
    one = np.ones(SITES, np.int64)
    codes = tuple(f"{row:04d}" for row in some.tolist())
    return Sites(codes, unit[some], np.asarray(shapes, object), one, one, one * 60)


def patrol_day(units: NDArray[np.object_], snapshot: Snapshot, people: int) -> Fixes:
    """Eight hours of walking and standing, five minutes each at random, within half a kilometre of a unit of their own."""
    rng = np.random.default_rng(SEED)
    home = shapely.get_coordinates(shapely.point_on_surface(units[rng.integers(len(units), size=people)]))
    at, place = np.zeros((people, 2)), np.empty((people, STEPS, 2), np.float32)
    for step in range(STEPS):
        if step % 30 == 0:
            heading, walks = rng.uniform(0, 2 * np.pi, people), rng.random(people) < 0.5
            far = np.hypot(*at.T) > 500
            heading[far] = np.arctan2(-at[far, 1], -at[far, 0])
        at += np.stack([np.cos(heading), np.sin(heading)], 1) * (walks * 12.0)[:, None]
        place[:, step] = at + rng.normal(0, 3, (people, 2))
    lon, lat = (
        (home[:, side, None] + place[:, :, side] / _M_PER_DEG[side]).round(7).ravel() for side in (0, 1)
    )
    del place
    person = np.repeat(np.arange(people), STEPS)
    at_us = np.tile(BEGIN_US + np.arange(STEPS) * STEP_S * SECOND_US, people)
    unit = snapshot.place_many(lon, lat).row.astype(np.int64)
    return Fixes(person, person, at_us, lon, lat, np.full(len(person), 8.0), unit)


def duty_of_all(fixes: Fixes) -> Duty:
    """Everybody's eight hours."""
    people = np.unique(fixes.person)
    begin = np.full(len(people), BEGIN_US)
    return Duty(people, begin, begin + STEPS * STEP_S * SECOND_US)


def own_grids(fixes: Fixes, units: NDArray[np.object_]) -> OwnGround:
    """Everybody's own grid: the unit of their first fix."""
    people, first = np.unique(fixes.person, return_index=True)
    row = np.minimum(fixes.unit[first], len(units) - 1)
    begin = np.zeros(len(people), np.int64)
    return OwnGround(people, begin, begin + DAY_US, units[row])
