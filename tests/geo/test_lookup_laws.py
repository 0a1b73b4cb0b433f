"""Laws of placement: bulk = one by one = PostGIS `ST_Covers` with the border rule, by raster and by tree."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from geo.codes import natural_key
from geo.editions import publish_plan
from geo.lookup import Lookup
from geo.lookup.layer import Layer
from geo.lookup.raster import OwnerRaster
from geo.lookup.strokes import Floats
from geo.metric import snap
from geo.networks import Level, create_network
from geo.plans import UnitDraft, add_units_to_plan
from geo.tables import unit_version
from tests.geo.ground import Drawn, make_network, publish

Draw = Callable[[int, int], NDArray[np.object_]]
JULY = datetime(2026, 7, 1, tzinfo=UTC)
BOX = shapely.box(116.2, 39.8, 116.3, 39.9)
LAWFUL = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@cache
def voronoi(seed: int, count: int) -> NDArray[np.object_]:
    """Cells that cover BOX without gap or overlap, with bent borders, on the storage grid."""
    seeds = np.random.default_rng(seed).random((count, 2)) * 0.1 + [116.2, 39.8]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=BOX))
    cells = shapely.segmentize(shapely.intersection(cells, BOX), 0.004)
    bent = shapely.transform(cells, lambda xy: xy + 2e-4 * np.sin(xy[:, ::-1] * 997))
    return snap(bent)


@cache
def overlapping(seed: int, count: int) -> NDArray[np.object_]:
    """Areas that overlap and leave holes, some of two parts, some with a hole of their own."""
    rng = np.random.default_rng(seed)
    centres = shapely.points(rng.random((count, 2)) * 0.1 + [116.2, 39.8])
    discs = shapely.buffer(centres, rng.random(count) * 0.02 + 0.003, quad_segs=6)
    rings = shapely.difference(discs, shapely.buffer(centres, 0.002))
    far = shapely.transform(shapely.buffer(centres, 0.001), lambda xy: xy + 0.05)
    areas = np.where(np.arange(count) % 2, rings, shapely.union(discs, far))
    return snap(areas)


def telling_points(geoms: NDArray[np.object_], seed: int, count: int) -> NDArray[np.float64]:
    """Random points, vertices, exact and rounded points of edges, and points a hair off them."""
    rng = np.random.default_rng(seed)
    west, south, east, north = shapely.total_bounds(geoms)
    free = rng.random((count, 2)) * [(east - west) * 1.1, (north - south) * 1.1] + [west, south]
    corners = rng.permutation(shapely.get_coordinates(geoms))[:count]
    lines = rng.choice(shapely.get_parts(shapely.boundary(geoms)), count)
    along = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.random(count), normalized=True))
    starts = shapely.get_coordinates(lines[:1])
    middles = (starts[1:] + starts[:-1]) / 2
    hair = along + rng.choice([-1e-13, 1e-13, 1e-10, -1e-7], (count, 2))
    return np.concatenate([free, corners, along, middles, np.round(along, 7), hair])


def lowest_by_gis(geoms: NDArray[np.object_], points: NDArray[np.float64]) -> NDArray[np.int32]:
    """The law in one slow line: the first polygon that covers the point."""
    covers = shapely.covers(geoms[None, :], shapely.points(points)[:, None])
    return np.where(covers.any(axis=1), covers.argmax(axis=1), -1).astype(np.int32)


@pytest.mark.parametrize("cells", [1, 30, 1_000, 50_000])
@pytest.mark.parametrize("draw", [voronoi, overlapping])
@LAWFUL
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_the_raster_agrees_with_the_predicates_wherever_it_is_sure(
    draw: Draw, cells: int, seed: int, count: int
) -> None:
    geoms = draw(seed, count)
    points = telling_points(geoms, seed, 60)
    owner, several, unsure = OwnerRaster(geoms, cells=cells).owners(points[:, 0].copy(), points[:, 1].copy())
    expected = lowest_by_gis(geoms, points)
    assert (owner[~unsure] == expected[~unsure]).all()
    overlap = shapely.contains(geoms[None, :], shapely.points(points)[:, None]).sum(axis=1) > 1
    assert (several[~unsure] == overlap[~unsure]).all()


@LAWFUL
@given(seed=st.integers(0, 10_000), count=st.integers(2, 40), overlap=st.booleans())
def test_bulk_is_one_by_one(seed: int, count: int, overlap: bool) -> None:
    geoms = (overlapping if overlap else voronoi)(seed, count)
    points = telling_points(geoms, seed, 30)
    by_tree, by_raster = (Layer(np.arange(count, dtype=np.int32), geoms) for _ in range(2))
    by_raster.use_raster(by_raster.draw_raster())
    lon, lat = points[:, 0].copy(), points[:, 1].copy()
    owner, several = by_tree.owners(lon, lat)
    assert all(
        (one == other).all() for one, other in zip(by_raster.owners(lon, lat), (owner, several), strict=True)
    )
    for place, point in enumerate(points):
        holders = by_tree.holders(*point)
        assert owner[place] == (holders[0] if len(holders) else -1)
        assert several[place] == by_tree.overlap_at(holders, *point)


def test_a_random_point_is_rarely_unsure_and_most_cells_are_pure() -> None:
    geoms = voronoi(5, 400)
    points = np.random.default_rng(0).random((100_000, 2)) * 0.1 + [116.2, 39.8]
    raster = Layer(np.arange(400, dtype=np.int32), geoms).draw_raster()
    unsure = raster.owners(points[:, 0].copy(), points[:, 1].copy())[2]
    assert unsure.sum() <= 1


@pytest.mark.parametrize("draw", [voronoi, overlapping])
def test_placement_is_what_postgis_says_with_the_border_rule(conn: Connection, draw: Draw) -> None:
    geoms = draw(11, 60)
    make_network(conn, "ground", coverage="partial")
    publish(conn, "ground", [Drawn(f"G{number}", geom) for number, geom in enumerate(geoms)])
    points = telling_points(geoms, 3, 150)
    expected = [lowest_by_postgis(conn, lon, lat) for lon, lat in points]
    found = Lookup(conn).place_many("ground", points[:, 0].copy(), points[:, 1].copy())
    assert list(found.codes("grid")) == expected


def lowest_by_postgis(conn: Connection, lon: float, lat: float) -> str | None:
    point = func.ST_SetSRID(func.ST_MakePoint(float(lon), float(lat)), 4326)
    codes = conn.scalars(select(unit_version.c.code).where(func.ST_Covers(unit_version.c.geom, point)))
    return min(codes, key=natural_key, default=None)


def test_bulk_placement_gives_what_single_placement_gives(conn: Connection) -> None:
    geoms = overlapping(4, 30)
    make_network(conn, "ground", coverage="partial")
    publish(conn, "ground", [Drawn(f"{number}", geom) for number, geom in enumerate(geoms)])
    points = telling_points(geoms, 8, 25)
    lookup = Lookup(conn)
    many = lookup.place_many("ground", points[:, 0].copy(), points[:, 1].copy(), accuracy_m=60.0)
    for place, (lon, lat) in enumerate(points):
        one = lookup.place(lon, lat, accuracy_m=60.0)[0]
        assert many.status[place] == one.status
        assert many.unit_version_id[place] == (-1 if one.unit is None else one.unit.unit_version_id)
        assert many.unit_id[place] == (None if one.unit is None else one.unit.unit_id)
        assert many.several[place] == tuple(unit.code for unit in one.several)
        metres = one.nearest.distance_m if one.nearest is not None else one.border_m
        assert many.border_m[place] == pytest.approx(metres, abs=1e-6)


def test_points_of_no_number_are_outside_by_raster_and_by_tree() -> None:
    geoms = voronoi(1, 10)
    nowhere = np.array([np.nan, 116.25, np.inf, -np.inf, 1e300])
    lat = np.array([39.85, np.nan, 39.85, 39.85, 39.85])
    layer = Layer(np.arange(10, dtype=np.int32), geoms)
    assert (layer.owners(nowhere, lat)[0] == -1).all()
    layer.use_raster(layer.draw_raster())
    assert (layer.owners(nowhere, lat)[0] == -1).all()


@settings(
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seeds=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 12)), min_size=2, max_size=4),
    steps=st.lists(st.integers(1, 400), min_size=4, max_size=4),
)
def test_placing_at_an_instant_is_the_same_before_and_after_later_editions(
    conn: Connection, seeds: list[tuple[int, int]], steps: list[int]
) -> None:
    code = f"n{uuid.uuid4().hex}"
    create_network(conn, code, coverage="partial", levels=(Level("grid", "网格"),))
    points = telling_points(voronoi(*seeds[0]), 1, 12)
    lon, lat = points[:, 0].copy(), points[:, 1].copy()
    starts = [JULY + timedelta(hours=sum(steps[:place])) for place in range(len(seeds))]
    believed: dict[datetime, list[object]] = {}
    lookup = Lookup(conn)
    for start, (seed, count) in zip(starts, seeds, strict=True):
        # The first unit lives on and is redrawn; the others are new, since a retired code is never given again.
        names = ["0", *(f"{start:%m%d%H}-{number}" for number in range(1, count))]
        drafts = [
            UnitDraft("grid", name, "x", geom) for name, geom in zip(names, voronoi(seed, count), strict=True)
        ]
        add_units_to_plan(conn, code, drafts)
        publish_plan(conn, code, effective_from=start, by="test", now=JULY)
        for instant in (start, start + timedelta(minutes=59)):
            believed[instant] = _believed(lookup, code, instant, lon, lat)
        for instant, answer in believed.items():
            assert _believed(lookup, code, instant, lon, lat) == answer
            assert _believed(Lookup(conn), code, instant, lon, lat) == answer


def _believed(lookup: Lookup, code: str, at: datetime, lon: Floats, lat: Floats) -> list[object]:
    instants = np.full(len(lon), np.datetime64(at.replace(tzinfo=None), "us"))
    found = lookup.place_many(code, lon, lat, instants)
    return [found.unit_version_id.tolist(), found.edition_id.tolist(), found.status.tolist()]
