"""`./wangge coverage compute --from --to`: coverage of days, from the stored fixes, here or by many workers."""

import argparse
import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Engine

from cli.frame import DONE, WITH_FINDINGS, Progress, open_engine, say
from core.clock import day_of, utc_now
from core.errors import Invalid, NotFound
from core.settings import Settings


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("coverage", help="what was visited, day by day")
    actions = parser.add_subparsers(dest="action", required=True)
    compute = actions.add_parser(
        "compute",
        help="compute days from the stored fixes, in place of what was known of them",
        description="A run that was stopped goes on where it is started again: with the engine “database” each day is a "
        "transaction of its own, with “dask” what is there and made from the same is not made again. "
        "Days whose fixes have expired stay as they are.",
    )
    compute.add_argument(
        "--from", dest="first", required=True, type=date.fromisoformat, metavar="DATE", help="first day"
    )
    compute.add_argument(
        "--to", dest="last", type=date.fromisoformat, metavar="DATE", help="last day; as --from when not said"
    )
    compute.add_argument("--network", metavar="CODE", help="the first network when not said")
    compute.add_argument(
        "--engine",
        choices=("database", "dask"),
        default="database",
        help="where it is computed: in this process, or exported as Parquet (WANGGE_PARQUET_DIR) and by many workers",
    )
    compute.add_argument(
        "--workers", type=int, metavar="N", help="processes for dask; one a core when not said"
    )
    compute.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="a Dask scheduler, tcp://host:8786; its workers need the folder under the same path, and this program",
    )
    compute.set_defaults(run=run_compute)


def run_compute(arguments: argparse.Namespace, settings: Settings) -> int:
    now = utc_now()
    first, last = arguments.first, arguments.last or arguments.first
    if last < first or first > day_of(now, settings.zone):
        raise Invalid(
            f"--from {first} --to {last}: give a day of the past or today, and no end before the beginning"
        )
    by_workers = arguments.engine == "dask"
    if not by_workers and (arguments.workers is not None or arguments.scheduler is not None):
        raise Invalid("--workers and --scheduler are for --engine dask")
    if arguments.workers is not None and arguments.workers < 1:
        raise Invalid(f"--workers {arguments.workers}: give 1 or more")
    from analysis.coverage.kept.compute import Period

    with open_engine(settings) as engine, _job(engine, arguments.network, settings) as (lookup, job):
        period = Period(first, last, now)
        if by_workers:
            left = _by_workers(engine, lookup, job, _beyond(arguments, settings, job.network_code), period)
        else:
            left = _by_database(engine, lookup, job, period)
    return WITH_FINDINGS if left else DONE


def _by_database(engine: Engine, lookup: Any, job: Any, period: Any) -> int:
    """How many days were left."""
    from analysis.coverage.kept.compute import compute_days

    left = 0
    for done in compute_days(engine, lookup, job, period):
        say(f"{done.on}: {f'left as it is, {done.left}' if done.left else f'{done.fixes:,} fixes'}")
        left += done.left is not None
    return left


def _beyond(arguments: argparse.Namespace, settings: Settings, network: str) -> Any:
    from analysis.coverage.beyond.folder import Days, parquet_folder
    from analysis.coverage.beyond.pseudonyms import read_pseudonyms
    from analysis.coverage.beyond.run import Beyond
    from analysis.coverage.beyond.spread import Workers

    return Beyond(
        Days(parquet_folder(settings).resolve(), network),
        read_pseudonyms(settings.var_dir / "pseudonyms.key"),
        Workers(arguments.workers, arguments.scheduler),
    )


def _by_workers(engine: Engine, lookup: Any, job: Any, beyond: Any, period: Any) -> int:
    """How many days were left; tells each day as it becomes whole, and at the end what the run took."""
    from analysis.coverage.beyond.export import Exported
    from analysis.coverage.beyond.run import Kept, compute_beyond
    from analysis.coverage.kept.compute import DayDone
    from people.looks import Look, record_look

    why = f"coverage by workers, {period.first} – {period.last}"
    with engine.begin() as conn:  # what is exported is movement: on record before it is there
        record_look(conn, Look(period.now, getpass.getuser(), "export", why))
    told, left, began = _Told(), 0, time.monotonic()
    progress = Progress("pieces of work", len(period.days))
    for step in compute_beyond(engine, lookup, job, beyond, period):
        if isinstance(step, DayDone):
            say(f"{step.on}: left as it is, {step.left}")
            left += 1
        elif isinstance(step, Exported):
            told.export(step, time.monotonic() - began)
            progress.total = (progress.total or 0) + step.shards + 1
        elif isinstance(step, Kept):
            told.kept += 1
            progress.step(told.shards.get(step.on, 0))
        elif step.work.shard is None:
            say(f"{step.work.on}: {step.fixes:,} fixes")
        told.work(step)
        progress.step()
    progress.end()
    say(told.summary(time.monotonic() - began, beyond.days.root))
    return left


class _Told:
    """What a run by workers did, for its last lines."""

    def __init__(self) -> None:
        self.exported = self.written = self.kept = self.computed = self.fixes = 0
        self.export_s = self.peak_mb = 0.0
        self.shards: dict[date, int] = {}

    def export(self, step: Any, took_s: float) -> None:
        self.exported += 1
        self.written += step.written
        self.shards[step.on] = step.shards
        self.export_s = took_s

    def work(self, step: Any) -> None:
        work = getattr(step, "work", None)
        if work is not None:
            self.peak_mb = max(self.peak_mb, step.peak_mb)
        if work is not None and work.shard is None:
            self.computed += 1
            self.fixes += step.fixes

    def summary(self, took_s: float, folder: object) -> str:
        return (
            f"{self.exported:,} days in {folder}, {self.written:,} of them exported anew, in {self.export_s:.1f} s; "
            f"{self.computed:,} computed, {self.kept:,} kept: {self.fixes:,} fixes in {took_s - self.export_s:.1f} s, "
            f"at most {self.peak_mb:,.0f} MB a worker"
        )


@contextmanager
def _job(engine: Engine, network: str | None, settings: Settings) -> Iterator[Any]:
    from analysis.coverage.kept.compute import CoverageJob
    from analysis.coverage.rules import coverage_rules_of
    from geo.lookup import Lookup

    lookup = Lookup(engine)
    try:
        if not lookup.networks:
            raise NotFound("there is no network yet; bring borders in with ./wangge boundaries import")
        code = lookup.network(network or next(iter(lookup.networks))).code
        yield lookup, CoverageJob(code, settings.zone, coverage_rules_of(settings), settings.fix_days)
    finally:
        lookup.close()
