"""A backup taken while fixes arrive holds all that was acknowledged before it began, and fills an empty installation."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.cluster import running_cluster
from tests.journeys.installation import ROOT, Crowd, Installation, enrol, stored


def run_verb(installation: Installation, *arguments: str) -> None:
    command = [sys.executable, "-m", "cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=installation.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(600)
def test_a_backup_under_load_restores_what_was_acknowledged_before_it_began(
    installation: Installation, tmp_path: Path
) -> None:
    backup = tmp_path / "wangge.dump"
    with Crowd(installation, enrol(installation)) as crowd:
        while crowd.acknowledged < 500:
            time.sleep(0.1)
        before = set().union(*(phone.acknowledged.copy() for phone in crowd.phones))
        run_verb(installation, "db", "backup", str(backup))
        during = crowd.acknowledged
    assert during > len(before), "nothing arrived while it was taken"

    empty = Installation(tmp_path / "restored")
    run_verb(empty, "db", "restore", str(backup))
    with running_cluster(tmp_path / "restored"):
        there = stored(empty)
    assert before - there.keys() == set()
    assert set(there.values()) == {1}
