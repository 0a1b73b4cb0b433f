"""Coverage of days computed from the database, one day a transaction, so that a killed run goes on where it stopped."""

import math
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine, func, or_, select

from analysis.coverage.day import MARGIN_US, DayCoverage, cover_day
from analysis.coverage.fixes import Fixes, microseconds
from analysis.coverage.kept.ground import DayGround, find_observed, survey_ground
from analysis.coverage.kept.people import read_duty, read_own_ground
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.kept.writing import write_day
from analysis.coverage.rules import CoverageRules, refuse_too_fine
from core.clock import day_bounds, day_of
from core.errors import NotFound
from geo.lookup import Lookup
from geo.tables import address_point, edition
from geo.walkable.tables import ground_survey
from tracking.tables import device, fix
from tracking.trails.columns import read_columns


@dataclass(frozen=True)
class CoverageJob:
    """What to compute, for which network, by which rules; `kept_days`: fixes older than this have expired."""

    network_code: str
    zone: ZoneInfo
    rules: CoverageRules
    kept_days: float


@dataclass(frozen=True)
class DayDone:
    """What became of a day: computed with so many fixes, or left as it is, and why."""

    on: date
    fixes: int
    left: str | None = None


def check_sampling(conn: Connection, rules: CoverageRules) -> None:
    """Invalid when the cells are finer than the phones in use support."""
    usual: float | None = conn.scalar(
        select(func.percentile_cont(0.5).within_group(device.c.interval_s)).where(
            device.c.revoked_at.is_(None)
        )
    )
    if usual is not None:
        refuse_too_fine(rules.resolution, float(usual))


@dataclass(frozen=True)
class Period:
    """The days to compute, both ends included, as of an instant."""

    first: date
    last: date
    now: datetime

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


def compute_days(engine: Engine, lookup: Lookup, job: CoverageJob, period: Period) -> Iterator[DayDone]:
    """Every day of the period, in order."""
    kept: dict[object, DayGround] = {}
    with engine.connect() as conn:
        check_sampling(conn, job.rules)
    for on in period.days:
        with engine.begin() as conn:
            done = compute_day(conn, lookup, job, on=on, now=period.now, kept=kept)
        yield done


def compute_day(
    conn: Connection,
    lookup: Lookup,
    job: CoverageJob,
    *,
    on: date,
    now: datetime,
    kept: dict[object, DayGround] | None = None,
) -> DayDone:
    """One day from its stored fixes, in place of what was known of it. A day whose fixes have begun to expire stays."""
    begun = begin_day(conn, lookup, job, on=on, now=now, kept={} if kept is None else kept)
    if isinstance(begun, DayDone):
        return begun
    day = cover(conn, begun.where, job.rules, begun.between)
    write_day(conn, day, begun.where, facts=begun.facts, zero=begun.between[0], zone=job.zone)
    return DayDone(on, day.fixes)


@dataclass(frozen=True)
class DayBegun:
    """What a day hangs on beside fixes, duty and own grids; `facts`: the columns of the day that do not follow from them."""

    between: tuple[datetime, datetime]
    where: DayGround
    facts: dict[str, Any]


def begin_day(
    conn: Connection,
    lookup: Lookup,
    job: CoverageJob,
    *,
    on: date,
    now: datetime,
    kept: dict[object, DayGround],
) -> DayBegun | DayDone:
    """The ground of a day that can be computed, or why it is left. `kept`: the ground of the day before, used again where
    nothing changed. Invalid where the phones in use do not support the cells.
    """
    since, until = day_bounds(on, job.zone)
    if since < now - timedelta(days=job.kept_days):
        return DayDone(on, 0, "its fixes have expired")
    if since > now:
        return DayDone(on, 0, "it has not begun")
    check_sampling(conn, job.rules)
    between = (since, min(until, now))
    snapshot = lookup.snapshot(job.network_code, between[1] - timedelta(microseconds=1))
    if snapshot is None:
        raise NotFound(f"the network {job.network_code} has no borders on {on}")
    key = (snapshot.edition_id, id(snapshot), *_ground_state(conn, on))
    if key not in kept:
        kept.clear()
        kept[key] = survey_ground(conn, snapshot, on=on, between=between, rules=job.rules)
    where = kept[key]
    observed = find_observed(conn, snapshot, where.leaf, between)  # who serves where is of each day
    starts = lookup.network(job.network_code).starts
    facts = {
        "on": on,
        "network_id": snapshot.network.id,
        "edition_id": snapshot.edition_id,
        "edition_changed": any(start is not None and since < start < until for start in starts),
        "as_of": now,
        "resolution": job.rules.resolution,
        "rules": asdict(job.rules),
    }
    return DayBegun(between, replace(where, ground=replace(where.ground, observed=observed)), facts)


