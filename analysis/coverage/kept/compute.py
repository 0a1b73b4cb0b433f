"""Coverage of days computed from the database, one day a transaction, so that a killed run goes on where it stopped."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine, func, select

from analysis.coverage.day import MARGIN_US, DayCoverage, cover_day
from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.fixes import Fixes, microseconds
from analysis.coverage.kept.due import first_standing
from analysis.coverage.kept.ground import DayGround, find_leaves, find_observed, survey_ground
from analysis.coverage.kept.people import read_duty, read_own_ground, read_posts
from analysis.coverage.kept.writing import write_day
from analysis.coverage.rules import CoverageRules, refuse_too_fine
from core.clock import day_bounds
from core.errors import NotFound
from geo.lookup import Lookup, Snapshot
from geo.tables import address_point
from geo.walkable.tables import ground_survey
from tracking.tables import device
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
    opened = open_day(conn, lookup, job, on=on, now=now)
    if isinstance(opened, DayDone):
        return opened
    begun = _survey(conn, job, opened, {} if kept is None else kept)
    day = cover(conn, begun.where, job.rules, begun.between)
    facts = {**begun.facts, "basis": find_basis(conn, opened)}
    write_day(conn, day, begun.where, facts=facts, zero=begun.between[0], zone=job.zone)
    return DayDone(on, day.fixes)


@dataclass(frozen=True)
class DayOpened:
    """A day that can be computed: its instants, its borders, and `facts`: the columns of the day that do not follow from
    fixes, duty and own grids.
    """

    between: tuple[datetime, datetime]
    snapshot: Snapshot
    facts: dict[str, Any]

    @property
    def on(self) -> date:
        day: date = self.facts["on"]
        return day


@dataclass(frozen=True)
class DayBegun:
    """What a day hangs on beside fixes, duty and own grids; `facts` as of the day opened."""

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
    nothing changed.
    """
    opened = open_day(conn, lookup, job, on=on, now=now)
    return opened if isinstance(opened, DayDone) else _survey(conn, job, opened, kept)


def open_day(
    conn: Connection, lookup: Lookup, job: CoverageJob, *, on: date, now: datetime
) -> DayOpened | DayDone:
    """What a day is computed on, or why it is left. Invalid where the phones in use do not support the cells."""
    since, until = day_bounds(on, job.zone)
    if on < first_standing(now - timedelta(days=job.kept_days), job.zone):
        return DayDone(on, 0, "its fixes have expired")
    if since > now:
        return DayDone(on, 0, "it has not begun")
    check_sampling(conn, job.rules)
    between = (since, min(until, now))
    snapshot = lookup.snapshot(job.network_code, between[1] - timedelta(microseconds=1))
    if snapshot is None:
        raise NotFound(f"the network {job.network_code} has no borders on {on}")
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
    return DayOpened(between, snapshot, facts)


def _survey(conn: Connection, job: CoverageJob, opened: DayOpened, kept: dict[object, DayGround]) -> DayBegun:
    on, between, snapshot = opened.on, opened.between, opened.snapshot
    key = (snapshot.edition_id, id(snapshot), *_ground_state(conn, on))
    if key not in kept:
        kept.clear()
        kept[key] = survey_ground(conn, snapshot, on=on, between=between, rules=job.rules)
    where = kept[key]
    observed = find_observed(conn, snapshot, where.leaf, between)  # who serves where is of each day
    return DayBegun(between, replace(where, ground=replace(where.ground, observed=observed)), opened.facts)


def find_basis(conn: Connection, opened: DayOpened) -> str:
    """A digest of all that a day hangs on beside its fixes: where it is the same, late fixes alone changed the day."""
    between, snapshot = opened.between, opened.snapshot
    duty = read_duty(conn, between)
    leaf, _ = find_leaves(snapshot)
    told = (
        {key: value for key, value in opened.facts.items() if key != "as_of"},
        {one.id: one.version for one in DEFINITIONS.values()},
        between,
        _ground_state(conn, opened.on),
        read_posts(conn, np.unique(duty.person).tolist(), between),
    )
    digest = hashlib.sha256(repr(told).encode())
    for column in (duty.person, duty.starts_us, duty.ends_us, find_observed(conn, snapshot, leaf, between)):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


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
