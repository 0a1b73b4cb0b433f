"""What the page asks, from a database: a day computed from stored fixes, and figures read back over a month of days."""

from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Engine, func, select, text, update

from analysis.coverage.fixes import Fixes
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import CoverageJob, DayDone, begin_day, compute_day, cover
from analysis.coverage.kept.late import refresh_day
from analysis.coverage.kept.reading import read_coverage
from analysis.coverage.kept.tables import coverage_day, coverage_unit
from analysis.coverage.kept.writing import UNIT_FIGURES, measured, rows_of, write_rows
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.rules import CoverageRules
from analysis.coverage.views.cold import list_cold
from analysis.coverage.views.person import DayAsked, read_person_day
from bench.coverage.world import BEGIN_US
from bench.crowd import crowded_city
from bench.report import Report, medians, seconds_of
from cases.placement import MAIN_NETWORK
from core.clock import day_bounds, day_of, utc_now
from core.db import copy_columns
from core.settings import Settings
from geo.lookup import Lookup
from geo.tables import network, unit_version
from people.tables import person
from tracking.partitions import ensure_partitions
from tracking.tables import fix

DAYS: Final = 30
LISTED: Final = 40
LATE_ROUNDS: Final = 3


def measure_pages(report: Report, settings: Settings, fixes: Fixes) -> None:
    """`fixes`: of the people that the database has; the others' days are as long but for their rows of duty."""
    people = int(fixes.person.max()) + 1
    with crowded_city(settings, people) as (engine, _):
        on = day_of(utc_now(), settings.zone)
        since, now = day_bounds(on, settings.zone)
        job = CoverageJob(MAIN_NETWORK, settings.zone, CoverageRules(), kept_days=30)
        with engine.begin() as conn:
            _store(conn, fixes, since)
        computed_s = seconds_of(lambda: _compute(engine, job, now))
        report.tell(f"a day of {people:,} people from the database and kept, {DAYS} times", computed_s, "s")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))
        with engine.connect() as conn:
            _ask(report, conn, job, now)
        _refresh(report, engine, job, now)


def _refresh(report: Report, engine: Engine, job: CoverageJob, now: datetime) -> None:
    """What a service does: the day as a whole, then again after late fixes of one person, and whether both agree."""
    on, lookup = day_of(now - timedelta(seconds=1), job.zone), Lookup(engine)
    try:
        with engine.begin() as conn:
            whole_s = seconds_of(lambda: compute_day(conn, lookup, job, on=on, now=now))
        people, spent_s = [], []
        for n in range(1, LATE_ROUNDS + 1):
            with engine.begin() as conn:
                later = now + timedelta(hours=n)
                _arrive_late(conn, received_at=later)
                begun = perf_counter()
                people.append(refresh_day(conn, lookup, job, on=on, now=later).people)
                spent_s.append(perf_counter() - begun)
        report.check_equal("people whose fixes came late", int(people != [1] * LATE_ROUNDS))
        report.tell(
            "one person's late fixes, through the store as the service does it",
            float(np.median(spent_s)),
            "s",
            baseline="the whole day, likewise",
            ratio=whole_s / float(np.median(spent_s)),
        )
        with engine.begin() as conn:
            again = _sums_of(conn, on)
            compute_day(conn, lookup, job, on=on, now=later)
            report.check_equal("sums after late fixes, from scratch", int(again != _sums_of(conn, on)))
    finally:
        lookup.close()


def _arrive_late(conn: Connection, *, received_at: datetime) -> None:
    """Somebody's fixes of the last ten minutes of what is stored come in only now."""
    someone = conn.scalar(select(func.min(fix.c.person_id)))
    last = select(func.max(fix.c.fixed_at) - timedelta(minutes=10)).where(fix.c.person_id == someone)
    own = (fix.c.person_id == someone, fix.c.fixed_at > last.scalar_subquery())
    conn.execute(update(fix).where(*own).values(received_at=received_at, lon=fix.c.lon + 1e-5))


