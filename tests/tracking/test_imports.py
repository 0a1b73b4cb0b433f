"""Files of recorded tracks: what is in them comes in once, bad rows are named, unreadable files write nothing."""

import random
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Connection, func, select, text

from cli.__main__ import main
from core.db import make_engine
from core.errors import Invalid
from core.settings import read_settings
from people.persons import find_person
from people.tables import person
from tests.tracking.city import NOW
from tracking.checks import Rules
from tracking.files import FILES, FixTable
from tracking.imports import Imported, ImportOrder, import_fixes
from tracking.trails import TrailRules, read_trail, trail_geojson

ZONE = ZoneInfo("Asia/Shanghai")
COUNTS = {"000": 3634, "001": 19483, "002": 24100, "003": 13601, "004": 4172, "005": 15999}


def read(path: Path, kind: str) -> FixTable:
    return FILES[kind](path, ZONE)


def bring_in(conn: Connection, tables: list[FixTable], person: str = "W1", crs: str = "wgs84") -> Imported:
    order = ImportOrder(person, crs, "test", "a test")
    return import_fixes(conn, None, tables, order, now=NOW, rules=Rules())


def tracks(folder: Path, user: str) -> list[FixTable]:
    return [read(path, "plt") for path in sorted((folder / "geolife" / user / "Trajectory").glob("*.plt"))]


def trails(conn: Connection, person: str) -> list[bytes]:
    person_id = find_person(conn, person).id
    zone = ZoneInfo("Asia/Shanghai")
    found = conn.execute(
        text(
            "SELECT DISTINCT CAST(fixed_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day FROM fix WHERE person_id = :p ORDER BY 1"
        ),
        {"p": person_id},
    ).scalars()
    return [
        trail_geojson(read_trail(conn, person_id, day, zone=zone, rules=TrailRules())) for day in found.all()
    ]


def pieces(tables: list[FixTable], count: int, seed: int) -> list[FixTable]:
    """The rows of all tables shuffled and cut into `count` tables."""
    at = np.concatenate([table.fixed_at for table in tables])
    numbers = {name: np.concatenate([table.numbers[name] for table in tables]) for name in tables[0].numbers}
    order = np.random.default_rng(seed).permutation(len(at))
    return [
        FixTable(
            "piece",
            at[part],
            {name: column[part] for name, column in numbers.items()},
            np.full(len(part), -1, np.int8),
        )
        for part in np.array_split(order, count)
    ]


@pytest.mark.data
@pytest.mark.parametrize("user", COUNTS)
def test_every_fix_of_a_recorded_week_comes_in_and_again_changes_nothing(
    real_data: Path, conn: Connection, user: str
) -> None:
    tables = tracks(real_data, user)
    first = bring_in(conn, tables)
    assert (first.rows, first.new, first.findings) == (COUNTS[user], COUNTS[user], ())
    assert conn.execute(text("SELECT count(*) FROM fix")).scalar_one() == COUNTS[user]
    before = trails(conn, "W1")
    random.Random(1).shuffle(tables)
    again = bring_in(conn, tables)
    assert (again.rows, again.new) == (COUNTS[user], 0)
    assert trails(conn, "W1") == before


@pytest.mark.data
@pytest.mark.parametrize(
    "user",
    ["000", "004", *(pytest.param(user, marks=pytest.mark.full) for user in ("001", "002", "003", "005"))],
)
def test_shuffled_and_in_fifty_pieces_the_trails_are_the_same_bytes(
    real_data: Path, conn: Connection, user: str
) -> None:
    tables = tracks(real_data, user)
    bring_in(conn, tables, "WHOLE")
    whole = trails(conn, "WHOLE")
    for piece in pieces(tables, 50, seed=5):
        bring_in(conn, [piece], "PIECES")
    shuffled = [trail.replace(b"PIECES", b"WHOLE") for trail in trails(conn, "PIECES")]
    assert len(whole) >= 5
    assert shuffled == whole


