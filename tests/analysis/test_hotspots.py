"""Hotspots of a city in the database: what is planted is found, what is chance is not, what is no place is named."""

import numpy as np
import shapely
from sqlalchemy import Connection

from analysis.hotspots import Question, compute_hotspots
from geo.cells import cell_polygons, cells_covering
from tests.analysis.city import (
    METRE,
    NOW,
    SINCE,
    UNTIL,
    build_city,
    count_cells,
    draw_city,
    put_cases,
    scatter_cases,
)

QUESTION = Question(SINCE, UNTIL)


def test_a_planted_hotspot_is_found_and_nothing_else_is_called(conn: Connection) -> None:
    city = draw_city(1)
    build_city(conn, city)
    put_cases(conn, scatter_cases(city, 1500, 1))
    middle = city.homes[7]
    generator = np.random.default_rng(3)
    put_cases(conn, (middle + generator.normal(0, 60 * METRE, (45, 2))).round(7), tag="planted")
    hotspots = compute_hotspots(conn, QUESTION, now=NOW)
    hot = np.char.startswith(hotspots.classes, "hot")
    outlines = cell_polygons(hotspots.cells[hot])
    assert shapely.contains_xy(shapely.union_all(outlines), *middle)
    far = shapely.distance(shapely.centroid(outlines), shapely.Point(middle)) / METRE
    assert far.max() < 450
    assert hotspots.facts.expected_by == "households"


def test_the_whole_area_is_judged_empty_cells_included(conn: Connection) -> None:
    city = draw_city(2)
    build_city(conn, city)
    put_cases(conn, scatter_cases(city, 400, 2))
    hotspots = compute_hotspots(conn, QUESTION, now=NOW)
    assert np.array_equal(hotspots.cells, cells_covering(city.border, 10))
    assert hotspots.facts.study_cells == count_cells(city)
    assert hotspots.cases.sum() == hotspots.facts.cases_used
    assert (hotspots.cases == 0).sum() > len(hotspots.cells) / 4
