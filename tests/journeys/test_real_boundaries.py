"""Real borders with their known defects: New York, Chicago, Beijing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from cli.__main__ import main
from core.db import make_engine
from geo.editions.standing import read_standing
from geo.lookup import Lookup
from geo.networks import get_network

pytestmark = pytest.mark.data

TRACT = ("--layer", "tract_sf", "--level", "tract", "--code-field", "geoid", "--name-field", "tract_id")
BOROUGH = (
    "--layer",
    "borough_sf",
    "--level",
    "borough",
    "--code-field",
    "borough_id",
    "--name-field",
    "borough_name",
)
DISTRICT = ("--layer", "cd_sf", "--level", "cd", "--code-field", "borough_cd_id", "--name-field", "cd_name")


@pytest.fixture
def run(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path))
    return lambda *words: main(["boundaries", *map(str, words)])


def found(tmp_path: Path, network: str) -> list[dict[str, Any]]:
    """The properties of the findings written for a network."""
    document = json.loads((tmp_path / "findings" / f"{network}.geojson").read_text("utf-8"))
    return [feature["properties"] for feature in document["features"]]


def shapes_of(own_database: str, network: str) -> dict[tuple[str, str], shapely.Geometry]:
    engine = make_engine(own_database)
    with engine.connect() as conn:
        standing = read_standing(conn, get_network(conn, network))
    engine.dispose()
    return {key: row.geom for key, row in standing.items()}


def test_new_york_tracts_are_refused_as_they_come_and_published_when_cleaned(
    run: Any, real_data: Path, tmp_path: Path, own_database: str
) -> None:
    file = real_data / "nyc" / "nyc_boundaries_2263.gpkg"
    words = (
        file,
        "--network",
        "nyc",
        *TRACT,
        "--parent-field",
        "borough_id",
        "--coverage",
        "full",
        "--publish",
    )
    assert run("import", *words) == 1
    rules = Counter(each["rule"] for each in found(tmp_path, "nyc"))
    assert rules["unmatched_edge"] == 968
    assert rules["overlap"] == 998  # of 1,051, those above 1e-6 m²
    overlap_m2 = sum(each["measure"] for each in found(tmp_path, "nyc") if each["rule"] == "overlap")
    assert overlap_m2 == pytest.approx(5.2, rel=0.01)
    assert all(each["lon"] is not None for each in found(tmp_path, "nyc"))

    assert run("import", *words, "--clean", "0.1") == 0
    mended = Counter(each["rule"] for each in found(tmp_path, "nyc"))
    assert mended["mended_overlap"] == 998
    assert mended["mended_unmatched_edge"] == 968
    shapes = shapes_of(own_database, "nyc")
    levels = Counter(level for level, _ in shapes)
    assert levels == {"tract": 2166, "borough": 5}
    tracts = np.array([shape for (level, _), shape in shapes.items() if level == "tract"])
    boroughs = np.array([shape for (level, _), shape in shapes.items() if level == "borough"])
    assert shapely.coverage_is_valid(tracts)
    assert (
        abs(shapely.area(tracts).sum() - shapely.area(boroughs).sum()) <= 1e-14 * shapely.area(boroughs).sum()
    )
    child, _ = shapely.STRtree(boroughs).query(tracts, predicate="covered_by")
    assert len(np.unique(child)) == 2166
    assert run("check", "nyc") == 0
    assert found(tmp_path, "nyc") == []


@pytest.mark.full
def test_new_york_tracts_find_their_boroughs_by_area(
    run: Any, real_data: Path, tmp_path: Path, own_database: str
) -> None:
    file = real_data / "nyc" / "nyc_boundaries_2263.gpkg"
    assert run("import", file, "--network", "nyc", *BOROUGH, "--coverage", "full") == 0
    assert run("import", file, "--network", "nyc", *TRACT) == 1
    rules = Counter(each["rule"] for each in found(tmp_path, "nyc"))
    assert rules["outside_parent"] == 261
    assert run("import", file, "--network", "nyc", *TRACT, "--clean", "0.1", "--publish") == 0
    assert Counter(level for level, _ in shapes_of(own_database, "nyc")) == {"tract": 2166, "borough": 5}


def test_new_york_tracts_do_not_nest_in_community_districts(
    run: Any, real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "nyc" / "nyc_boundaries_2263.gpkg"
    assert run("import", file, "--network", "cd", *DISTRICT, "--coverage", "full") == 1
    assert [each["units"] for each in found(tmp_path, "cd") if each["rule"] == "invalid_geometry"] == [
        ["210"]
    ]
    assert run("import", file, "--network", "cd", *TRACT, "--publish") == 1
    split = [each for each in found(tmp_path, "cd") if each["rule"] == "second_parent"]
    assert len(split) == 230
    assert all(each["measure"] < 99 and each["lon"] is not None for each in split)
    assert run("list", "cd") == 0


def test_chicago_beats_cut_districts_of_another_number(run: Any, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "chicago"
    run(
        "import",
        folder / "police_districts.geojson",
        "--network",
        "c",
        "--level",
        "district",
        "--code-field",
        "DIST_NUM",
        "--coverage",
        "full",
    )
    beats = ("--level", "beat", "--code-field", "BEAT_NUM", "--parent-field", "DISTRICT")
    assert run("import", folder / "police_beats.geojson", "--network", "c", *beats, "--publish") == 1
    findings = found(tmp_path, "c")
    twice = {
        (each["level"], each["units"][0]): each["measure"]
        for each in findings
        if each["rule"] == "duplicate_code"
    }
    assert twice == {("beat", "3100"): 3, ("district", "31"): 3}
    cuts = [each["measure"] for each in findings if each["rule"] == "cuts_other_parent"]
    assert len(cuts) == 268
    assert sum(cuts) == pytest.approx(224.9, rel=0.01)
    assert max(cuts) == pytest.approx(140, rel=0.01)


def test_los_angeles_councils_that_share_ground_are_all_told(
    run: Any, real_data: Path, tmp_path: Path
) -> None:
    """Projected there are 213 pairs; two of them only touch where they lie: a straight edge bends by the projection."""
    file = real_data / "la311" / "nc_boundaries_2019_modified.geojson"
    words = ("--level", "nc", "--code-field", "nc_id", "--name-field", "name")
    assert run("import", file, "--network", "la", *words, "--publish") == 1  # published, with findings
    told = {
        frozenset(each["units"]): each["measure"]
        for each in found(tmp_path, "la")
        if each["rule"] == "overlap"
    }
    councils = geopandas.read_file(file)
    code, drawn = councils["nc_id"].astype(str), np.array(councils.geometry)
    plane = np.array(councils.to_crs(32611).geometry)
    first, second = shapely.STRtree(plane).query(plane, predicate="intersects")
    first, second = first[first < second], second[first < second]
    area = shapely.area(shapely.intersection(plane[first], plane[second]))
    shared = {frozenset((code[i], code[j])): m2 for i, j, m2 in zip(first, second, area, strict=True) if m2}
    apart = ~shapely.relate_pattern(drawn[first], drawn[second], "2********")
    touching = {frozenset((code[i], code[j])) for i, j in zip(first[apart], second[apart], strict=True)}
    assert (len(shared), len(told)) == (213, 211)
    assert set(shared) - set(told) <= touching
    assert max(shared[each] for each in set(shared) - set(told)) < 0.25
    assert sum(shared.values()) / 1e6 == pytest.approx(26.3, abs=0.05)
    assert sum(told.values()) == pytest.approx(sum(shared.values()), rel=1e-3)  # a projection scales areas


COUNTS = {
    "海淀区": 53511,
    "西城区": 17131,
    "石景山区": 7124,
    "朝阳区": 1167,
    "昌平区": 1003,
    "门头沟区": 734,
    "东城区": 319,
}


def test_beijing_places_walks_in_the_right_district_when_its_crs_is_said(
    run: Any, real_data: Path, own_database: str
) -> None:
    file = real_data / "cn" / "cnmaps_amap_1101.geojson"
    words = ("--level-field", "level", "--where", "level=市,区县", "--code-field", "adcode")
    words = (*words, "--name-field", "district,city", "--coverage", "full", "--publish")
    assert run("import", file, "--network", "right", *words, "--crs", "gcj02") == 0
    assert run("import", file, "--network", "wrong", *words, "--crs", "wgs84") == 0
    lon, lat = _walks(real_data / "geolife")
    assert len(lon) == 80_989
    engine = make_engine(own_database)
    with engine.connect() as conn:
        right, wrong = _districts(conn, "right", lon, lat), _districts(conn, "wrong", lon, lat)
    engine.dispose()
    assert Counter(right) == COUNTS
    assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 2_057


def _walks(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = [
        line.split(",")[:2]
        for path in sorted(folder.glob("*/Trajectory/*.plt"))
        for line in path.read_text().splitlines()[6:]
    ]
    lat, lon = np.array(rows, dtype=float).T
    return lon, lat


def _districts(conn: Connection, network: str, lon: np.ndarray, lat: np.ndarray) -> list[str | None]:
    placed = Lookup(conn).place_many(network, lon, lat)
    names = {row.version_id: row.name for row in read_standing(conn, get_network(conn, network)).values()}
    return [names.get(int(version)) for version in placed.unit_version_id]
