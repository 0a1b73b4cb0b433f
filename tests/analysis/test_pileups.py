"""Many cases on exactly one coarse coordinate are a default, not a place."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from analysis.gi_star import score_cells
from analysis.hotspots import Question, compute_hotspots
from analysis.pileups import count_decimals, count_stacked, find_pile_ups
from analysis.study import neighbour_table
from cases.imports import ImportPlan, import_cases
from geo.cells import cells_of
from geo.lookup import Lookup
from tests.analysis.city import NOW, SINCE, UNTIL, build_city, draw_city, put_cases, scatter_cases
from tests.cases.town import DESK
from tests.geo.ground import Drawn, make_network, publish


def test_decimals_are_those_that_a_coordinate_needs() -> None:
    degrees = np.array([39.0, -77.0, 39.5, -76.61, 34.123, 34.1234, 34.0676391, 0.0, 116.4])
    assert count_decimals(degrees).tolist() == [0, 0, 1, 2, 3, 4, 7, 0, 1]


@pytest.mark.parametrize(
    ("lon", "lat", "cases", "expected"),
    [
        (-77.0, 39.0, 5, True),
        (-77.0, 39.0, 4, False),
        (-76.6, 39.2913281, 50, False),
        (-76.612, 39.291, 5, True),
        (-76.6103531, 39.2913281, 500, False),
    ],
)
def test_a_pile_up_is_coarse_in_both_directions_and_holds_five_or_more(
    lon: float, lat: float, cases: int, expected: bool
) -> None:
    scattered = np.random.default_rng(1).uniform([-76.7, 39.2], [-76.5, 39.4], (300, 2)).round(7)
    places = np.vstack([scattered, np.tile([lon, lat], (cases, 1))])
    found, piled = find_pile_ups(places[:, 0], places[:, 1])
    assert piled.tolist() == [False] * 300 + [expected] * cases
    assert [(pile.lon, pile.lat, pile.cases) for pile in found] == ([(lon, lat, cases)] if expected else [])


def test_no_case_makes_no_pile_up() -> None:
    found, piled = find_pile_ups(np.empty(0), np.empty(0))
    assert (found, len(piled)) == ([], 0)


def test_a_cell_tells_how_many_cases_lie_on_one_exact_spot() -> None:
    lon, lat = np.array([1.0, 1.0, 1.0, 2.0]), np.array([5.0, 5.0, 6.0, 5.0])
    assert count_stacked(lon, lat, np.array([0, 0, 0, 2]), 3).tolist() == [2, 0, 1]


def test_a_pile_up_in_a_city_is_named_left_out_and_not_hot(conn: Connection) -> None:
    city = draw_city(4)
    build_city(conn, city)
    put_cases(conn, scatter_cases(city, 900, 4))
    put_cases(conn, [(113.62, 34.75)] * 80, tag="cut off")
    hotspots = compute_hotspots(conn, Question(SINCE, UNTIL), now=NOW)
    (pile,) = hotspots.facts.pile_ups
    assert (pile.lon, pile.lat, pile.cases, pile.decimals) == (113.62, 34.75, 80, 2)
    assert (hotspots.facts.left_out["pile_up"], hotspots.facts.cases_used) == (80, 900)
    assert not np.char.startswith(hotspots.classes, "hot").any()


@pytest.mark.data
def test_baltimores_cut_off_coordinates_are_named_and_not_called_a_hotspot(
    conn: Connection, real_data: Path
) -> None:
    make_network(conn, "governance", ["city"])
    publish(conn, "governance", [Drawn("BAL", shapely.box(-77.03, 38.97, -76.5, 39.4), "city")])
    columns = {
        "external_ref": "SRRecordID", "category": "SRType", "lon": "Longitude", "lat": "Latitude",
        "reported_at": "CreatedDate", "ended_at": "CloseDate", "state": "SRStatus",
    }  # fmt: skip
    plan = ImportPlan(columns, ZoneInfo("America/New_York"))
    path = real_data / "baltimore" / "requests_2018.csv"
    result = import_cases(conn, Lookup(conn), path, plan, actor=DESK, now=NOW)
    assert (result.new, result.without_point) == (10_000, 590)
    question = Question(datetime(2014, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC), resolution=8)
    hotspots = compute_hotspots(conn, question, now=NOW)
    facts, truncated = (
        hotspots.facts,
        int(np.flatnonzero(hotspots.cells == cells_of([-77.0], [39.0], 8)[0])[0]),
    )
    assert [(pile.lon, pile.lat, pile.decimals) for pile in facts.pile_ups] == [
        (-77.0, 39.0, 0),
        (-76.0, 39.0, 0),
    ]
    assert facts.cases_seen == 10_000
    assert facts.cases_used + sum(facts.left_out.values()) == facts.cases_seen
    assert facts.left_out["no_coordinates"] == 590
    assert [pile.cases for pile in facts.pile_ups] == [885, 7]
    assert facts.left_out["pile_up"] == 892
    assert hotspots.cases[truncated] == 0
    assert hotspots.classes[truncated] == "none"
    piled = hotspots.cases.copy()
    piled[truncated] += facts.pile_ups[0].cases
    scores = score_cells(piled, neighbour_table(hotspots.cells), households=None, seed=1)
    assert scores.gi_star[truncated] > 3  # what would have stood on the map
