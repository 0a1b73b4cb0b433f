"""`./wangge check` and `./wangge test`: the house's own tools over the house."""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.settings import Settings

ROOT = Path(__file__).parent.parent
MOST_PROCESSES = 4
"""Of the tests; each has a database server of its own and, in turn, a browser."""


def add_verbs(verbs: Any) -> None:
    check = verbs.add_parser("check", help="ruff, mypy and the import contracts")
    check.set_defaults(run=run_check)
    test = verbs.add_parser("test", help="pytest; what is not ours goes to it", add_help=False)
    test.set_defaults(run=run_test, takes_more=True)


def run_check(_arguments: argparse.Namespace, _settings: Settings) -> int:
    steps = [
        ("format", ["ruff", "format", "--check", "."]),
        ("lint", ["ruff", "check", "."]),
        ("types", ["mypy"]),
        ("imports", ["lint-imports"]),
    ]
    failed = [name for name, command in steps if _run(name, command) != 0]
    print(f"check: {'failed: ' + ', '.join(failed) if failed else 'all good'}")
    return 1 if failed else 0


def run_test(arguments: argparse.Namespace, _settings: Settings) -> int:
    return _run("test", ["pytest", *_sharing(arguments.rest), *arguments.rest])


def _sharing(given: list[str]) -> list[str]:
    """The whole suite is shared out among processes (tests/workers.py); a part, or one to be debugged, is not."""
    processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    is_part = any((ROOT / one.partition("::")[0]).exists() for one in given if not one.startswith("-"))
    if is_part or processes < 2 or not {"--pdb", "--collect-only", "--co"}.isdisjoint(given):
        return []
    return ["-n", str(processes)]


def _run(name: str, command: list[str]) -> int:
    tool, *arguments = command
    program = Path(sys.executable).parent / tool
    if not program.exists() and importlib.util.find_spec(tool) is None:
        print(f"wangge: {tool} is not installed; ./wangge {name} installs it", file=sys.stderr)
        return 2
    # Outside settings must not colour the tests: those of the tests themselves stay. The many processes that tests start
    # compile each file once.
    environ = {
        k: v
        for k, v in os.environ.items()
        if (not k.startswith("WANGGE_") or k.startswith("WANGGE_TEST_")) and k != "PYTHONDONTWRITEBYTECODE"
    }
    return subprocess.run([program, *arguments], cwd=ROOT, env=environ, check=False).returncode