def _sums_of(conn: Connection, on: date) -> tuple[object, ...]:
    """Everything that is kept of the day's units, added up."""
    columns = [coverage_unit.c[key][place] for key in UNIT_FIGURES for place in (1, 2, 3)]
    columns += [coverage_unit.c.visits, coverage_unit.c.dwell_us]
    query = select(*(func.sum(column) for column in columns)).join(coverage_day)
    return tuple(conn.execute(query.where(coverage_day.c.on == on)).one())


def _store(conn: Connection, fixes: Fixes, since: datetime) -> None:
    """Everybody's fixes from midnight on, so that they lie in the crowd's shifts whatever o'clock it is."""
    ids = np.array(conn.scalars(select(person.c.id).order_by(person.c.code)).all(), np.int64)
    ensure_partitions(conn, fix, [since.date(), since.date() + timedelta(days=1)])
    at = np.datetime64(since.replace(tzinfo=None), "us") + (fixes.at_us - BEGIN_US).astype("m8[us]")
    whose = ids[fixes.person]
    columns = {
        "device_id": whose,
        "person_id": whose,
        "fixed_at": at,
        "received_at": at,
        "lon": fixes.lon,
        "lat": fixes.lat,
        "accuracy_m": fixes.accuracy_m,
        "digest": np.arange(len(fixes)),
    }
    copy_columns(conn, "fix", columns)


def _compute(engine: Engine, job: CoverageJob, now: datetime) -> None:
    """The day once from its fixes, and its rows as those of the days before as well."""
    with engine.begin() as conn:
        on = day_of(now - timedelta(seconds=1), job.zone)
        begun = begin_day(conn, Lookup(conn), job, on=on, now=now, kept={})
        if isinstance(begun, DayDone):
            raise TypeError(f"{begun.on} was left: {begun.left}")
        day, where = cover(conn, begun.where, job.rules, begun.between), begun.where
        versions = where.snapshot.units.version_id[where.leaf]
        for back in range(DAYS):
            zero = begun.between[0] - timedelta(days=back)
            tables = rows_of(day, where.ground, versions, zero=zero, zone=job.zone)
            facts: dict[str, Any] = {**begun.facts, "on": on - timedelta(days=back), **measured(day)}
            write_rows(conn, facts, tables)


def _ask(report: Report, conn: Connection, job: CoverageJob, now: datetime) -> None:
    on = day_of(now - timedelta(seconds=1), job.zone)
    first = on - timedelta(days=DAYS - 1)
    network_id: int = conn.execute(select(network.c.id).where(network.c.code == MAIN_NETWORK)).scalar_one()
    district = (
        conn.execute(
            select(unit_version.c.unit_id)
            .where(unit_version.c.level == "district")
            .order_by(unit_version.c.code)
        )
        .scalars()
        .first()
    )
    someone: int = conn.execute(select(person.c.id).order_by(person.c.code).limit(1)).scalar_one()
    week = CoverageAsked(network_id, district, on - timedelta(days=6), on)
    month = CoverageAsked(network_id, None, first, on)
    asked = DayAsked(someone, on, job.zone, now, job.kept_days)
    until = day_bounds(on, job.zone)[1]
    hours = WorkingHours(job.zone)

    def cold() -> object:
        return list_cold(
            conn, month, before=until - timedelta(days=7), until=until, hours=hours, limit=LISTED
        )

    for name, spent_s in zip(
        ("a district's week", f"the city's {DAYS} days", "the list of what is unvisited", "one person's day"),
        medians(
            [
                lambda: read_coverage(conn, week),
                lambda: read_coverage(conn, month),
                cold,
                lambda: read_person_day(conn, asked, job.rules),
            ],
            rounds=3,
        ),
        strict=True,
    ):
        report.tell(f"page figures: {name}", spent_s * 1e3, "ms")
