"""Coverage by many workers: ninety days of sixty people at thirty seconds in the fictional city, beside the database's engine."""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from sqlalchemy import Engine, delete, insert, select, text, update

from analysis.coverage.beyond.export import Exported
from analysis.coverage.beyond.folder import Days
from analysis.coverage.beyond.loading import TABLES
from analysis.coverage.beyond.pseudonyms import read_pseudonyms
from analysis.coverage.beyond.run import Beyond, compute_beyond
from analysis.coverage.beyond.spread import Workers
from analysis.coverage.beyond.work import Worked
from analysis.coverage.kept.compute import CoverageJob, Period, compute_days
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.rules import CoverageRules
from bench.crowd import Crowd, crowded_city
from bench.ground import SEED
from bench.report import Report
from core.clock import day_bounds, day_of, utc_now
from core.db import copy_columns
from core.settings import Settings
from geo.lookup import Lookup
from people.tables import person, shift
from tracking.partitions import ensure_partitions
from tracking.tables import fix

DAYS, PEOPLE, STEP_S, SHIFT_S = 90, 60, 30, 8 * 3600
_M_PER_DEG: Final = np.array([93_000.0, 110_900.0])
_KEPT_DAYS: Final = 400
"""Retention raised, so that all of it still stands."""


def run(report: Report, settings: Settings) -> None:
    """Headline: all days by a worker a core, export and loading included, beside the database's engine; same figures."""
    now = utc_now()
    with (
        crowded_city(settings, PEOPLE) as (engine, crowd),
        tempfile.TemporaryDirectory(prefix="wangge-beyond-") as folder,
    ):
        count = _fill(engine, crowd, now, settings)
        period = _Period(engine, settings, now)
        database_s = _timed(period.by_database())
        kept = period.contents()
        period.forget()
        beyond = _beyond(Path(folder), "many")
        many_s, peak_mb, export_s = _by_workers(period, beyond)
        name = f"{DAYS} days of {PEOPLE} people at {STEP_S} s ({count:,} fixes), export and loading included"
        report.compare(name, many_s, "the database's engine", database_s)
        report.check_equal("days by the database's engine", _differing(kept, period.contents()))
        report.tell("of it the export", export_s, "s")
        report.tell("memory of a worker at its most", peak_mb, "MB")
        again_s, _, _ = _by_workers(period, beyond)
        report.tell(
            "the same again, nothing changed", again_s, "s", baseline="the first run", ratio=many_s / again_s
        )
        _change_one(engine)
        late_s, _, _ = _by_workers(period, beyond)
        report.tell(
            "the same again, one fix changed", late_s, "s", baseline="the first run", ratio=many_s / late_s
        )
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        report.tell("Parquet of all days and figures", size / 1e6, "MB")
        period.forget()
        one_s, _, _ = _by_workers(period, _beyond(Path(folder), "one", workers=1))
        report.tell("by one worker", one_s, "s", baseline="a worker a core", ratio=one_s / many_s)


class _Period:
    """The days, by either engine."""

    def __init__(self, engine: Engine, settings: Settings, now: datetime) -> None:
        self.engine, self.now = engine, now
        self.lookup = Lookup(engine)
        network = next(iter(self.lookup.networks))
        self.job = CoverageJob(network, settings.zone, CoverageRules(), _KEPT_DAYS)
        last = day_of(now, settings.zone) - timedelta(days=1)
        self.days = (last - timedelta(days=DAYS - 1), last)

    def by_database(self) -> Iterator[Any]:
        return compute_days(self.engine, self.lookup, self.job, Period(*self.days, self.now))

    def by_workers(self, beyond: Beyond) -> Iterator[Any]:
        return compute_beyond(self.engine, self.lookup, self.job, beyond, Period(*self.days, utc_now()))

    def contents(self) -> dict[Any, list[Any]]:
        """By day, all that is kept of it."""
        found: dict[Any, list[Any]] = {}
        with self.engine.connect() as conn:
            for table in TABLES:
                rows = conn.execute(
                    select(coverage_day.c.on, *list(table.columns)[1:])
                    .join(coverage_day, coverage_day.c.id == table.c.day_id)
                    .order_by(coverage_day.c.on, *list(table.primary_key)[1:])
                )
                for on, *row in rows:
                    found.setdefault(on, []).append(row)
        return found

    def forget(self) -> None:
        with self.engine.begin() as conn:
            conn.execute(delete(coverage_day))


