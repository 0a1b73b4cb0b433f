"""`./wangge bench [name] [--json]`: one line a figure, the headline first."""

import argparse
from typing import Any

from cli.frame import DONE, WITH_FINDINGS, say
from core.settings import Settings


def add_verbs(verbs: Any) -> None:
    from bench import BENCHES

    parser = verbs.add_parser(
        "bench",
        help="measure against named baselines",
        description="One line a figure, the headline first: name, value, unit, ratio, baseline.",
    )
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="one bench; without: all")
    parser.add_argument(
        "--json", action="store_true", help="a JSON object a line: name, value, unit, baseline, ratio"
    )
    parser.set_defaults(run=run_bench)


def run_bench(arguments: argparse.Namespace, settings: Settings) -> int:
    """Answers that should agree and do not are findings."""
    from bench import BENCHES, find_bench
    from bench.report import Report, machine

    report = Report(as_json=arguments.json)
    for name in [arguments.name] if arguments.name else BENCHES:
        say(f"bench {name}: {machine()}")
        find_bench(name)(report, settings)
    for failure in report.failures:
        say(f"wangge: {failure}")
    return WITH_FINDINGS if report.failures else DONE
