"""`./wangge coverage compute --from --to`: coverage of days, from the stored fixes."""

import argparse
from datetime import date
from typing import Any

from cli.frame import DONE, WITH_FINDINGS, open_engine, say
from core.clock import day_of, utc_now
from core.errors import Invalid, NotFound
from core.settings import Settings


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("coverage", help="what was visited, day by day")
    actions = parser.add_subparsers(dest="action", required=True)
    compute = actions.add_parser(
        "compute",
        help="compute days from the stored fixes, in place of what was known of them",
        description="Each day is a transaction of its own: a run that was stopped goes on where it is started again. "
        "Days whose fixes have expired stay as they are.",
    )
    compute.add_argument(
        "--from", dest="first", required=True, type=date.fromisoformat, metavar="DATE", help="first day"
    )
    compute.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DATE", help="last day; as --from when not said"
    )
    compute.add_argument("--network", metavar="CODE", help="the first network when not said")
    compute.add_argument("--engine", choices=("database",), default="database", help="where it is computed")
    compute.set_defaults(run=run_compute)


def run_compute(arguments: argparse.Namespace, settings: Settings) -> int:
    from analysis.coverage.kept.compute import CoverageJob, compute_days
    from analysis.coverage.rules import coverage_rules_of
    from geo.lookup import Lookup

    now = utc_now()
    first, last = arguments.first, arguments.last or arguments.first
    if last < first or first > day_of(now, settings.zone):
        raise Invalid(
            f"--from {first} --to {last}: give a day of the past or today, and no end before the beginning"
        )
    left = 0
    with open_engine(settings) as engine:
        lookup = Lookup(engine)
        try:
            if not lookup.networks:
                raise NotFound("there is no network yet; bring borders in with ./wangge boundaries import")
            code = lookup.network(arguments.network or next(iter(lookup.networks))).code
            job = CoverageJob(code, settings.zone, coverage_rules_of(settings), settings.fix_days)
            for done in compute_days(engine, lookup, job, first=first, last=last, now=now):
                say(f"{done.on}: {f'left as it is, {done.left}' if done.left else f'{done.fixes:,} fixes'}")
                left += done.left is not None
        finally:
            lookup.close()
    return WITH_FINDINGS if left else DONE
