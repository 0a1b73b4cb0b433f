"""`./wangge place`: every row comes out once, in order, whatever is wrong with it."""

import csv
import json
from pathlib import Path

import pytest
import shapely

from cli.__main__ import main
from core.db import make_engine
from tests.geo.ground import Drawn, make_network, publish

GRIDS = [
    Drawn("s1", shapely.box(116.0, 40.0, 116.1, 40.1), "street"),
    Drawn("g9", shapely.box(116.0, 40.0, 116.05, 40.1), "grid", "s1"),
    Drawn("g10", shapely.box(116.05, 40.0, 116.1, 40.1), "grid", "s1"),
    Drawn("market", shapely.box(116.02, 40.02, 116.03, 40.03), "grid", "s1", "dedicated"),
]
BEATS = [
    Drawn("12", shapely.box(116.0, 40.0, 116.06, 40.1)),
    Drawn("7", shapely.box(116.04, 40.0, 116.08, 40.1)),
]


@pytest.fixture
def ground(own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two networks published; the verbs find them."""
    engine = make_engine(own_database)
    with engine.begin() as conn:
        make_network(conn, "governance", ("street", "grid"))
        publish(conn, "governance", GRIDS)
        make_network(conn, "police", coverage="partial")
        publish(conn, "police", BEATS)
    engine.dispose()
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    return own_database


def place(
    tmp_path: Path, content: str | bytes, *options: str, name: str = "rows.csv"
) -> tuple[int, list[dict[str, str]]]:
    """The exit code and the rows written, none when there is no file."""
    source, out = tmp_path / name, tmp_path / "placed.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    code = main(["place", str(source), "--out", str(out), *options])
    if not out.exists():
        return code, []
    with out.open(encoding="utf-8", newline="") as file:
        return code, list(csv.DictReader(file))


LON_LAT = ("--lon", "x", "--lat", "y")


def test_rows_are_placed_by_what_was_known_at_an_instant(ground: str, tmp_path: Path) -> None:
    content = "id,x,y\na,116.06,40.05\n"
    now = [
        place(tmp_path, content, *LON_LAT)[1],
        place(tmp_path, content, *LON_LAT, "--known-at", "2099-01-01")[1],
    ]
    assert [rows[0]["governance_grid"] for rows in now] == ["g10", "g10"]
    assert place(tmp_path, content, *LON_LAT, "--known-at", "soon")[0] == 2
    (code, rows) = place(
        tmp_path, content, *LON_LAT, "--network", "governance", "--known-at", "2020-01-01T00:00+08:00"
    )
    assert (code, rows[0]["governance_grid"], rows[0]["governance_status"]) == (0, "", "outside")


def test_good_rows_get_a_code_per_level_and_a_status_per_network(ground: str, tmp_path: Path) -> None:
    code, rows = place(
        tmp_path, "id,x,y\na,116.06,40.05\nb,116.05,40.05\nc,116.025,40.025\nd,116.5,40.5\n", *LON_LAT
    )
    assert code == 0
    assert list(rows[0]) == [
        *(
            "id",
            "x",
            "y",
            "governance_street",
            "governance_grid",
            "governance_dedicated",
            "governance_status",
        ),
        *("police_grid", "police_several", "police_status"),
    ]
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["governance_grid"] for row in rows] == ["g10", "g9", "g9", ""]
    assert [row["governance_street"] for row in rows] == ["s1", "s1", "s1", ""]
    assert [row["governance_dedicated"] for row in rows] == ["", "", "market", ""]
    assert [row["governance_status"] for row in rows] == ["inside", "inside", "inside", "outside"]
    assert [(row["police_grid"], row["police_several"], row["police_status"]) for row in rows] == [
        ("7", "7;12", "several"),
        ("7", "7;12", "several"),
        ("12", "", "inside"),
        ("", "", "outside"),
    ]


def test_rows_without_or_with_bad_coordinates_keep_their_place_and_are_told(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = ["nan,40.05", '"116,06",40.05', "40.05,116.06", "116.06,", "east,north", "116.06,inf", "500,40"]
    code, rows = place(tmp_path, "x,y\n116.06,40.05\n,\n" + "\n".join(bad) + "\n116.01,40.05\n", *LON_LAT)
    assert code == 1
    statuses = [row["governance_status"] for row in rows]
    assert statuses == ["inside", "no_coordinates", *["bad_coordinates"] * len(bad), "inside"]
    assert [row["police_status"] for row in rows][2:-1] == ["bad_coordinates"] * len(bad)
    told = capsys.readouterr().err
    for number in range(4, 4 + len(bad)):
        assert f"rows.csv, row {number}" in told
    assert "has a decimal comma; write 116.06" in told
    assert "lon and lat seem swapped" in told


def test_a_row_with_too_few_cells_keeps_its_place(ground: str, tmp_path: Path) -> None:
    code, rows = place(tmp_path, "x,y,note\n116.06,40.05,one\n116.06\n116.01,40.05,three\n", *LON_LAT)
    assert code == 1
    assert [row["note"] for row in rows] == ["one", "", "three"]
    assert [row["governance_status"] for row in rows] == ["inside", "bad_coordinates", "inside"]


def test_border_and_accuracy(ground: str, tmp_path: Path) -> None:
    content = "x,y,metres\n116.0501,40.05,20\n116.0501,40.05,5\n116.0501,40.05,\n116.2,40.05,5\n"
    code, rows = place(
        tmp_path, content, *LON_LAT, "--border", "--accuracy", "metres", "--network", "governance"
    )
    assert code == 0
    assert [row["governance_status"] for row in rows] == ["ambiguous", "inside", "inside", "outside"]
    assert [round(float(row["governance_border_m"]), 1) for row in rows] == [8.5, 8.5, 8.5, 8533.1]
    assert "police_status" not in rows[0]


def test_each_row_is_placed_as_of_its_own_time(ground: str, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    engine = make_engine(ground)
    with engine.begin() as conn:
        merged = [Drawn("one", GRIDS[0].geom)]
        publish(conn, "police", merged, effective_from=datetime(2026, 6, 30, 16, tzinfo=UTC))
    engine.dispose()
    times = ["2026-06-30 23:59:59", "2026-07-01 00:00", "2026-06-30T16:00:00Z", "yesterday", ""]
    content = "x,y,at\n" + "".join(f"116.01,40.05,{at}\n" for at in times)
    code, rows = place(tmp_path, content, *LON_LAT, "--time", "at")
    assert code == 1
    assert [row["police_grid"] for row in rows] == ["12", "one", "one", "", ""]
    assert [row["police_status"] for row in rows] == ["inside", "inside", "inside", "bad_time", "bad_time"]


def test_coordinates_of_another_system_are_converted(ground: str, tmp_path: Path) -> None:
    content = "x,y\n12921000,4870000\n"
    code, rows = place(tmp_path, content, *LON_LAT, "--crs", "EPSG:3857")
    assert code == 0
    assert rows[0]["governance_grid"] == "g10"
    shifted = place(tmp_path, "x,y\n116.0515,40.05\n", *LON_LAT, "--crs", "gcj02")[1]
    assert shifted[0]["governance_grid"] == "g9"


def test_geojson_brings_its_own_coordinates(ground: str, tmp_path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"名": "甲", "n": 1},
            "geometry": {"type": "Point", "coordinates": [116.06, 40.05]},
        },
        {"type": "Feature", "properties": {"名": "乙"}, "geometry": None},
        {"type": "Nonsense"},
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
        },
    ]
    content = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    code, rows = place(tmp_path, content, name="rows.geojson")
    assert code == 1
    assert [row["名"] for row in rows] == ["甲", "乙", "", ""]
    assert [row["governance_status"] for row in rows] == [
        "inside",
        "no_coordinates",
        "bad_coordinates",
        "bad_coordinates",
    ]


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("", LON_LAT, "the file is empty"),
        ("x,y\n1,2\n", ("--lon", "lon", "--lat", "y"), "missing column lon; the columns there are: x, y"),
        ("x,y\n1,2\n", (), "name the coordinates with --lon and --lat"),
        ("x,y\n1,2\n", (*LON_LAT, "--crs", "mars"), "is no CRS"),
        ("x,y\n1,2\n", (*LON_LAT, "--network", "party"), "there is no network “party”"),
        ("x,y,police_status\n1,2,3\n", LON_LAT, "the file has a column police_status already"),
        (b"x,y\n\xff\xfe\x81,2\n", LON_LAT, "neither UTF-8 nor GB18030"),
        (b"x,y\n\x00\x00,2\n", LON_LAT, "zero bytes"),
    ],
)
def test_what_cannot_be_read_exits_2_and_writes_nothing(
    ground: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | bytes,
    options: tuple[str, ...],
    told: str,
) -> None:
    code, rows = place(tmp_path, content, *options)
    assert (code, rows) == (2, [])
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_chinese_tables_in_their_old_encoding_are_read(ground: str, tmp_path: Path) -> None:
    code, rows = place(tmp_path, "地址,x,y\n中山路1号,116.06,40.05\n".encode("gb18030"), *LON_LAT)
    assert (code, rows[0]["地址"], rows[0]["governance_grid"]) == (0, "中山路1号", "g10")


def test_an_output_that_cannot_be_written_exits_2(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "placed.csv").mkdir()
    source = tmp_path / "rows.csv"
    source.write_text("x,y\n116.06,40.05\n")
    assert main(["place", str(source), *LON_LAT, "--out", str(tmp_path / "placed.csv")]) == 2
    assert "cannot be written: Is a directory" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["placed.csv", "rows.csv"]


@pytest.mark.parametrize("out", ["", ".", "/"])
def test_a_folder_is_no_file_to_write(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("x,y\n116.06,40.05\n")
    assert main(["place", str(source), *LON_LAT, "--out", out]) == 2
    assert "Is a directory" in capsys.readouterr().err
