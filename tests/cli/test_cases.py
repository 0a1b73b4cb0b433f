"""`./wangge cases import`: 0 when all is in, 1 with findings, 2 and nothing written for a file that cannot be read."""

from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select

from cases.tables import case
from cli.__main__ import main
from core.db import make_engine
from tests.geo.ground import Drawn, make_network, publish

MAP = ["--map", "external_ref=no", "category=kind", "lon=x", "lat=y"]


@pytest.fixture
def ground(own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    engine = make_engine(own_database)
    with engine.begin() as conn:
        make_network(conn, "governance", ["grid"])
        publish(conn, "governance", [Drawn("g1", shapely.box(116.0, 40.0, 116.1, 40.1), "grid")])
    engine.dispose()
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    return own_database


def count_cases(url: str) -> int:
    engine = make_engine(url, pool_size=1)
    with engine.connect() as conn:
        count = conn.execute(select(func.count()).select_from(case)).scalar_one()
    engine.dispose()
    return count


def write(folder: Path, text: str) -> str:
    path = folder / "cases.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_clean_file_is_done_and_again_changes_nothing(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "no,kind,x,y\n1,noise,116.05,40.05\n2,noise,,\n")
    assert main(["cases", "import", path, *MAP]) == 0
    assert "2 rows: 2 new cases (2 reported)" in capsys.readouterr().out
    assert main(["cases", "import", path, *MAP]) == 0
    assert "2 known already, unchanged" in capsys.readouterr().out
    assert count_cases(ground) == 2


def test_bad_rows_are_listed_with_place_and_reason_and_the_rest_is_in(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path, 'no,kind,x,y\n1,noise,116.05,40.05\n2,noise,"116,05",40.05\n3,noise,40.05,116.05\n'
    )
    assert main(["cases", "import", path, *MAP]) == 1
    told = capsys.readouterr().err
    assert "cases.csv, row 3, column x “116,05”: has a decimal comma; write 116.05" in told
    assert "cases.csv, row 4, column y “116.05”" in told
    assert "swapped" in told
    assert count_cases(ground) == 1


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("", [], "empty"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--map", "level=severity"], "missing column severity"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--zone", "Mars/Base"], "no time zone Mars/Base"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--crs", "mars"], "mars"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--time-format", "%Y%Y"], "names the same part twice"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--state", "open"], "WORD=STATE"),
        ("no,kind,x,y\n1,noise,116.05,40.05\n", ["--map", "lon=y"], "given twice"),
    ],
)
def test_what_makes_no_sense_exits_2_and_writes_nothing(
    ground: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, more: list[str], reason: str
) -> None:
    assert main(["cases", "import", write(tmp_path, text), *MAP, *more]) == 2
    assert reason in capsys.readouterr().err
    assert count_cases(ground) == 0


def test_open_cases_before_any_boundaries_exit_2(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    path = write(tmp_path, "no,kind,x,y\n1,noise,116.05,40.05\n")
    assert main(["cases", "import", path, *MAP]) == 2
    assert "import boundaries first" in capsys.readouterr().err
    assert count_cases(own_database) == 0
