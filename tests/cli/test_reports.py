"""`./wangge report coverage`: a past day's report is the one handed out then, or made anew, or told to be out of reach."""

import threading
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import delete, func, select

from analysis.coverage.kept.tables import coverage_day
from api.coverage_chore import keep_coverage
from cli.__main__ import main
from core.clock import day_of
from core.db import make_engine
from core.settings import read_settings
from people.tables import look
from tests.analysis.coverage.town import MORNING, ON, ZONE, add_fixes, build

NEXT_DAY = MORNING + timedelta(days=1)


@pytest.fixture
def out(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small city, of whose day w1's walk is known and nothing is computed; the folder to write to."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", own_database)
    monkeypatch.setenv("WANGGE_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setattr("cli.reports.utc_now", lambda: NEXT_DAY)
    engine = make_engine(own_database)
    with engine.begin() as conn:
        add_fixes(conn, build(conn), [(0.0, 0.0), (1.0, 0.0)])
    engine.dispose()
    return tmp_path / "out"


def report(*arguments: str) -> int:
    return main(["report", "coverage", "--on", str(ON), *arguments])


def test_a_day_is_computed_where_nobody_did_and_told_of_in_both_languages(
    out: Path, own_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {}
    for lang in ("zh", "en"):
        path = out / f"{lang}.geojson"
        assert report("--lang", lang, "--out", str(path)) == 0
        assert "made anew, figures as of" in capsys.readouterr().err
        told[lang] = orjson.loads(path.read_bytes())
    features = [[one["properties"]["area_numerator_cm2"] for one in told[lang]["features"]] for lang in told]
    assert features[0] == features[1]
    assert features[0][0] > 0
    assert told["en"]["title"].startswith("Patrol coverage")
    assert report("--unit", "310101", "--out", str(out / "street.csv")) == 0
    engine = make_engine(own_database)
    with engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(coverage_day)) == 1
        looks = (
            select(look.c.why, look.c.unit_id.is_(None)).where(look.c.what == "export").order_by(look.c.id)
        )
        assert [tuple(one) for one in conn.execute(looks)] == [
            (f"coverage geojson {ON}", True),
            (f"coverage geojson {ON}", True),
            (f"coverage csv {ON}", False),
        ]
    engine.dispose()
    assert report("--out", str(out / "report.doc")) == 2
    assert main(["report", "coverage", "--on", str(day_of(NEXT_DAY, ZONE)), "--out", str(out / "a.csv")]) == 2
    assert "not over" in capsys.readouterr().err
    assert not (out / "a.csv").exists()


def test_what_was_handed_out_is_given_byte_for_byte_and_an_expired_day_says_so(
    out: Path, own_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read_settings()
    engine = make_engine(own_database)
    keep_coverage(engine, settings, NEXT_DAY, threading.Event())
    frozen = settings.var_dir / "reports" / str(ON)
    for lang, tail in (("zh", ""), ("en", "-en")):
        for kind in ("xlsx", "csv"):
            path = out / f"report.{kind}"
            assert report("--network", "governance", "--lang", lang, "--out", str(path)) == 0
            assert path.read_bytes() == (frozen / f"coverage-governance-{ON}{tail}.{kind}").read_bytes()
            assert "handed out then" in capsys.readouterr().err
    assert report("--network", "governance", "--anew", "--out", str(out / "anew.csv")) == 0
    assert "daily" not in (out / "anew.csv").read_text("utf-8-sig")
    monkeypatch.setattr("cli.reports.utc_now", lambda: MORNING + timedelta(days=31))
    for more in ([], ["--anew"]):
        assert report("--network", "governance", *more, "--out", str(out / "late.csv")) == 1
        assert "have expired: the figures are those computed while they stood" in capsys.readouterr().err
    with engine.begin() as conn:
        conn.execute(delete(coverage_day))
    engine.dispose()
    assert report("--network", "governance", "--anew", "--out", str(out / "never.csv")) == 2
    assert "was not computed while they stood" in capsys.readouterr().err
    assert not (out / "never.csv").exists()
