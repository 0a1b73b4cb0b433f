"""The local plane, distances, and the grid that borders are kept on."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.metric import (
    distance_m,
    from_metres,
    metric_crs,
    metric_crs_of,
    plane_xy,
    plane_xy_of_many,
    short_distance_m,
    snap,
    to_metres,
)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (116.4, 39.9, 4548),  # Beijing, 117°
        (121.47, 31.23, 4549),  # Shanghai, 120°
        (76.0, 39.5, 4534),  # Kashgar, 75°
        (134.3, 48.3, 4554),  # Fuyuan, 135°
        (114.158, 22.282, 32650),  # Hong Kong
        (-118.24, 34.05, 32611),  # Los Angeles
        (151.2, -33.9, 32756),  # Sydney
        (180.0, 0.0, 32660),
    ],
)
def test_the_plane_is_the_local_one(lon: float, lat: float, code: int) -> None:
    assert metric_crs(lon, lat).to_epsg() == code


@settings(deadline=None)
@given(st.floats(80, 125), st.floats(22, 48))
def test_metres_and_back(lon: float, lat: float) -> None:
    shape = shapely.box(lon, lat, lon + 0.01, lat + 0.01)
    crs = metric_crs_of([shape])
    plane = to_metres([shape, None], crs)
    south_west, south_east = shapely.Point(lon, lat), shapely.Point(lon + 0.01, lat)
    ends = to_metres([south_west, south_east], crs)
    stretch = ends[0].distance(ends[1]) / float(distance_m(lon, lat, lon + 0.01, lat))
    assert 0.9995 < stretch < 1.0012
    assert 700 < ends[1].x - ends[0].x < 1100  # x is east
    assert plane[1] is None
    back = from_metres(plane, crs)[0]
    assert shapely.equals_exact(back, shape, 1e-9)


def test_snapping_keeps_neighbours_together_and_repairs_nothing() -> None:
    seam = [116.400000049, 116.40000004949]
    west = shapely.Polygon([(116.39, 39.9), (seam[0], 39.9), (seam[1], 39.91), (116.39, 39.91)])
    east = shapely.Polygon([(seam[0], 39.9), (116.41, 39.9), (116.41, 39.91), (seam[1], 39.91)])
    snapped = snap([west, east])
    assert shapely.coverage_is_valid(snapped)
    assert np.array_equal(
        np.round(shapely.get_coordinates(snapped) * 1e7) / 1e7, shapely.get_coordinates(snapped)
    )
    assert [shapely.equals_identical(a, b) for a, b in zip(snap(snapped), snapped, strict=True)] == [
        True,
        True,
    ]
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert not snap([bowtie])[0].is_valid


def test_a_spike_thinner_than_the_grid_is_taken_off() -> None:
    spike = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0.5, 1), (0.50000001, 2), (0.49999999, 1), (0, 1)])
    assert spike.is_valid
    snapped = snap([spike])[0]
    assert snapped.is_valid
    assert abs(snapped.area - 1) < 1e-6


def test_distances_are_geodesic() -> None:
    metres = distance_m([116.4, 0.0], [39.9, 0.0], [116.4, 1.0], [40.9, 0.0])
    assert abs(metres[0] - 111_034) < 20
    assert abs(metres[1] - 111_319.49) < 0.01


def test_the_quick_distance_keeps_to_the_geodesic_for_steps_of_people() -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-180, 180, 5000), rng.uniform(-70, 70, 5000)
    for reach_deg, within in ((0.009, 1e-6), (0.4, 1e-4)):
        to_lon, to_lat = (
            lon + rng.uniform(-1, 1, 5000) * reach_deg,
            lat + rng.uniform(-1, 1, 5000) * reach_deg,
        )
        exact = distance_m(lon, lat, to_lon, to_lat)
        assert np.abs(short_distance_m(lon, lat, to_lon, to_lat) / exact - 1).max() < within
    assert short_distance_m(179.9999, 0, -179.9999, 0) < 25


def test_positions_go_to_the_plane_where_shapes_go() -> None:
    crs = metric_crs(114.05, 33.05)
    x, y = plane_xy([114.05, 114.1], [33.05, 33.0], crs)
    moved = to_metres(shapely.points([114.05, 114.1], [33.05, 33.0]), crs)
    assert shapely.get_coordinates(moved).tolist() == [[x[0], y[0]], [x[1], y[1]]]


def test_the_plane_of_many_positions_is_that_of_each_wherever_the_others_lie() -> None:
    random = np.random.default_rng(3)
    for lon0, lat0, spread in ((114.0, 33.0, 0.3), (135.0, 48.4, 2.0), (10.0, 59.9, 0.05)):
        lon, lat = lon0 + random.uniform(-spread, spread, 4000), lat0 + random.uniform(-spread, spread, 4000)
        crs = metric_crs(lon0, lat0)
        many = np.stack(plane_xy_of_many(lon, lat, crs))
        assert np.abs(many - np.stack(plane_xy(lon, lat, crs))).max() < 1e-4
        assert np.array_equal(np.stack(plane_xy_of_many(lon[::7], lat[::7], crs)), many[:, ::7])
    lon, lat = random.uniform([105, 20], [123, 45], (500, 2)).T  # a tile each
    alone = [plane_xy_of_many([x], [y], metric_crs(114, 33)) for x, y in zip(lon, lat, strict=True)]
    assert np.array_equal(
        np.stack(plane_xy_of_many(lon, lat, metric_crs(114, 33))), np.array(alone)[..., 0].T
    )
    assert plane_xy_of_many([], [], crs)[0].shape == (0,)
