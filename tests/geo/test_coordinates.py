"""GCJ-02, BD-09 and CGCS2000 against known vectors and a second implementation, and nothing shifted abroad."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from geo.coordinates import convert_geometries, from_wgs84, in_china, read_crs, to_wgs84
from geo.metric import distance_m

# WGS-84, GCJ-02 and BD-09 of one place, by a library of its own (eviltransform 0.1.1; its axis differs by 11 mm)
VECTORS = [
    ((116.377817, 39.911954), (116.3840473, 39.9133455), (116.3904548, 39.9195756)),
    ((121.4737, 31.2304), (121.4782231, 31.2284577), (121.4847815, 31.2343106)),
    ((91.1, 29.65), (91.1015683, 29.6473003), (91.1080374, 29.6534194)),
    ((126.53, 45.8), (126.5360587, 45.8019955), (126.542676, 45.8076177)),
    ((110.3, 20.04), (110.3043053, 20.0378896), (110.3107854, 20.0439864)),
    ((87.6, 43.8), (87.602839, 43.8012121), (87.6092102, 43.8074725)),
]
ABROAD = {
    "Hong Kong, Central": (114.158, 22.282),
    "Hong Kong, Sha Tin": (114.19, 22.38),
    "Hong Kong, Yuen Long": (114.03, 22.445),
    "Hong Kong, Cheung Chau": (114.03, 22.207),
    "Macau": (113.543, 22.19),
    "Macau, Coloane": (113.565, 22.125),
    "Taipei": (121.565, 25.033),
    "Kaohsiung": (120.30, 22.62),
    "Kinmen": (118.32, 24.43),
    "Matsu": (119.93, 26.16),
    "Penghu": (119.58, 23.57),
    "Seoul": (126.978, 37.567),
    "Pyongyang": (125.75, 39.03),
    "Hanoi": (105.834, 21.028),
    "Vladivostok": (131.886, 43.115),
    "Ulaanbaatar": (106.92, 47.92),
    "Blagoveshchensk": (127.53, 50.28),
    "Almaty": (76.9, 43.25),
    "Kathmandu": (85.32, 27.71),
    "Los Angeles": (-118.24, 34.05),
    "London": (-0.12, 51.5),
}
MAINLAND = {
    "Beijing": (116.39, 39.91),
    "Shenzhen, Luohu": (114.118, 22.545),
    "Zhuhai": (113.553, 22.25),
    "Hengqin": (113.51, 22.12),
    "Xiamen": (118.09, 24.45),
    "Haikou": (110.3, 20.04),
    "Dandong": (124.39, 40.13),
    "Heihe": (127.5, 50.245),
    "Zhoushan": (122.2, 30.0),
    "Shengsi": (122.45, 30.72),
    "Weizhou": (109.12, 21.05),
    "Lhasa": (91.1, 29.65),
    "Kashgar": (75.99, 39.47),
    "Dongxing": (107.97, 21.545),
}


def second_gcj02(lon: float, lat: float) -> tuple[float, float]:
    """The shift written as two tables of (amplitude, divisor) sine terms, one point at a time."""

    def waves(value: float, terms: tuple[tuple[float, float], ...]) -> float:
        return sum(2 * amplitude / 3 * math.sin(math.pi * value / divisor) for amplitude, divisor in terms)

    x, y = lon - 105, lat - 35
    shared = waves(x, ((20, 1 / 6), (20, 1 / 2)))
    north = math.fsum((-100, 2 * x, 3 * y, y**2 / 5, x * y / 10, 0.2 * math.sqrt(abs(x)), shared))
    north += waves(y, ((20, 1), (40, 3), (160, 12), (320, 30)))
    east = math.fsum((300, x, 2 * y, x**2 / 10, x * y / 10, 0.1 * math.sqrt(abs(x)), shared))
    east += waves(x, ((20, 1), (40, 3), (150, 12), (300, 30)))
    a, e2 = 6378245.0, 0.00669342162296594323
    w = math.sqrt(1 - e2 * math.sin(math.radians(lat)) ** 2)
    return (
        lon + math.degrees(east * w / (a * math.cos(math.radians(lat)))),
        lat + math.degrees(north * w**3 / (a * (1 - e2))),
    )


def second_bd09(lon: float, lat: float) -> tuple[float, float]:
    """The second shift in polar form with complex numbers."""
    z = complex(*second_gcj02(lon, lat))
    k = math.pi * 50 / 3
    turned = (abs(z) + 2e-5 * math.sin(z.imag * k)) * np.exp(1j * (np.angle(z) + 3e-6 * math.cos(z.real * k)))
    return float(turned.real) + 0.0065, float(turned.imag) + 0.006


@pytest.mark.parametrize(("wgs84", "gcj02", "bd09"), VECTORS)
def test_known_places(
    wgs84: tuple[float, float], gcj02: tuple[float, float], bd09: tuple[float, float]
) -> None:
    for crs, known in (("gcj02", gcj02), ("bd09", bd09)):
        assert distance_m(*from_wgs84(*wgs84, crs), *known) < 0.02
        assert distance_m(*to_wgs84(*known, crs), *wgs84) < 0.02


@settings(deadline=None)
@given(st.floats(75, 134), st.floats(19, 53))
def test_a_second_implementation_says_the_same(lon: float, lat: float) -> None:
    for crs, second in (("gcj02", second_gcj02), ("bd09", second_bd09)):
        expected = second(lon, lat) if in_china(lon, lat) else (lon, lat)
        assert distance_m(*from_wgs84(lon, lat, crs), *expected) < 1e-3


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_there_and_back_is_exact_within_a_centimetre_for_a_million_points(crs: str) -> None:
    random = np.random.default_rng(20261121)
    lon, lat = random.uniform(73, 135, 1_000_000), random.uniform(18, 54, 1_000_000)
    inside = in_china(lon, lat)
    assert 300_000 < inside.sum() < 500_000
    started = time.perf_counter()
    shifted = from_wgs84(lon, lat, crs)
    back = to_wgs84(*shifted, crs)
    assert time.perf_counter() - started < 60  # seconds on a busy machine; a loop over points needs minutes
    assert distance_m(lon, lat, *back)[inside].max() < 0.01
    assert np.array_equal(shifted[0][~inside], lon[~inside])
    moved = distance_m(lon, lat, *shifted)[inside]
    assert moved.min() > 10
    assert moved.max() < 1600


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
@pytest.mark.parametrize("place", ABROAD)
def test_nothing_is_shifted_abroad(place: str, crs: str) -> None:
    lon, lat = ABROAD[place]
    assert not in_china(lon, lat)
    assert to_wgs84(lon, lat, crs) == (lon, lat)
    assert from_wgs84(lon, lat, crs) == (lon, lat)


@pytest.mark.parametrize("place", MAINLAND)
def test_the_mainland_is_shifted_up_to_its_edges(place: str) -> None:
    lon, lat = MAINLAND[place]
    assert in_china(lon, lat)
    assert distance_m(*from_wgs84(lon, lat, "gcj02"), lon, lat) > 100


def test_nan_stays_nan_and_spoils_nothing() -> None:
    lon, lat = to_wgs84([116.4, np.nan, np.inf, -118.0], [39.9, 39.9, 1.0, 34.0], "gcj02")
    assert math.isnan(lon[1])
    assert (lon[3], lat[3]) == (-118.0, 34.0)
    assert abs(lon[0] - 116.3937) < 1e-3


def test_other_systems_are_known_by_their_codes() -> None:
    lon, lat = to_wgs84(987654.0, 200000.0, "EPSG:2263")
    assert distance_m(lon, lat, -73.987721, 40.715630) < 1
    assert distance_m(*to_wgs84(116.4, 39.9, "cgcs2000"), 116.4, 39.9) == 0
    east, north = from_wgs84(117.0, 40.0, "EPSG:4548")
    assert (round(float(east)), round(float(north) / 1000)) == (500000, 4430)
    assert [read_crs(name) for name in ("GCJ-02", "EPSG:4326", "epsg:4490", "epsg:4547")] == [
        "gcj02",
        "wgs84",
        "cgcs2000",
        "EPSG:4547",
    ]
    for name in ("EPSG:999999", "mars", "EPSG:5773", "", "\x00"):
        with pytest.raises(Invalid, match="write wgs84, gcj02, bd09, cgcs2000 or EPSG:n"):
            read_crs(name)


def test_a_unit_on_the_outline_is_shifted_whole() -> None:
    yalu = shapely.box(
        124.3, 40.09, 124.45, 40.2
    )  # Dandong with the river; part of it lies beyond the outline
    assert not in_china(*yalu.exterior.coords[0][:2]) or not in_china(124.45, 40.09)
    moved = convert_geometries([yalu, None, shapely.box(126.9, 37.5, 127.0, 37.6)], "gcj02")
    offsets = shapely.get_coordinates(moved[0]) - shapely.get_coordinates(yalu)
    assert np.abs(offsets).min(axis=0).min() > 1e-4
    assert moved[1] is None
    assert shapely.equals(moved[2], shapely.box(126.9, 37.5, 127.0, 37.6))


def test_amaps_beijing_moves_half_a_kilometre(real_data: Path) -> None:
    source = json.loads((real_data / "cn" / "cnmaps_amap_1101.geojson").read_text("utf-8"))
    district = next(
        f for f in source["features"] if "东城" in json.dumps(f["properties"], ensure_ascii=False)
    )
    shape = shapely.geometry.shape(district["geometry"])
    moved = convert_geometries([shape], "gcj02")[0]
    ends = shape.centroid, moved.centroid
    assert 530 < distance_m(ends[0].x, ends[0].y, ends[1].x, ends[1].y) < 560