def cover(
    conn: Connection, where: DayGround, rules: CoverageRules, between: tuple[datetime, datetime]
) -> DayCoverage:
    """The day from its fixes, shifts and own grids."""
    since, until = between
    duty = read_duty(conn, between)
    people = np.unique(duty.person)
    fixes = read_fixes(conn, where, between)
    fixes = fixes.take(np.isin(fixes.person, people))
    own = read_own_ground(conn, people.tolist(), between, margin_m=rules.own_margin_m)
    return cover_day(fixes, duty, where.ground, own, rules=rules, until_us=microseconds(since, until))


def read_fixes(
    conn: Connection,
    where: DayGround | None,
    between: tuple[datetime, datetime],
    *,
    people: Collection[int] | None = None,
) -> Fixes:
    """The fixes of a day with its margins, of everybody or of some, each in its deepest unit; without ground in none."""
    since, until = between
    margin = timedelta(microseconds=MARGIN_US)
    read = read_columns(conn, since - margin, until + margin, zero=since, people=people)
    if where is None:
        unit = np.full(len(read.person), -1)
    elif len(read.person):
        unit = where.leaf_of[where.snapshot.place_many(read.lon, read.lat).row]
    else:
        unit = np.empty(0, np.int64)
    return Fixes(read.person, read.device, read.at_us, read.lon, read.lat, read.accuracy_m, unit)


def _ground_state(conn: Connection, on: date) -> tuple[Any, ...]:
    """What the ground hangs on beside the borders, cheaply."""
    surveys = conn.execute(
        select(func.count(), func.max(ground_survey.c.taken_at)).where(ground_survey.c.as_of <= on)
    ).one()
    doors = conn.execute(
        select(func.count(), func.max(address_point.c.id), func.sum(address_point.c.households)).where(
            address_point.c.active
        )
    ).one()
    return (*surveys, *doors)


def days_due(
    conn: Connection, network_id: int, *, zone: ZoneInfo, now: datetime, kept_days: float
) -> list[date]:
    """What a service that keeps coverage up to date has to compute, oldest first: every past day that nobody computed, from
    the oldest of which fixes are known on, and the stale days; of those whose fixes all still stand.
    """
    past = days_standing(zone=zone, now=now, kept_days=kept_days)
    if not past:
        return []
    known = set(
        conn.scalars(
            select(coverage_day.c.on).where(
                coverage_day.c.network_id == network_id, coverage_day.c.on >= past[0]
            )
        )
    )
    missing = [on for on in past if on not in known and _had_borders(conn, network_id, day_bounds(on, zone))]
    first = min(known, default=past[-1])
    while missing and missing[0] < first and not _has_fixes(conn, missing[0], zone):
        del missing[0]
    return sorted({*missing, *stale_days(conn, network_id, zone=zone, now=now, oldest=past[0])})


def days_standing(*, zone: ZoneInfo, now: datetime, kept_days: float) -> list[date]:
    """The past days whose fixes all still stand, oldest first. A day is past when no fix in time can change it any more."""
    last = day_of(now - LATE_REACH, zone) - timedelta(days=1)
    days = [last - timedelta(days=back) for back in range(math.ceil(kept_days) + 1)]
    return sorted(on for on in days if day_bounds(on, zone)[0] >= now - timedelta(days=kept_days))


def _had_borders(conn: Connection, network_id: int, between: tuple[datetime, datetime]) -> bool:
    query = select(edition.c.id).where(
        edition.c.network_id == network_id,
        edition.c.taken_back_at.is_(None),
        or_(edition.c.effective_from.is_(None), edition.c.effective_from < between[1]),
    )
    return bool(conn.scalar(select(query.exists())))


def _has_fixes(conn: Connection, on: date, zone: ZoneInfo) -> bool:
    since, until = day_bounds(on, zone)
    some = select(fix.c.device_id).where(fix.c.fixed_at >= since, fix.c.fixed_at < until)
    return bool(conn.scalar(select(some.exists())))


def stale_days(
    conn: Connection, network_id: int, *, zone: ZoneInfo, now: datetime, oldest: date = date.min
) -> list[date]:
    """The computed days for which fixes arrived afterwards, oldest first: to be computed again. A fix counts for a day
    that it lies near: legs cross midnight, and it may turn flags of others within the hour.
    """
    stale = []
    rows = conn.execute(
        select(coverage_day.c.on, coverage_day.c.as_of).where(
            coverage_day.c.network_id == network_id, coverage_day.c.on >= oldest
        )
    )
    for row in rows:
        since, until = day_bounds(row.on, zone)
        late = select(fix.c.device_id).where(
            fix.c.fixed_at >= since - LATE_REACH,
            fix.c.fixed_at < min(until + LATE_REACH, now),
            fix.c.received_at > row.as_of - _COMMITTING,
        )
        if conn.scalar(select(late.exists())):
            stale.append(row.on)
    return sorted(stale)


LATE_REACH: Final = timedelta(hours=1, microseconds=MARGIN_US)
"""How far a fix that arrives late reaches: its arrival may turn flags of its neighbours up to an hour away, and each
of those changes legs up to the margin beyond it."""
_COMMITTING = timedelta(minutes=1)
"""A fix received so long before a day was computed may have been committed after it."""
