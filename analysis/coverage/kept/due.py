"""Which days a service has to compute, and whose fixes came late."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, or_, select

from analysis.coverage.day import MARGIN_US
from analysis.coverage.kept.tables import coverage_day
from core.clock import day_bounds, day_of
from geo.tables import edition
from tracking.tables import fix


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
    first = first_standing(now - timedelta(days=kept_days), zone)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def first_standing(before: datetime, zone: ZoneInfo) -> date:
    """The oldest day that hangs on no fix of a time before: legs cross midnight, so it begins later by the margin."""
    begins = before + timedelta(microseconds=MARGIN_US)
    on = day_of(begins, zone)
    return on if day_bounds(on, zone)[0] >= begins else on + timedelta(days=1)


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
        late = select(fix.c.device_id).where(*_came_late(day_bounds(row.on, zone), row.as_of, now))
        if conn.scalar(select(late.exists())):
            stale.append(row.on)
    return sorted(stale)


def find_late_people(
    conn: Connection, between: tuple[datetime, datetime], *, as_of: datetime, now: datetime
) -> set[int]:
    """Whoever has fixes of a day that arrived after it was computed, or carried the same device near to those."""
    late = _came_late(between, as_of, now)
    devices = select(fix.c.device_id).where(*late).distinct()
    near = (fix.c.fixed_at >= between[0] - LATE_REACH, fix.c.fixed_at < between[1] + LATE_REACH)
    return set(conn.scalars(select(fix.c.person_id).where(fix.c.device_id.in_(devices), *near).distinct()))


def _came_late(
    between: tuple[datetime, datetime], as_of: datetime, now: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        fix.c.fixed_at >= between[0] - LATE_REACH,
        fix.c.fixed_at < min(between[1] + LATE_REACH, now),
        fix.c.received_at > as_of - _COMMITTING,
    )


LATE_REACH: Final = timedelta(hours=1, microseconds=MARGIN_US)
"""How far a fix that arrives late reaches: its arrival may turn flags of its neighbours up to an hour away, and each
of those changes legs up to the margin beyond it."""
_COMMITTING = timedelta(minutes=1)
"""A fix received so long before a day was computed may have been committed after it."""
