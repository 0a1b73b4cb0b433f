"""A period from the database to figures, through the folder: export what changed, compute what is missing, load."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine

from analysis.coverage.beyond.export import FIXES_A_SHARD, Exported, export_day
from analysis.coverage.beyond.folder import Days, held, read_json
from analysis.coverage.beyond.ground import GroundFiles, forget_grounds
from analysis.coverage.beyond.loading import load_day
from analysis.coverage.beyond.pseudonyms import Pseudonyms
from analysis.coverage.beyond.spread import Workers, spread
from analysis.coverage.beyond.work import Work, Worked, is_computed
from analysis.coverage.kept.compute import CoverageJob, DayDone, Period, begin_day
from analysis.coverage.kept.ground import DayGround
from geo.lookup import Lookup


@dataclass(frozen=True)
class Beyond:
    """Where the days lie, whose names they bear, who computes them."""

    days: Days
    pseudonyms: Pseudonyms
    workers: Workers
    shard_fixes: int = FIXES_A_SHARD


@dataclass(frozen=True)
class Kept:
    """A day that needed no computing: its figures were made from what it holds now."""

    on: date


Step = Exported | DayDone | Kept | Worked


def compute_beyond(
    engine: Engine, lookup: Lookup, job: CoverageJob, beyond: Beyond, period: Period
) -> Iterator[Step]:
    """Every day of the period: all of them exported (or left, and why), then each computed, or kept as it is.
    A day is in the database as soon as it is whole.
    """
    days = beyond.days
    with held(days.root):
        exported: list[Exported] = []
        for step in export_days(engine, lookup, job, beyond, period):
            yield step
            if isinstance(step, Exported):
                exported.append(step)
        due: list[Work] = []
        for each in exported:
            made_from = _made_from(days, each.on)
            if is_computed(days, each.on, made_from):
                _load(engine, beyond, each.on, is_new=False)
                yield Kept(each.on)
            else:
                due.append(Work(str(days.root), days.network, each.on, made_from, each.shards))
        for done in spread(due, beyond.workers, days.root) if due else ():
            if done.work.shard is None:
                _load(engine, beyond, done.work.on, is_new=True)
            yield done
        forget_grounds(days)


def export_days(
    engine: Engine, lookup: Lookup, job: CoverageJob, beyond: Beyond, period: Period
) -> Iterator[Exported | DayDone]:
    """Each day in a snapshot of its own; what cannot be computed is left."""
    kept: dict[object, DayGround] = {}
    grounds = GroundFiles(beyond.days)
    for on in period.days:
        with _snapshot(engine) as conn:
            begun = begin_day(conn, lookup, job, on=on, now=period.now, kept=kept)
            step = (
                begun
                if isinstance(begun, DayDone)
                else export_day(
                    conn,
                    beyond.days,
                    job,
                    begun,
                    grounds=grounds,
                    pseudonyms=beyond.pseudonyms,
                    shard_fixes=beyond.shard_fixes,
                )
            )
        yield step


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction in which everything is as it was at one instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn, conn.begin():
        yield conn


def _made_from(days: Days, on: date) -> str:
    sources = read_json(days.sources(on))
    if sources is None:
        raise FileNotFoundError(days.sources(on))
    return str(sources["made_from"])


def _load(engine: Engine, beyond: Beyond, on: date, *, is_new: bool) -> None:
    with engine.begin() as conn:
        load_day(conn, beyond.days, on, pseudonyms=beyond.pseudonyms, is_new=is_new)
