"""The bench's frame: a line a figure, and failures that count."""

import json
from importlib.util import find_spec

import pytest

from bench import BENCHES
from bench.ground import random_points, snapshot_of, tessellation
from bench.report import Report, medians


def test_a_figure_is_a_json_object_with_the_five_keys(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(as_json=True)
    report.compare("place points", 0.5, "another's join", 3.0)
    line = json.loads(capsys.readouterr().out)
    assert line == {
        "name": "place points",
        "value": 0.5,
        "unit": "s",
        "baseline": "another's join 3 s",
        "ratio": 6.0,
    }


def test_a_figure_for_people_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Report().compare("place points", 0.5, "another's join", 3.0)
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert told.split()[:5] == ["place", "points", "0.5", "s", "6"]


def test_answers_that_differ_are_failures() -> None:
    report = Report()
    report.check_equal("PostGIS", 0)
    assert report.failures == []
    report.check_equal("PostGIS", 3)
    assert report.failures == ["PostGIS: 3 answers differ"]


def test_pieces_of_work_take_turns() -> None:
    done: list[str] = []
    assert len(medians([lambda: done.append("a"), lambda: done.append("b")], rounds=3)) == 2
    assert done == ["a", "b"] * 3


def test_the_benches_have_names_and_their_ground_covers_all_its_points() -> None:
    assert set(BENCHES) == {"place", "import", "ingest", "live", "wall", "redraw", "coverage", "beyond"}
    assert all(find_spec(module) for module in BENCHES.values())
    geoms = tessellation(50)
    points = random_points(geoms, 500)
    placed = snapshot_of(geoms).place_many(points[:, 0].copy(), points[:, 1].copy())
    assert len(geoms) == 50
    assert (placed.unit_version_id >= 0).all()
