"""Coverage kept up to date by a running service: yesterday is computed once it is over, and its report written once."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.due import days_due
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.measures.duty_time import WorkingHours
from api.app import make_app
from api.coverage_chore import keep_coverage
from core.db import make_engine
from core.settings import Settings, read_settings
from geo.tables import network
from people.tables import look, person
from reports.coverage import Reader, gather_report, write_csv
from tests.analysis.coverage.town import MORNING, ON, ZONE, add_fixes, build
from tests.tracking.city import make_device

NEXT_DAY = MORNING + timedelta(days=1)


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    """The small city, of whose day w1's walk is known."""
    engine = make_engine(own_database, pool_size=4)
    with engine.begin() as conn:
        add_fixes(conn, build(conn), [(0.0, 0.0), (1.0, 0.0)])
    yield engine
    engine.dispose()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"WANGGE_VAR_DIR": str(tmp_path)})


def test_yesterday_is_computed_and_its_report_written_once_and_never_again(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    keep_coverage(engine, settings, NEXT_DAY, threading.Event())
    with engine.begin() as conn:
        assert set(conn.scalars(select(coverage_day.c.on))) == {ON}
    files = sorted((tmp_path / "reports" / ON.isoformat()).glob("coverage-governance-*"))
    assert [file.name for file in files] == [
        f"coverage-governance-{ON}{tail}.{kind}" for tail in ("-en", "") for kind in ("csv", "pdf", "xlsx")
    ]
    before = {file: file.read_bytes() for file in files}
    assert files[3].read_bytes() == rows_again(engine), "made anew from what is kept, the report is the same"
    with engine.begin() as conn:  # a late fix changes the day, not what was handed out
        add_fixes(
            conn,
            conn.scalar(select(person.c.id).where(person.c.code == "w1")),
            [(0.0, 1.0), (1.0, 1.0)],
            at=MORNING + timedelta(hours=1),
            received_at=NEXT_DAY + timedelta(hours=1),
        )
        later = NEXT_DAY + timedelta(hours=2)
        network_id = find_network_id(conn, "governance")
        assert days_due(conn, network_id, zone=ZONE, now=later, kept_days=30) == [ON]
    keep_coverage(engine, settings, later, threading.Event())
    with engine.begin() as conn:
        assert set(conn.scalars(select(coverage_day.c.as_of))) == {later}
        networks = conn.scalar(select(func.count()).select_from(network))
        assert conn.scalar(select(func.count()).where(look.c.what == "export")) == networks
    assert {file: file.read_bytes() for file in files} == before
    assert files[3].read_bytes() != rows_again(engine), (
        "the day is another one now; what was handed out is not"
    )


def rows_again(engine: Engine) -> bytes:
    """The day's report as the service wrote it then, from what is kept of the day now."""
    with engine.begin() as conn:
        asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
        hours = WorkingHours(ZONE)
        return write_csv(
            gather_report(
                conn, asked, network="governance", reader=Reader("daily"), now=NEXT_DAY, hours=hours
            )
        )


def test_a_service_that_ends_computes_nothing_more(engine: Engine, settings: Settings) -> None:
    over = threading.Event()
    over.set()
    keep_coverage(engine, settings, NEXT_DAY, over)
    with engine.begin() as conn:
        assert conn.scalar(select(func.count()).select_from(coverage_day)) == 0


def test_what_the_phones_do_not_support_is_not_computed_and_said_once(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fine = read_settings({"WANGGE_VAR_DIR": str(tmp_path), "WANGGE_H3_RESOLUTION": "12"})
    with engine.begin() as conn:
        make_device(conn, "P1", "w1")
    for _ in range(2):
        keep_coverage(engine, fine, NEXT_DAY, threading.Event())
    told = [record for record in caplog.records if record.message == "coverage is not computed"]
    assert ["WANGGE_H3_RESOLUTION to 11" in record.why for record in told] == [True]  # type: ignore[attr-defined]
    with engine.begin() as conn:
        assert conn.scalar(select(func.count()).select_from(coverage_day)) == 0
    ready = TestClient(make_app(fine, engine)).get("/readyz").json()
    assert "WANGGE_H3_RESOLUTION to 11" in ready["coverage"]
    assert not (tmp_path / "reports").exists()


def test_after_days_down_each_gets_its_own_report(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    keep_coverage(engine, settings, NEXT_DAY + timedelta(days=1), threading.Event())
    days = sorted(folder.name for folder in (tmp_path / "reports").iterdir())
    assert days == [str(ON), str(ON + timedelta(days=1))]
