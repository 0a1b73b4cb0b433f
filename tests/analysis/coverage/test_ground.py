"""Ground cut into pieces: nothing lost, slivers joined, water and streets weighed."""

import numpy as np
import shapely

from analysis.coverage.ground import Walkable, cut_pieces
from geo.cells import cell_centres
from geo.metric import metric_crs_of, to_metres

WEST, SOUTH, STEP = 114.0, 33.0, 0.004
UNITS = [
    shapely.box(WEST + STEP * n, SOUTH, WEST + STEP * (n + 1), SOUTH + STEP) for n in range(3)
]  # three squares of about 370 m × 440 m, side by side
CRS = metric_crs_of(UNITS)
AREA = shapely.area(to_metres(np.array(UNITS, object), CRS))


def test_the_pieces_of_a_unit_are_all_of_it_and_none_is_a_sliver() -> None:
    plain = cut_pieces(UNITS, CRS, 10, walkable={}, sliver=0)
    joined = cut_pieces(UNITS, CRS, 10, walkable={}, sliver=0.1)
    assert len(joined) < len(plain)
    for pieces in (plain, joined):
        total = np.bincount(pieces.unit, pieces.area_cm2) / 1e4
        assert np.allclose(total, AREA, rtol=1e-7)
        assert len(pieces.piece_key) == len(plain)
    assert shapely.area(joined.shape).min() > 0.05 * 13_000


def test_a_position_finds_the_piece_of_its_cell_and_unit_and_a_sliver_its_host() -> None:
    pieces = cut_pieces(UNITS, CRS, 10, walkable={}, sliver=0.1)
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(WEST, WEST + 3 * STEP, 2000), rng.uniform(SOUTH, SOUTH + STEP, 2000)
    unit = ((lon - WEST) / STEP).astype(np.int64)
    found = pieces.find(lon, lat, unit)
    assert (found >= 0).all()
    assert (pieces.unit[found] == unit).all()
    at = to_metres(shapely.points(lon, lat), CRS)
    assert shapely.dwithin(pieces.shape[found], at, 0.01).all()
    nowhere = pieces.find(np.array([0.0, lon[0]]), np.array([0.0, lat[0]]), np.array([0, -1]))
    assert nowhere.tolist() == [-1, -1]


def test_water_weighs_nothing_and_where_streets_are_known_only_what_lies_by_them_weighs() -> None:
    half = shapely.box(WEST, SOUTH, WEST + STEP / 2, SOUTH + STEP)
    street = shapely.LineString([(WEST + STEP, SOUTH + STEP / 2), (WEST + 2 * STEP, SOUTH + STEP / 2)])
    lake, road = to_metres(np.array([half, street], object), CRS)
    walkable = {0: Walkable(barred=lake), 1: Walkable(near_streets=road.buffer(15))}
    pieces = cut_pieces(UNITS, CRS, 10, walkable=walkable, sliver=0.1)
    total = np.bincount(pieces.unit, pieces.area_cm2) / 1e4
    assert np.isclose(total[0], AREA[0] / 2, rtol=1e-4)
    assert np.isclose(total[1], 30 * road.length, rtol=1e-3)
    assert np.isclose(total[2], AREA[2])
    lon, lat = cell_centres(pieces.cell)
    assert (np.diff(lon) != 0).all() or (np.diff(lat) != 0).all()
