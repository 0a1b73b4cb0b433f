"""Ninety days of sixty people at thirty seconds: by workers and by the database the same, also when the run was killed."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest

from analysis.coverage.beyond.folder import MANIFEST
from core.db import make_engine
from tests.analysis.coverage.period import contents, fill

ROOT = Path(__file__).parents[3]
FIRST, DAYS, PEOPLE, STEP_S = date(2026, 2, 2), 90, 60, 30
LAST = FIRST + timedelta(days=DAYS - 1)
SOME = 8


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_ninety_days_by_workers_of_whom_all_were_killed_are_those_of_the_database(
    own_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make_engine(own_database)
    with engine.begin() as conn:
        fill(conn, tmp_path, FIRST, days=DAYS, people=PEOPLE, step_s=STEP_S)
    figures = tmp_path / "parquet" / "networks" / "governance" / "figures"
    first = start(own_database, tmp_path, "--engine", "dask", "--workers", "2")
    wait_for(lambda: len(whole(figures)) >= SOME, first)
    workers = psutil.Process(first.pid).children(recursive=True)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    assert psutil.wait_procs(workers, timeout=60)[1] == []  # nobody goes on without the one who asked
    before = whole(figures)
    assert SOME <= len(before) < DAYS
    again = start(own_database, tmp_path, "--engine", "dask", "--workers", "2")
    told = again.communicate(timeout=1800)[1]
    assert again.returncode == 0, told
    assert before.items() <= whole(figures).items()  # not written again
    assert f"{DAYS} days in" in told
    assert "0 of them exported anew" in told
    assert f"{DAYS - len(before)} computed, {len(before)} kept" in told
    by_workers = contents(engine)
    assert len(by_workers["coverage_day"]) == DAYS
    assert len(by_workers["coverage_duty"]) >= DAYS * PEOPLE
    began = time.monotonic()
    plain = start(own_database, tmp_path, "--engine", "database")
    assert plain.communicate(timeout=1800)[0] == ""
    took_s = time.monotonic() - began
    assert contents(engine) == by_workers
    engine.dispose()
    with capsys.disabled():
        peak = re.findall(r"at most .*", told)
        print(f"\n{told.splitlines()[-1]}; the database's engine: {took_s:.1f} s for all {DAYS} days; {peak}")


def start(database: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    settings = {"WANGGE_DATABASE_URL": database, "WANGGE_VAR_DIR": str(folder), "WANGGE_FIX_DAYS": "4000"}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "coverage", "compute", "--from", str(FIRST), "--to", str(LAST), *more],
        cwd=ROOT,
        env=os.environ | settings | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def whole(figures: Path) -> dict[str, int]:
    """The days that are whole, with when they became so."""
    found = {}
    for path in figures.glob(f"*/{MANIFEST}"):
        found[path.parent.name] = path.stat().st_mtime_ns
    return found


def wait_for(is_so, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 1800
    while not is_so():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
