"""Real tracks by our definitions and by others', written plainly: the same, or differing as docs/coverage.md says."""

from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.coverage.day import cover_day, sum_units
from analysis.coverage.fixes import SECOND_US, Duty, Fixes, order_fixes
from analysis.coverage.ground import NO_SITES, NO_TARGETS, Ground, cut_pieces
from analysis.coverage.legs import find_legs
from analysis.coverage.measures.effort import measure_effort
from analysis.coverage.people import OwnGround
from analysis.coverage.rules import CoverageRules, supports
from analysis.coverage.standing import find_standing
from geo.metric import distance_m, metric_crs_of

DAY_US = 86_400 * SECOND_US
RULES = CoverageRules()
pytestmark = pytest.mark.data


def geolife(folder: Path, person: int) -> pd.DataFrame:
    """A person's fixes: device, at (µs), lon, lat."""
    files = sorted((folder / "geolife" / f"{person:03d}" / "Trajectory").glob("*.plt"))
    tables = [
        pd.read_csv(file, skiprows=6, header=None, usecols=[0, 1, 5, 6], names=["lat", "lon", "day", "time"])
        for file in files
    ]
    table = pd.concat(tables)
    table["at"] = pd.to_datetime(table["day"] + " " + table["time"]).astype("datetime64[us]").astype("int64")
    return table.assign(device=person).drop_duplicates("at").sort_values("at")


def liverpool(folder: Path) -> pd.DataFrame:
    """Buses of one line: a vehicle is a device."""
    table = pd.read_csv(folder / "liverpool" / "route14_outbound.csv")
    at = pd.to_datetime(table["timestamp"]).astype("datetime64[us]").astype("int64")
    table = table.assign(device=table["vehicle_id"], at=at, lon=table["longitude"], lat=table["latitude"])
    return table.drop_duplicates(["device", "at"]).sort_values(["device", "at"])


