"""`./wangge boundaries …` as an operator runs it, on files of every kind of trouble."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select

from cli.__main__ import main
from core.db import make_engine
from geo.tables import edition, network, plan, plan_unit, unit_version
from tests.geo.sketch import areas

DATA = Path(__file__).parents[2] / "data" / "boundaries"


@pytest.fixture
def run(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the verb on a database and a var directory of the test's own; returns the exit code."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path / "var"))
    return lambda *words: main(["boundaries", *map(str, words)])


@pytest.fixture
def count(own_database: str) -> Any:
    def count_rows(*tables: Any) -> list[int]:
        engine = make_engine(own_database)
        with engine.connect() as conn:
            counts = [conn.scalar(select(func.count()).select_from(table)) for table in tables]
        engine.dispose()
        return counts

    return count_rows


def write(path: Path, sketch: str, **properties: Any) -> Path:
    """A GeoJSON file of the sketch; `properties`: column → {letter: value}."""
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": letter,
                **{name: values.get(letter) for name, values in properties.items()},
            },
            "geometry": shapely.geometry.mapping(area),
        }
        for letter, area in areas(sketch).items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def test_a_new_network_is_partial_and_its_first_edition_holds_since_ever(
    run: Any, tmp_path: Path, capsys: Any
) -> None:
    file = write(tmp_path / "grids.geojson", "AB")
    assert run("import", file, "--network", "g", "--level", "grid", "--code-field", "code", "--publish") == 0
    assert "holds since ever" in capsys.readouterr().out
    assert run("list") == 0
    assert "partial" in capsys.readouterr().out
    assert run("list", "g") == 0
    assert "since ever" in capsys.readouterr().out


def test_parents_named_in_a_column_are_derived(run: Any, tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "g.geojson", "ABC", street_id=dict(zip("ABC", "112", strict=True)))
    words = ("--network", "g", "--level", "grid", "--code-field", "code", "--parent-field", "street_id")
    assert run("import", file, *words, "--coverage", "full", "--publish") == 0
    assert "grid 3, street 2" in capsys.readouterr().out.replace("street 2, grid 3", "grid 3, street 2")


def test_a_full_network_with_findings_is_refused_with_a_table_and_a_map(
    run: Any, tmp_path: Path, capsys: Any, count: Any
) -> None:
    grids = json.loads(write(tmp_path / "g.geojson", "AAB\nA.B\nCCB").read_text())
    grids["features"][0]["geometry"] = shapely.geometry.mapping(shapely.box(116, 39.0072, 116.0021, 39.01))
    (tmp_path / "g.geojson").write_text(json.dumps(grids))
    findings = tmp_path / "f.geojson"
    words = (
        "--network",
        "g",
        "--level",
        "grid",
        "--code-field",
        "code",
        "--coverage",
        "full",
        "--findings",
        findings,
    )
    assert run("import", tmp_path / "g.geojson", *words, "--publish") == 1
    out, err = capsys.readouterr()
    assert "overlap" in out
    assert "not published" in err
    found = {feature["properties"]["rule"] for feature in json.loads(findings.read_text())["features"]}
    assert found >= {"overlap", "unmatched_edge"}
    assert count(edition, unit_version, plan) == [0, 0, 1]
    assert run("check", "g") == 1
    assert run("publish", "g") == 1
    assert count(edition) == [0]


def test_a_corrected_file_takes_the_place_of_the_refused_one(run: Any, tmp_path: Path, count: Any) -> None:
    words = ("--network", "g", "--level", "grid", "--code-field", "code")
    bad = write(tmp_path / "bad.geojson", "AAB\nA.B\nCCB")
    assert run("import", bad, *words, "--coverage", "full", "--publish") == 1
    assert run("import", write(tmp_path / "good.geojson", "AAB\nAAB\nCCB"), *words, "--publish") == 0
    assert count(edition, unit_version, plan_unit) == [1, 3, 3]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.geojson", b"", "empty"),
        ("broken.geojson", b'{"type": "FeatureCollection", "features": [', ""),
        ("none.geojson", b'{"type": "FeatureCollection", "features": []}', "no rows"),
        ("noise.gpkg", bytes(range(256)) * 20, ""),
        ("half.zip", b"PK\x03\x04\x00\x00", ""),
    ],
)
def test_an_unreadable_file_exits_2_and_writes_nothing(
    run: Any, tmp_path: Path, capsys: Any, count: Any, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert (
        run(
            "import",
            tmp_path / name,
            "--network",
            "g",
            "--level",
            "grid",
            "--code-field",
            "code",
            "--publish",
        )
        == 2
    )
    err = capsys.readouterr().err
    assert name in err
    assert reason in err
    assert count(network, plan, edition) == [0, 0, 0]


def test_a_missing_column_names_the_ones_there_are(run: Any, tmp_path: Path, capsys: Any, count: Any) -> None:
    file = write(tmp_path / "g.geojson", "AB")
    assert run("import", file, "--network", "g", "--level", "grid", "--code-field", "kode") == 2
    assert "the columns there are: code" in capsys.readouterr().err
    assert count(network) == [0]


def test_rows_without_a_code_are_listed_and_the_others_are_in(
    run: Any, tmp_path: Path, capsys: Any, count: Any
) -> None:
    file = write(tmp_path / "g.geojson", "ABC", kode={"A": "1", "C": "3"})
    assert run("import", file, "--network", "g", "--level", "grid", "--code-field", "kode", "--publish") == 1
    assert "row 2, column kode" in capsys.readouterr().err
    assert count(unit_version) == [2]


@pytest.mark.parametrize("several", [["1", "2"], {"a": "1"}])
def test_a_list_is_no_code_and_its_row_is_told(
    run: Any, tmp_path: Path, capsys: Any, count: Any, several: object
) -> None:
    file = write(tmp_path / "g.geojson", "ABC", kode={"A": "1", "B": several, "C": "3"})
    assert run("import", file, "--network", "g", "--level", "grid", "--code-field", "kode", "--publish") == 1
    told = capsys.readouterr().err
    assert "row 2, column kode" in told
    assert "holds several values; write one" in told
    assert count(unit_version) == [2]


def test_hostile_names_are_kept_as_they_are(run: Any, tmp_path: Path, own_database: str) -> None:
    names = {"A": "'; DROP TABLE unit; --", "B": "<script>\\t\u202e网格"}
    file = write(tmp_path / "g.geojson", "AB", title=names)
    assert (
        run(
            "import",
            file,
            "--network",
            "g",
            "--level",
            "grid",
            "--code-field",
            "code",
            "--name-field",
            "title",
            "--publish",
        )
        == 0
    )
    engine = make_engine(own_database)
    with engine.connect() as conn:
        assert set(conn.scalars(select(unit_version.c.name))) == set(names.values())
    engine.dispose()


def test_a_file_is_checked_without_being_imported(run: Any, tmp_path: Path, count: Any) -> None:
    file = write(tmp_path / "g.geojson", "AAB\nA.B\nCCB")
    words = ("--network", "g", "--level", "grid", "--code-field", "code")
    assert run("check", file, *words, "--coverage", "full") == 1
    assert run("check", file, *words) == 0
    assert count(network, plan) == [0, 0]


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "fgb", "csv"])
def test_what_is_exported_imports_again_with_the_same_digest(
    run: Any, tmp_path: Path, own_database: str, ending: str
) -> None:
    file = write(tmp_path / "g.geojson", "AABB\nAACB\nDDCC")
    words = (
        "--level",
        "grid",
        "--code-field",
        "code",
        "--name-field",
        "name",
        "--coverage",
        "full",
        "--publish",
    )
    assert run("import", file, "--network", "one", *words[:4], *words[6:]) == 0
    assert run("export", "one", "--out", tmp_path / f"out.{ending}") == 0
    crs = ("--crs", "wgs84") if ending == "csv" else ()
    assert run("import", tmp_path / f"out.{ending}", "--network", "two", *words, *crs) == 0
    engine = make_engine(own_database)
    with engine.connect() as conn:
        shas = conn.execute(select(unit_version.c.code, unit_version.c.geom_sha)).all()
    engine.dispose()
    assert len(shas) == 8
    assert len({(row.code, bytes(row.geom_sha)) for row in shas}) == 4


def test_the_folders_that_ship_publish_without_a_finding(run: Any, capsys: Any) -> None:
    for folder in sorted(path.parent for path in DATA.glob("*/boundary.toml")):
        assert run("import", folder, "--publish") == 0
    out = capsys.readouterr().out
    assert "microgrid 5,657" in out
    assert "dedicated (dedicated) 93" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('licence = "x"\n', "source.licence is missing"),
        ("on = 2026-01-01", "source.on is missing"),
        ('code_field = "code"', "files.code_field is missing"),
        ('coverage = "full"', None),
    ],
)
def test_a_boundary_toml_with_a_key_missing_says_which(
    run: Any, tmp_path: Path, capsys: Any, change: str, message: str | None
) -> None:
    write(tmp_path / "g.geojson", "AB")
    (tmp_path / "boundary.toml").write_text(TOML.replace(change, ""), "utf-8")
    assert run("import", tmp_path, "--publish") == (0 if message is None else 2)
    assert message is None or message in capsys.readouterr().err


def test_an_unknown_key_of_a_boundary_toml_is_an_error(run: Any, tmp_path: Path, capsys: Any) -> None:
    write(tmp_path / "g.geojson", "AB")
    (tmp_path / "boundary.toml").write_text(TOML.replace("level =", "levle ="), "utf-8")
    assert run("import", tmp_path) == 2
    assert "files.levle is unknown" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "to", "reason"),
    [
        ('code = "t"', f"code = {'[' * 100_000}", "nested too deeply"),
        ('name = "t"', 'name = "t\\u0000"', "network.name holds a zero character"),
        ('authority = "a"', 'authority = "\\u0000"', "source.authority holds a zero character"),
        ('coverage = "full"', "effective = 5", "network.effective has the wrong type"),
        ('coverage = "full"', 'effective = "soon"', "network.effective: “soon” is no instant"),
        ('coverage = "full"', "effective = 2026-01-01", "has no offset from UTC"),
        ('coverage = "full"', "clean_m = nan", "network.clean_m is no finite number"),
        ('coverage = "full"', "clean_m = true", "network.clean_m has the wrong type"),
        ('coverage = "full"', "rules = { x = inf }", "network.rules.x is no finite number"),
        ('code_field = "code"', 'code_field = "code"\nwhere = { a = 1 }', "files.where.a is to be a list"),
        ('code_field = "code"', 'code_field = "code"\nwhere = { a = "xy" }', "files.where.a is to be a list"),
    ],
)
def test_a_wrong_value_in_a_boundary_toml_is_told_with_its_key(
    run: Any, tmp_path: Path, capsys: Any, count: Any, change: str, to: str, reason: str
) -> None:
    write(tmp_path / "g.geojson", "AB")
    (tmp_path / "boundary.toml").write_text(TOML.replace(change, to, 1), "utf-8")
    assert run("import", tmp_path) == 2
    err = capsys.readouterr().err
    assert reason in err
    assert "boundary.toml" in err
    assert count(network, plan, edition) == [0, 0, 0]


def test_dates_in_the_rules_are_kept_as_text(run: Any, tmp_path: Path) -> None:
    write(tmp_path / "g.geojson", "AB")
    rules = 'coverage = "full"\nrules = { reviewed = 2026-01-01 }'
    (tmp_path / "boundary.toml").write_text(TOML.replace('coverage = "full"', rules), "utf-8")
    assert run("import", tmp_path, "--publish") == 0


def test_a_file_that_cannot_be_written_is_told(run: Any, tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "g.geojson", "AB")
    assert run("import", file, "--network", "g", "--level", "grid", "--code-field", "code", "--publish") == 0
    for name in ("x.geojson", "x.gpkg", "x.csv"):
        assert run("export", "g", "--out", file / name) == 2
        assert name in capsys.readouterr().err


TOML = """
[source]
authority = "a"
licence = "x"
origin = "o"
on = 2026-01-01
[network]
code = "t"
name = "t"
coverage = "full"
[[network.levels]]
code = "grid"
name = "网格"
[[files]]
file = "g.geojson"
level = "grid"
code_field = "code"
"""


def test_a_mistyped_year_is_taken_back_and_the_draft_is_published_for_another_instant(
    run: Any, tmp_path: Path, capsys: Any
) -> None:
    given = ("--network", "g", "--level", "grid", "--code-field", "code", "--publish")
    assert run("import", write(tmp_path / "first.geojson", "AB"), *given) == 0
    file = write(tmp_path / "second.geojson", "AC")
    assert run("import", file, *given, "--effective", "2099-01-01T00:00:00+08:00") == 0
    capsys.readouterr()
    assert run("take-back", "g", "--reason", "the year was mistyped") == 0
    assert "edition 2 of network g is taken back" in capsys.readouterr().err
    assert run("list", "g") == 0
    assert "never: taken back" in capsys.readouterr().out
    assert run("publish", "g") == 0
    assert "network g, edition 3, holds from 20" in capsys.readouterr().out
    assert run("take-back", "g", "--reason", "x") == 2
    assert "no edition announced" in capsys.readouterr().err
