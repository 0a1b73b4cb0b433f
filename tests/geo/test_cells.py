"""Hexagons: every place has one, a polygon is covered, neighbours are mutual."""

import numpy as np
import shapely

from geo.cells import (
    CellRows,
    cell_area_m2,
    cell_centres,
    cell_inradius_m,
    cell_name,
    cell_polygons,
    cells_covering,
    cells_of,
    neighbours,
)
from geo.metric import metric_crs_of, to_metres

AREA = shapely.box(116.30, 39.90, 116.33, 39.92)


def test_every_place_lies_in_its_cell_and_no_place_has_none() -> None:
    random = np.random.default_rng(7)
    lon, lat = random.uniform(116, 117, 500), random.uniform(39, 40, 500)
    polygons = cell_polygons(cells_of(lon, lat, 10))
    assert shapely.contains_xy(polygons, lon, lat).all()
    assert cells_of([np.nan, 116.0, 200.0, np.inf], [39.0, np.nan, 39.0, 39.0], 10).tolist() == [0, 0, 0, 0]
    assert cells_of([], [], 10).shape == (0,)


def test_an_area_is_covered_without_a_hole() -> None:
    cells = cells_covering(AREA, 9)
    union = shapely.union_all(cell_polygons(cells))
    assert union.covers(AREA)
    assert all(shapely.intersects(cell_polygons(cells), AREA))
    inner = cells_covering(AREA, 9, only_centres=True)
    assert 0 < len(inner) < len(cells)
    assert shapely.contains_xy(AREA, *cell_centres(inner)).all()
    both = shapely.MultiPolygon([AREA, shapely.box(116.5, 39.9, 116.51, 39.91)])
    assert set(cells.tolist()) < set(cells_covering(both, 9).tolist())
    assert len(cells_covering(shapely.Polygon(), 9)) == 0


def test_neighbours_are_mutual_and_six_inside() -> None:
    cells = cells_covering(AREA, 9)[::-1]
    start, end = neighbours(cells)
    pairs = set(zip(start.tolist(), end.tolist(), strict=True))
    assert {(b, a) for a, b in pairs} == pairs
    assert all(a != b for a, b in pairs)
    polygons = cell_polygons(cells)
    touching = {
        (a, b)
        for a in range(len(cells))
        for b in range(len(cells))
        if a != b and polygons[a].distance(polygons[b]) < 1e-9
    }
    assert pairs == touching
    assert np.bincount(start).max() == 6
    assert len(neighbours([])[0]) == 0
    assert len(neighbours(cells, steps=2)[0]) > 2 * len(start)


def test_areas_are_those_of_the_ground() -> None:
    cells = cells_of([116.4, 121.5], [39.9, 31.2], 10)
    polygons = cell_polygons(cells)
    plane = [to_metres([polygon], metric_crs_of([polygon]))[0].area for polygon in polygons]
    assert np.allclose(cell_area_m2(cells), plane, rtol=0.005)
    assert cell_name(int(cells[0])).startswith("8a")


def test_cells_of_many_positions_are_those_that_h3_gives_each() -> None:
    random = np.random.default_rng(9)
    for step_deg in (1e-5, 1e-4, 3e-3):
        lon = 116.3 + np.cumsum(random.normal(0, step_deg, 3000))
        lat = 39.9 + np.cumsum(random.normal(0, step_deg, 3000))
        lon[100], lat[104], lon[800:805] = np.nan, np.inf, 200.0
        for resolution in (9, 10, 11, 12):
            each = [cells_of(*place, resolution)[0] for place in zip(lon, lat, strict=True)]
            assert (cells_of(lon, lat, resolution) == each).all()


def test_cells_are_those_of_h3_all_over_the_world() -> None:
    random = np.random.default_rng(10)
    lon, lat = random.uniform(-180, 180, 2000), np.degrees(np.arcsin(random.uniform(-1, 1, 2000)))
    lon[:4], lat[:4] = [-180, 180, 0, 12], [0, 0, 90, -90]
    for resolution in (0, 1, 4, 7, 10, 15):
        each = [cells_of(*place, resolution)[0] for place in zip(lon, lat, strict=True)]
        assert (cells_of(lon, lat, resolution) == each).all()


def test_rows_of_cells_are_those_of_the_cells_that_h3_gives() -> None:
    random = np.random.default_rng(11)
    lon, lat = random.uniform(-180, 180, 3000), np.degrees(np.arcsin(random.uniform(-1, 1, 3000)))
    lon[1000:] = 116.3 + np.cumsum(random.normal(0, 1e-4, 2000))
    lat[1000:] = 39.9 + np.cumsum(random.normal(0, 1e-4, 2000))
    for resolution in (0, 3, 10, 15):
        each = cells_of(lon, lat, resolution)
        some = np.unique(each)[::2]
        wanted = {cell: row for row, cell in enumerate(some.tolist())}
        found = CellRows(some).find(lon, lat)
        assert found.tolist() == [wanted.get(cell, -1) for cell in each.tolist()]
    assert CellRows(some).find(np.empty(0), np.empty(0)).shape == (0,)


def test_half_the_width_of_a_cell_is_that_of_a_circle_inside_it() -> None:
    cells = cells_of([116.3], [39.9], 10)
    outline = to_metres(cell_polygons(cells), metric_crs_of([AREA]))[0]
    inside = shapely.maximum_inscribed_circle(outline, tolerance=0.1).length
    assert 0.7 < inside / cell_inradius_m(10) < 1.3  # cells differ over the globe, and here they are small