def test_an_import_needs_no_shift_makes_the_person_and_is_written_down(
    conn: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "walk.csv"
    path.write_text(
        "lon,lat,time,accuracy_m\n116.3,39.9,2008-10-23T02:53:04Z,5\n116.3001,39.9,2008-10-23 10:53:14,5\n"
    )
    done = bring_in(conn, [read(path, "csv")], "NEW")
    assert (done.new, done.flagged, done.findings) == (2, 0, ())
    person = conn.execute(text("SELECT id, basis FROM person WHERE code = 'NEW'")).one()
    assert person.basis == "import"
    look = conn.execute(text("SELECT who, what, why, person_id FROM look")).one()
    assert tuple(look) == ("test", "import", "a test", person.id)
    at = conn.execute(text("SELECT fixed_at FROM fix ORDER BY fixed_at")).scalars().all()
    assert at == [datetime(2008, 10, 23, 2, 53, 4, tzinfo=UTC), datetime(2008, 10, 23, 2, 53, 14, tzinfo=UTC)]


def test_chinese_coordinates_are_stored_as_wgs84(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("经度,纬度,时间\n116.404,39.915,2026-06-09T08:00:00+08:00\n", "gb18030")
    bring_in(conn, [read(path, "csv")], crs="gcj02")
    lon, lat = conn.execute(text("SELECT lon, lat FROM fix")).one()
    assert (lon, lat) == (pytest.approx(116.39776, abs=2e-5), pytest.approx(39.91360, abs=2e-5))


BAD_ROWS = {
    "113,15;27.8;2026-06-09T00:00:00Z": "no number",
    "113.15;abc;2026-06-09T00:00:00Z": "no number",
    "NaN;27.8;2026-06-09T00:00:00Z": "no number",
    "27.8;113.15;2026-06-09T00:00:00Z": "swapped",
    "999;27.8;2026-06-09T00:00:00Z": "out of range",
    "113.15;27.8;yesterday": "no time",
    "113.15;27.8;": "empty",
    "113.15;27.8;1700-01-01T00:00:00Z": "1990",
    "113.15": "cells",
}


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_bad_row_is_named_and_the_others_are_in(conn: Connection, tmp_path: Path, bad: str) -> None:
    path = tmp_path / "walk.csv"
    good = "113.15;27.8;2026-06-09T00:00:0{}Z"
    path.write_text("\n".join(["lon;lat;time", good.format(1), bad, good.format(2)]))
    done = bring_in(conn, [read(path, "csv")])
    assert done.new == 2
    assert [(finding.file, finding.row) for finding in done.findings] == [("walk.csv", 3)]
    assert BAD_ROWS[bad] in done.findings[0].reason


GEOJSON_LINE = (
    '{"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[113.1, 27.8, 40], [113.2, 27.8]]},'
    ' "properties": {"coordTimes": ["2026-06-09T00:00:00Z", "2026-06-09T01:00:00Z"]}}'
)
OWNTRACKS_REC = (
    '2026-06-09T00:00:00Z\t*                 \t{"_type":"location","lat":27.8,"lon":113.1,"tst":1780963200,"vel":36}\n'
    '2026-06-09T00:00:09Z\t*                 \t{"_type":"location","lat":27.8,"lon":113.1,"tst":1780963209,"t":"p"}\n'
    '2026-06-09T00:00:10Z\t*                 \t{"_type":"lwt","tst":1780963210}\n'
)


@pytest.mark.parametrize(
    ("kind", "content", "count"), [("geojson", GEOJSON_LINE, 2), ("owntracks", OWNTRACKS_REC, 1)]
)
def test_lines_with_times_and_recorder_files_are_read(
    conn: Connection, tmp_path: Path, kind: str, content: str, count: int
) -> None:
    path = tmp_path / "walk"
    path.write_text(content)
    done = bring_in(conn, [read(path, kind)])
    assert (done.new, done.findings) == (count, ())


UNREADABLE = {
    "plt": [b"", b"\x00\xff\x00", b"lat,lon\n1,2\n"],
    "gpx": [b"", b"<gpx", b"<html/>", b'<!DOCTYPE x [<!ENTITY a "b">]><gpx>&a;</gpx>', b"\xff\xfe\x00"],
    "csv": [b"", b"a,b\n1,2\n", b"\x00\x01\x02"],
    "geojson": [
        b"",
        b"{",
        b"[1]",
        b'{"type": "Topology"}',
        b'{"type": "FeatureCollection", "features": 3}',
        b"[" * 9000,
    ],
    "owntracks": [b"hello", b"[{]", b"", b" \n\n"],
}


@pytest.mark.parametrize(
    ("kind", "content"), [(kind, content) for kind, bodies in UNREADABLE.items() for content in bodies]
)
def test_an_unreadable_file_is_invalid_and_named(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(Invalid, match="broken"):
        read(path, kind)


@pytest.mark.data
def test_every_gpx_file_is_read_and_points_without_time_are_no_fixes(real_data: Path) -> None:
    found = {path.name: read(path, "gpx") for path in sorted((real_data / "gpx").glob("*.gpx"))}
    assert len(found) == 28
    assert {name: len(table) for name, table in found.items() if len(table)} == {
        "around-visnjan-with-car.gpx": 104,
        "cerknicko-jezero-no-creator.gpx": 296,
        "cerknicko-jezero-with-elevations-zero.gpx": 296,
        "cerknicko-jezero-without-elevations.gpx": 295,
        "cerknicko-jezero.gpx": 296,
        "cerknicko-without-times.gpx": 5,
        "first_and_last_elevation.gpx": 10,
        "gpx-with-node-with-comments.gpx": 1,
        "gpx1.0_with_all_fields.gpx": 1,
        "gpx1.1_with_all_fields.gpx": 1,
        "korita-zbevnica.gpx": 513,
        "track-with-empty-segment.gpx": 9,
        "track-with-less-sec-time.gpx": 2,
        "track_with_speed.gpx": 3,
    }
    assert len(found["Mojstrovka.gpx"].findings) == 184, "a clock that stood in 1901"
    assert found["track_with_speed.gpx"].numbers["speed_mps"].tolist() == [1.2, 2.2, 3.2]
    assert "291 of 296" in found["cerknicko-without-times.gpx"].findings[0].reason
    assert found["route.gpx"].findings[0].reason == "has no track points"


def test_the_verb_exits_by_what_it_found_and_writes_nothing_for_an_unreadable_file(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    assert read_settings().database_url is not None
    good, bad, broken = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "broken.csv"
    good.write_text("lon,lat,time\n113.1,27.8,2026-06-09T00:00:00Z\n")
    bad.write_text("lon,lat,time\n113.1,27.8,2026-06-09T00:00:05Z\n113.1,xx,2026-06-09T00:00:09Z\n")
    broken.write_bytes(b"\x00\x01")
    verb = ["fixes", "import", "--format", "csv", "--person", "W1"]
    assert main([*verb, str(good), str(broken)]) == 2
    assert "broken.csv" in capsys.readouterr().err
    assert main([*verb, str(tmp_path / "absent.csv")]) == 2
    assert main([*verb, str(good)]) == 0
    assert "1 fixes in 1 files; 1 new" in capsys.readouterr().out
    assert main([*verb, str(good), str(bad)]) == 1
    told = capsys.readouterr()
    assert "bad.csv, row 3" in told.err
    assert "2 fixes in 2 files; 1 new" in told.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--zone", "Asia"], "no time zone “Asia”"),
        (["--zone", "x" * 5000], "no time zone"),
        (["--person", "a b"], "a code has 1 to 64 characters"),
        (["--person", "\x1b[31m"], "a code has 1 to 64 characters"),
        (["--person", "\udcff"], "is no UTF-8 text"),
    ],
)
def test_a_wrong_option_of_the_verb_is_told_and_nothing_written(
    movement: tuple[Path, str], capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    folder, url = movement
    (folder / "good.csv").write_text("lon,lat,time\n113.1,27.8,2026-06-09T00:00:00Z\n")
    verb = ["fixes", "import", str(folder / "good.csv"), "--format", "csv", "--person", "W1"]
    assert main([*verb, *words]) == 2
    err = capsys.readouterr().err
    assert reason in err
    assert "\x1b" not in err
    assert count_people(url) == 0


def test_a_file_without_one_usable_fix_leaves_nothing(movement: tuple[Path, str]) -> None:
    folder, url = movement
    (folder / "bad.csv").write_text("lon,lat,time\n113.1,27.8,yesterday\n")
    assert main(["fixes", "import", str(folder / "bad.csv"), "--format", "csv", "--person", "W1"]) == 1
    assert count_people(url) == 0


@pytest.fixture
def movement(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A folder for files, and the database that the verbs find."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    return tmp_path, own_database


def count_people(url: str) -> int:
    engine = make_engine(url)
    with engine.connect() as conn:
        count = conn.scalar(select(func.count()).select_from(person))
    engine.dispose()
    return int(count or 0)


def test_a_day_is_a_civil_day_of_the_city(conn: Connection, tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("lon,lat,time\n113.1,27.8,2026-06-09T15:59:59Z\n113.1,27.8,2026-06-09T16:00:00Z\n")
    bring_in(conn, [read(path, "csv")])
    person_id = find_person(conn, "W1").id
    counts = [
        len(read_trail(conn, person_id, date(2026, 6, day), zone=ZONE, rules=TrailRules()).fixed_at)
        for day in (8, 9, 10, 11)
    ]
    assert counts == [0, 1, 1, 0]
