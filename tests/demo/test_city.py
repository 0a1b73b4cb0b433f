"""The fictional city: what ships is what the seed makes, and it is a city."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from demo.city.files import FOLDER, POLICE_FOLDER, read_packed, read_planted, write_city
from demo.city.make import City, make_city


@pytest.fixture(scope="module")
def city() -> City:
    return make_city()


@pytest.fixture(scope="module")
def microgrids() -> geopandas.GeoDataFrame:
    return geopandas.read_file(FOLDER / "microgrids.fgb")


def upper_units() -> list[dict[str, str]]:
    with (FOLDER / "units.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.full
def test_the_files_that_ship_are_made_again_from_the_seed(city: City, tmp_path: Path) -> None:
    write_city(city, tmp_path, tmp_path)
    for shipped in [*FOLDER.iterdir(), *POLICE_FOLDER.iterdir()]:
        made = tmp_path / shipped.name
        if shipped.suffix == ".fgb":
            here, there = geopandas.read_file(shipped), geopandas.read_file(made)
            assert here.drop(columns="geometry").equals(there.drop(columns="geometry")), shipped.name
            assert shapely.equals_identical(here.geometry.values, there.geometry.values).all(), shipped.name
        elif shipped.suffix == ".gz":
            assert gzip.decompress(shipped.read_bytes()) == gzip.decompress(made.read_bytes()), shipped.name
        elif shipped.suffix == ".csv":
            assert shipped.read_bytes() == made.read_bytes(), shipped.name


def test_the_boundary_files_stay_below_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()) < 3_000_000


def test_the_governance_network_has_17_175_846_and_5657_units(microgrids: geopandas.GeoDataFrame) -> None:
    assert Counter(row["level"] for row in upper_units()) == {"street": 17, "community": 175, "grid": 846}
    assert len(microgrids) == 5657
    assert len(geopandas.read_file(FOLDER / "dedicated.fgb")) == 93


def test_every_code_begins_with_its_parents_and_no_name_or_code_stands_twice(
    microgrids: geopandas.GeoDataFrame,
) -> None:
    parents = {row["code"]: row["parent"] for row in upper_units()} | dict(
        zip(microgrids["code"], microgrids["parent"], strict=True)
    )
    assert len(parents) == 6695
    assert all(code.startswith(parent or "411799") for code, parent in parents.items())
    assert all(parent in parents for parent in parents.values() if parent)
    names = [row["name"] for row in upper_units()] + list(microgrids["name"])
    assert len(set(names)) == len(names)


def test_the_smallest_areas_cover_the_city_with_no_gap_and_no_overlap(
    microgrids: geopandas.GeoDataFrame,
) -> None:
    shapes = microgrids.geometry.values
    whole = shapely.coverage_union_all(shapes)
    assert shapely.coverage_is_valid(shapes)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-14)
    corners = shapely.get_coordinates(shapes) * 1e7
    assert np.abs(corners - np.rint(corners)).max() < 1e-6


@pytest.mark.parametrize(("digits", "count"), [(9, 17), (12, 175), (15, 846)])
def test_every_area_above_is_one_piece(microgrids: geopandas.GeoDataFrame, digits: int, count: int) -> None:
    groups = microgrids.geometry.groupby(microgrids["code"].str[:digits])
    areas = [shapely.coverage_union_all(group.values) for _, group in groups]
    assert len(areas) == count
    assert {area.geom_type for area in areas} == {"Polygon"}


def test_numbers_run_from_north_to_south_and_west_to_east(microgrids: geopandas.GeoDataFrame) -> None:
    middle = shapely.centroid(microgrids.geometry.values)
    frame = microgrids.assign(
        x=shapely.get_x(middle), y=shapely.get_y(middle), number=microgrids["code"].str[-2:].astype(int)
    )
    families = [group for _, group in frame.groupby("parent") if len(group) >= 6]
    southward = [np.corrcoef(group["number"], group["y"])[0, 1] < 0 for group in families]
    assert np.mean(southward) > 0.95


def test_homes_are_shared_out_evenly(microgrids: geopandas.GeoDataFrame) -> None:
    grids = np.array([int(row["households"]) for row in upper_units() if row["level"] == "grid"])
    assert np.percentile(grids, 90) < 1.4 * grids.mean()
    assert 30 < microgrids["households"].mean() < 50
    assert (
        sum(int(row["households"]) for row in read_packed(FOLDER / "addresses.csv.gz"))
        == microgrids["households"].sum()
    )


def test_police_beats_cut_across_communities_over_the_same_ground(microgrids: geopandas.GeoDataFrame) -> None:
    beats = geopandas.read_file(POLICE_FOLDER / "beats.fgb")
    assert shapely.coverage_is_valid(beats.geometry.values)
    ground = shapely.coverage_union_all(microgrids.geometry.values)
    assert shapely.coverage_union_all(beats.geometry.values).equals(ground)
    tree = shapely.STRtree(beats.geometry.values)
    groups = microgrids.geometry.groupby(microgrids["code"].str[:12])
    communities = [shapely.coverage_union_all(group.values).buffer(-2e-4) for _, group in groups]
    cut = [len(tree.query(community, predicate="intersects")) > 1 for community in communities]
    assert np.mean(cut) > 0.4


def test_every_dedicated_grid_lies_inside_its_community(microgrids: geopandas.GeoDataFrame) -> None:
    sites = geopandas.read_file(FOLDER / "dedicated.fgb")
    for code, group in microgrids.geometry.groupby(microgrids["code"].str[:12]):
        own = sites[sites["parent"] == code]
        assert shapely.covers(shapely.coverage_union_all(group.values), own.geometry.values).all()


def test_every_door_has_its_own_address_inside_the_city(microgrids: geopandas.GeoDataFrame) -> None:
    doors = read_packed(FOLDER / "addresses.csv.gz")
    points = shapely.points([(float(row["lon"]), float(row["lat"])) for row in doors])
    tree = shapely.STRtree(microgrids.geometry.values)
    assert len({row["address"] for row in doors}) == len(doors) > 10_000
    assert len(np.unique(tree.query(points, predicate="within")[0])) == len(doors)


def test_the_streets_hang_together() -> None:
    roads = shapely.from_wkt([row["wkt"] for row in read_packed(FOLDER / "streets.csv.gz")])
    lines = shapely.get_parts(roads)
    tree = shapely.STRtree(lines)
    alone = [line for line in lines if len(tree.query(line, predicate="intersects")) < 2]
    assert not alone


def test_planted_places_are_well_apart() -> None:
    planted = read_planted()
    xy = np.array([(place.lon * 93200, place.lat * 110900) for place in planted])
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) + np.eye(len(xy)) * 1e6
    assert len(planted) == 16
    assert apart.min() > 850


@pytest.mark.full
def test_another_seed_makes_another_city_that_is_as_whole(city: City) -> None:
    other = make_city(7)
    shapes = np.array([unit.shape for unit in other.governance if unit.shape is not None], object)
    assert len(shapes) == 5657
    assert shapely.coverage_is_valid(shapes)
    assert {unit.name for unit in other.governance} != {unit.name for unit in city.governance}
