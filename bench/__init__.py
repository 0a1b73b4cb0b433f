"""What `./wangge bench` measures: ratios against named baselines, in the same run on the same machine.

Each module here is a bench with `run(report, settings)`; a new one is a module and a line in BENCHES.
"""

from collections.abc import Callable
from importlib import import_module

from bench.report import Report
from core.settings import Settings

BENCHES = {
    "place": "bench.place",
    "import": "bench.import_",
    "ingest": "bench.ingest",
    "wall": "bench.wall",
    "live": "bench.live",
    "coverage": "bench.coverage",
    "beyond": "bench.beyond",
    "redraw": "bench.redraw",
}


def find_bench(name: str) -> Callable[[Report, Settings], None]:
    """The function that runs a bench of BENCHES."""
    run: Callable[[Report, Settings], None] = import_module(BENCHES[name]).run
    return run