def _beyond(folder: Path, name: str, *, workers: int | None = None) -> Beyond:
    names = read_pseudonyms(folder / "pseudonyms.key")
    return Beyond(Days(folder / name, "governance"), names, Workers(workers))


def _timed(steps: Iterator[Any]) -> float:
    began = perf_counter()
    for _ in steps:
        pass
    return perf_counter() - began


def _by_workers(period: _Period, beyond: Beyond) -> tuple[float, float, float]:
    """Seconds of it all, most memory of a worker in MB, seconds until the last day was exported."""
    began, peak_mb, export_s = perf_counter(), 0.0, 0.0
    for step in period.by_workers(beyond):
        if isinstance(step, Exported):
            export_s = perf_counter() - began
        elif isinstance(step, Worked):
            peak_mb = max(peak_mb, step.peak_mb)
    return perf_counter() - began, peak_mb, export_s


def _differing(one: dict[Any, list[Any]], other: dict[Any, list[Any]]) -> int:
    return sum(one.get(on) != other.get(on) for on in one.keys() | other.keys())


def _fill(engine: Engine, crowd: Crowd, now: datetime, settings: Settings) -> int:
    """Shifts and fixes of all days, each person walking and standing around the own grid; how many fixes."""
    rng = np.random.default_rng(SEED)
    today = day_of(now, settings.zone)
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    begins = [day_bounds(on, settings.zone)[0] + timedelta(hours=8) for on in days]
    with engine.begin() as conn:
        people = list(conn.scalars(select(person.c.id).order_by(person.c.code)))
        conn.execute(delete(shift))
        times = [(begin, begin + timedelta(seconds=SHIFT_S)) for begin in begins]
        conn.execute(
            insert(shift),
            [
                {"person_id": one, "starts_at": begin, "ends_at": end}
                for one in people
                for begin, end in times
            ],
        )
        ensure_partitions(conn, fix, chain(days, [today]))
    for begin in begins:
        with engine.begin() as conn:
            copy_columns(conn, "fix", _day(rng, np.array(people), crowd.start, begin))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("ANALYZE"))
    return DAYS * PEOPLE * (SHIFT_S // STEP_S)


def _day(rng: np.random.Generator, people: Any, home: Any, begin: datetime) -> dict[str, Any]:
    """The columns of a day: five minutes each of walking or standing, back and forth within half a kilometre."""
    steps = SHIFT_S // STEP_S
    phase = np.arange(steps) * STEP_S // 300
    shape = (len(people), int(phase[-1]) + 1)
    walks, heading = (rng.random(shape) < 0.5)[:, phase], rng.uniform(0, 2 * np.pi, shape)[:, phase]
    way = np.cumsum(
        np.stack([np.cos(heading), np.sin(heading)], 2) * (walks * 1.2 * STEP_S)[..., None], axis=1
    )
    way = np.abs((way + 500) % 2000 - 1000) - 500
    place = (home[:, None] + (way + rng.normal(0, 3, way.shape)) / _M_PER_DEG).round(7).reshape(-1, 2)
    at = np.datetime64(begin.replace(tzinfo=None), "us") + np.arange(steps) * np.timedelta64(STEP_S, "s")
    count = len(place)
    return {
        "device_id": np.repeat(people, steps),
        "person_id": np.repeat(people, steps),
        "fixed_at": np.tile(at, len(people)).astype("datetime64[us]"),
        "received_at": np.tile(at, len(people)).astype("datetime64[us]"),
        "lon": place[:, 0].copy(),
        "lat": place[:, 1].copy(),
        "accuracy_m": np.full(count, 8.0),
        "digest": np.arange(count),
    }


def _change_one(engine: Engine) -> None:
    """The very first fix lies a little elsewhere."""
    with engine.begin() as conn:
        one = conn.execute(select(fix.c.device_id, fix.c.fixed_at).order_by(fix.c.fixed_at).limit(1)).one()
        conn.execute(
            update(fix)
            .where(fix.c.device_id == one.device_id, fix.c.fixed_at == one.fixed_at)
            .values(lon=fix.c.lon + 1e-5)
        )