def days_of(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [day for _, day in table.groupby(table["at"] // DAY_US)]


def fixes_of(day: pd.DataFrame) -> Fixes:
    zero = int(day["at"].min()) // DAY_US * DAY_US
    device, count = day["device"].to_numpy(np.int64), len(day)
    lon, lat = day["lon"].to_numpy(float), day["lat"].to_numpy(float)
    at = day["at"].to_numpy(np.int64) - zero
    return order_fixes(Fixes(device, device, at, lon, lat, np.full(count, np.nan), np.zeros(count, np.int64)))


@pytest.fixture(params=["geolife 0", "geolife 3", "liverpool"])
def days(request: pytest.FixtureRequest, real_data: Path) -> list[pd.DataFrame]:
    name, *number = request.param.split()
    return days_of(geolife(real_data, int(number[0])) if name == "geolife" else liverpool(real_data))


def test_swaths_are_those_of_plain_geopandas_by_ecoscope_s_definition(days: list[pd.DataFrame]) -> None:
    """Its segments are ours where the gap is ours; its filters of length, duration and speed take none of them away."""
    for day in days[:4]:
        fixes = fixes_of(day)
        legs = find_legs(fixes, RULES, until_us=DAY_US)
        plane = geopandas.GeoSeries(shapely.points(fixes.lon, fixes.lat), crs=4326).estimate_utm_crs()
        ours = measure_effort(fixes, legs, plane)
        merged, unmerged = plain_swaths(day, plane)
        assert ours.merged_m2 == pytest.approx(merged, rel=1e-9)
        assert ours.unmerged_m2 == pytest.approx(unmerged, rel=1e-9)


def plain_swaths(day: pd.DataFrame, plane: object) -> tuple[float, float]:
    table = day.sort_values(["device", "at"])
    points = geopandas.GeoSeries(geopandas.points_from_xy(table["lon"], table["lat"]), crs=4326)
    same = table["device"].to_numpy()[1:] == table["device"].to_numpy()[:-1]
    seconds = np.diff(table["at"]) / 1e6
    metres = distance_m(points.x[:-1], points.y[:-1], points.x[1:], points.y[1:])
    median = table.groupby("device")["at"].transform(lambda at: at.diff().median()).to_numpy()[1:] / 1e6
    limit = np.fmax(120, 3 * median)
    kept = same & (seconds <= limit) & (metres <= 50 * np.maximum(seconds, 1)) & (metres > 0.0005)
    assert (metres[kept] < 100_000).all()
    assert (seconds[kept] < 172_800).all()
    lines = shapely.linestrings(
        np.stack([shapely.get_coordinates(points)[:-1], shapely.get_coordinates(points)[1:]], 1)
    )
    swaths = geopandas.GeoSeries(lines[kept], crs=4326).to_crs(plane).buffer(250)
    return float(swaths.union_all().area), float(swaths.area.sum())


def test_stays_hold_those_of_scikit_mobility(real_data: Path) -> None:
    """Its reference jumps to the fix that left; ours moves on fix by fix, and a stay ends with the last fix inside. So
    each of its stays that lasts as long inside meets one of ours, and ours may be more.
    """
    met = 0
    for day in [
        *days_of(geolife(real_data, 0)),
        *days_of(geolife(real_data, 3)),
        *days_of(liverpool(real_data)),
    ]:
        fixes = fixes_of(day)
        legs = find_legs(fixes, RULES, until_us=DAY_US)
        linked = np.zeros(len(fixes) - 1, bool)
        linked[legs.start[legs.kind == 0]] = True
        standing = find_standing(fixes, linked, RULES.trail)
        edges = [0, *(np.flatnonzero(~linked) + 1).tolist(), len(fixes)]
        for first, end in pairwise(edges):
            for begin, last in jumping_stays(fixes, first, end):
                assert standing[begin:last].any()
                met += 1
    assert met > 20


def jumping_stays(fixes: Fixes, first: int, end: int) -> list[tuple[int, int]]:
    """scikit-mobility 1.3's `stay_locations` on one unbroken run, radius 50 m, 3 minutes; ends at the last fix inside."""
    stays, begin = [], first
    for row in range(first + 1, end):
        away = distance_m(fixes.lon[begin], fixes.lat[begin], fixes.lon[row], fixes.lat[row])
        if away > RULES.trail.stay_radius_m:
            if fixes.at_us[row - 1] - fixes.at_us[begin] >= RULES.trail.stay_s * SECOND_US:
                stays.append((begin, row - 1))
            begin = row
    return stays


def test_thinned_tracks_claim_less_and_say_so(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = max(days_of(geolife(real_data, 3)), key=len)
    dense = fixes_of(table)
    west, east, south, north = dense.lon.min(), dense.lon.max(), dense.lat.min(), dense.lat.max()
    area = shapely.box(west - 0.001, south - 0.001, east + 0.001, north + 0.001)
    crs = metric_crs_of(np.array([area], object))
    pieces = cut_pieces([area], crs, RULES.resolution, walkable={}, sliver=0.1)
    ground = Ground(crs, ("A",), np.array([True]), pieces, NO_TARGETS, NO_TARGETS, NO_SITES)
    own = OwnGround(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))
    duty = Duty(np.array([3]), dense.at_us[:1], dense.at_us[-1:])
    rows, before = [], None
    for step in (0, 5, 10, 30, 60, 300):
        _, kept = np.unique(dense.at_us // max(step * SECOND_US, 1), return_index=True)
        day = cover_day(dense.take(kept), duty, ground, own, rules=RULES, until_us=DAY_US)
        sums = sum_units(day, ground)["area"]
        observed = day.duty.observed_us[0] / day.duty.duty.lasts_us[0]
        claimable = supports(RULES.resolution, (day.interval_us or 0) / SECOND_US)
        rows.append((step, sums.numerator[0] / 1e4, sums.possible[0] / 1e4, observed, claimable))
        if before is not None:
            assert set(day.by_fixes) <= before or step == 5
        before = set(day.by_fixes) if step == 0 else before
    with capsys.disabled():
        print("\n  every s   visited ha  possible ha  observable  claimable")
        for step, seen, maybe, observed, claimable in rows:
            print(
                f"  {step or 'all':>7} {seen / 1e4:>12.2f} {maybe / 1e4:>12.2f} {observed:>11.1%}  {claimable}"
            )
    assert rows[-1][1] <= rows[1][1]
    assert [row[4] for row in rows] == [True, True, True, True, True, False]
    assert rows[-1][2] > rows[1][2]
