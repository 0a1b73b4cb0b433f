"""`./wangge map`: files whole or not at all, and a look at people's movement on record."""

from pathlib import Path

import pytest
from sqlalchemy import select

from cli.__main__ import main
from core.db import make_engine
from geo.lookup import Lookup
from people.tables import look
from tests.city import code_at, publish_small_city
from tests.maps.conftest import walk


@pytest.fixture
def city(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small city, committed, with one walk on 2026-06-10; the folder to write to."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    engine = make_engine(own_database)
    with engine.begin() as conn:
        publish_small_city(conn)
        walk(conn, Lookup(conn), tmp_path, code="W1")
    engine.dispose()
    return tmp_path / "out"


def test_each_map_is_written(city: Path, own_database: str) -> None:
    assert main(["map", "grids", "--out", str(city / "grids.html")]) == 0
    assert main(["map", "grids", "--network", "police", "--out", str(city / "police.html")]) == 0
    assert (
        main(["map", "trails", "--on", "2026-06-10", "--person", "W1", "--out", str(city / "trail.html")])
        == 0
    )
    period = ["--from", "2026-06-01", "--to", "2026-06-30"]
    assert (
        main(["map", "hotspots", *period, "--network", "governance", "--out", str(city / "hotspots.html")])
        == 0
    )
    then = ["--at", "2026-02-01T08:00", "--network", "governance"]
    assert main(["map", "hotspots", *period, *then, "--out", str(city / "then.html")]) == 0
    assert "2026-02-01 08:00" in (city / "then.html").read_text("utf-8")
    both = ["--on", "2026-06-10", "--at", "2026-06-10"]
    assert main(["map", "grids", *both, "--out", str(city / "never.html")]) == 2
    for path in city.iterdir():
        assert path.read_text("utf-8").startswith("<!DOCTYPE html>"), path
    assert len(list(city.iterdir())) == 5
    engine = make_engine(own_database)
    with engine.connect() as conn:
        looks = conn.execute(select(look.c.what, look.c.why).where(look.c.what == "map")).all()
    engine.dispose()
    assert [tuple(one) for one in looks] == [("map", "map of trails")]


def test_trails_of_several_days_are_one_map(city: Path) -> None:
    out = city / "days.html"
    period = ["--from", "2026-06-09", "--to", "2026-06-11"]
    assert main(["map", "trails", *period, "--person", "W1", "--out", str(out)]) == 0
    text = out.read_text("utf-8")
    assert "2026-06-09 – 2026-06-11" in text


def test_a_look_is_on_record_before_its_map_can_be_seen(
    city: Path, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(own_database)
    recorded: list[int] = []
    put = Path.replace

    def put_in_place(path: Path, target: Path) -> Path:
        with engine.connect() as conn:
            recorded.append(len(conn.execute(select(look.c.why).where(look.c.what == "map")).all()))
        return put(path, target)

    monkeypatch.setattr(Path, "replace", put_in_place)
    assert main(["map", "trails", "--on", "2026-06-10", "--out", str(city / "trail.html")]) == 0
    engine.dispose()
    assert recorded == [1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["grids", "--network", "nowhere"], "no network “nowhere”; the networks are: governance, police"),
        (["grids", "--unit", "none"], "has no unit none"),
        (
            ["trails", "--on", "2020-01-01"],
            "no accepted fix on 2020-01-01; the newest day with fixes is 2026-06-10",
        ),
        (["trails", "--person", "nobody"], "no person nobody"),
        (["trails", "--unit", code_at(7, 7), "--on", "2026-06-10"], "no accepted fix on 2026-06-10\n"),
        (["trails", "--on", "2026-06-10", "--from", "2026-06-09"], "give one or the other"),
        (["trails", "--from", "2026-06-10", "--to", "2026-06-09"], "the first day comes first"),
        (["trails", "--from", "2026-01-01", "--to", "2026-06-10"], "ask for 31 at most"),
        (
            ["trails", "--from", "2026-06-01", "--to", "2026-06-09"],
            "on 2026-06-01 – 2026-06-09; the newest day",
        ),
        (["hotspots", "--from", "2026-06-30", "--to", "2026-06-01"], "before it begins"),
    ],
)
def test_what_cannot_be_drawn_exits_2_and_writes_nothing(
    city: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(["map", *arguments, "--out", str(city / "map.html")]) == 2
    assert reason in capsys.readouterr().err
    assert not city.exists() or list(city.iterdir()) == []


def test_a_day_that_is_none_and_a_place_that_cannot_be_written(
    city: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["map", "trails", "--on", "10.06.2026", "--out", str(city / "map.html")])
    assert stopped.value.code == 2
    (tmp_path / "file").write_text("")
    assert main(["map", "grids", "--out", str(tmp_path / "file" / "map.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
