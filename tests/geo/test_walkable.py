"""What can be walked comes in from files of any kind, dated, row by row, and nothing is lost."""

from datetime import UTC, date, datetime
from pathlib import Path

import geopandas
import pytest
import shapely
from sqlalchemy import Connection, func, select

from core.errors import Conflict, Invalid
from geo.walkable import (
    SUBJECTS,
    Surveyed,
    SurveyFile,
    import_survey,
    read_obstacles,
    read_sites,
    read_streets,
)
from geo.walkable.tables import ground_survey, street

NOW = datetime(2026, 6, 10, tzinfo=UTC)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
BOX = (113.0, 32.0, 115.0, 34.0)
MAIN = shapely.LineString([(114.0, 33.0), (114.01, 33.0)])
SIDE = shapely.LineString([(114.0, 33.01), (114.01, 33.01)])


def take(conn: Connection, path: Path, subject: str, as_of: date = MAY, **more: object) -> Surveyed:
    return import_survey(conn, SurveyFile(path, SUBJECTS[subject], as_of, **more), now=NOW)  # type: ignore[arg-type]


def counts(done: Surveyed) -> tuple[int, int, int, int]:
    return done.new, done.same, done.ended, len(done.findings)


@pytest.fixture
def streets_file(tmp_path: Path) -> Path:
    path = tmp_path / "streets.gpkg"
    rows = {"name": ["Main", "Side", "Gone", "Point"], "kind": ["road"] * 4}
    shapes = [MAIN, SIDE, None, shapely.Point(114, 33)]
    geopandas.GeoDataFrame(rows, geometry=shapes, crs=4326).to_crs(4547).to_file(path, layer="roads")
    return path


def test_streets_of_a_foreign_crs_come_in_and_bad_rows_are_told(conn: Connection, streets_file: Path) -> None:
    done = take(conn, streets_file, "streets")
    assert counts(done) == (2, 0, 0, 2)
    assert {finding.row for finding in done.findings} == {3, 4}
    found = read_streets(conn, BOX, MAY)
    assert sorted(one.name for one in found) == ["Main", "Side"]
    here = next(one.geometry for one in found if one.name == "Main")
    assert here.equals_exact(shapely.MultiLineString([MAIN]), 2e-7)


def test_the_same_file_again_changes_nothing(conn: Connection, streets_file: Path) -> None:
    take(conn, streets_file, "streets")
    again = take(conn, streets_file, "streets")
    assert counts(again) == (0, 2, 0, 2)
    assert conn.scalar(select(func.count()).select_from(street)) == 2
    assert conn.scalar(select(func.count()).select_from(ground_survey)) == 1


def test_a_later_survey_ends_what_it_holds_no_more_and_days_before_keep_it(
    conn: Connection, streets_file: Path, tmp_path: Path
) -> None:
    take(conn, streets_file, "streets", source="office")
    later = tmp_path / "later.geojson"
    geopandas.GeoDataFrame(
        {"name": ["Main", "New"]}, geometry=[MAIN, MAIN.parallel_offset(0.02)], crs=4326
    ).to_file(later)
    done = take(conn, later, "streets", JUNE, source="office", kind="road")
    assert (done.new, done.ended) == (1 + 1 - done.same, 2 - done.same)
    assert sorted(one.name for one in read_streets(conn, BOX, MAY)) == ["Main", "Side"]
    assert sorted(one.name for one in read_streets(conn, BOX, date(1999, 1, 1))) == ["Main", "Side"]
    assert sorted(one.name for one in read_streets(conn, BOX, JUNE)) == ["Main", "New"]
    with pytest.raises(Conflict, match="known as of 2026-06-01"):
        take(conn, streets_file, "streets", source="office")


def test_water_is_areas_and_lines_with_a_width_and_a_compound_is_no_line(
    conn: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "barred.csv"
    path.write_text(
        "名称,kind,width_m,wkt\n"
        'lake,water,,"POLYGON ((114 33, 114.1 33, 114.1 33.1, 114 33))"\n'
        'river,water,20,"LINESTRING (114 33, 114.2 33)"\n'
        'rail,railway,,"LINESTRING (114 33.1, 114.2 33.1)"\n'
        'wall,compound,,"LINESTRING (114 33.2, 114.2 33.2)"\n'
        'bow,water,,"POLYGON ((114 33, 114.1 33.1, 114.1 33, 114 33.1, 114 33))"\n'
        'odd,swamp,,"LINESTRING (114 33.3, 114.2 33.3)"\n'
        'thin,water,none,"LINESTRING (114 33.4, 114.2 33.4)"\n',
        "utf-8",
    )
    done = take(conn, path, "water", crs="wgs84", columns={"name": "名称"})
    assert (done.new, [finding.row for finding in done.findings]) == (3, [5, 6, 7, 8])
    assert [(one.kind, one.width_m) for one in read_obstacles(conn, BOX, MAY)] == [
        ("railway", 10),
        ("water", 0),
        ("water", 20),
    ]


def test_sites_say_how_often_and_how_long_and_come_from_a_table_too(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text(
        "code,name,kind,visits,days,minutes,lon,lat\n"
        "S1,西门仓库,warehouse,2,7,5,114.0,33.0\n"
        "S2,公园,park,,,,114.01,33.0\n"
        "S2,again,park,1,,,114.02,33.0\n"
        "S3,nowhere,park,1,,,,\n"
        ",nameless,park,1,,,114.0,33.3\n"
        "S5,often,park,many,,,114.0,33.3\n",
        "utf-8",
    )
    done = take(conn, path, "sites")
    assert (done.new, [finding.row for finding in done.findings]) == (2, [4, 5, 6, 7])
    (one,) = read_sites(conn, BOX, MAY)
    assert (one.code, one.name, one.visits, one.days, one.least_s) == ("S1", "西门仓库", 2, 7, 300)


def test_a_map_that_names_no_column_is_refused_with_those_there_are(
    conn: Connection, streets_file: Path
) -> None:
    with pytest.raises(Invalid, match="missing column 路名"):
        take(conn, streets_file, "streets", columns={"name": "路名"})
    with pytest.raises(Invalid, match="streets have no width_m"):
        take(conn, streets_file, "streets", columns={"width_m": "w"})
