"""From a percentage to the very fixes that prove it: the visits behind a unit's figure on a day, each with its fixes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import shapely
from sqlalchemy import ColumnElement, Connection, select

from analysis.coverage.fixes import Fixes, cut_duty, microseconds, order_fixes
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import CoverageJob, read_fixes
from analysis.coverage.kept.due import first_standing
from analysis.coverage.kept.ground import DayGround, survey_ground
from analysis.coverage.kept.people import read_duty
from analysis.coverage.kept.reading import sum_by_day
from analysis.coverage.kept.sites import count_by_day
from analysis.coverage.legs import follow
from analysis.coverage.measures.evidence import Evidence, Measure, find_evidence
from core.clock import day_bounds
from core.errors import NotFound, told
from geo.lookup import Lookup
from geo.metric import from_metres
from people.access import Scope, assigned_during
from people.tables import person
from tracking.tables import fix

MOST_VISITS: Final = 500
_AROUND_DEG: Final = 0.005


@dataclass(frozen=True)
class Seen:
    """One fix of a visit."""

    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


@dataclass(frozen=True)
class ProvenVisit:
    """A person's proven visit of a cell, street, address or site (`place`), and the fixes from before its beginning to after
    its end. `amount`: what it proves in the measure of the figure; 0: it was too short to count.

    Of somebody whose movement is not for whoever asks, neither the name nor a fix: None and ().
    """

    place: str
    unit_code: str
    amount: int
    person_code: str | None
    person_name: str | None
    since: datetime
    until: datetime
    fixes: tuple[Seen, ...]


@dataclass(frozen=True)
class Proof:
    """`expired`: the fixes are gone, so only the figure stands. `proven`: what the visits prove as the fixes and the ground
    stand now, each thing once; `total`: so many visits there were.
    """

    on: date
    expired: bool
    visits: tuple[ProvenVisit, ...]
    total: int
    proven: int


@dataclass(frozen=True)
class ProofAsked:
    """Of which measure, of which deepest units (version ids), on which day, for somebody whose grants hold within `scope`."""

    measure: Measure
    on: date
    versions: Collection[int]
    scope: Scope


@dataclass(frozen=True)
class DayPart:
    """What a day is of a figure's numerator, and whether its fixes have expired."""

    on: date
    part: int
    expired: bool


def read_parts(
    conn: Connection, asked: CoverageAsked, measure: Measure, job: CoverageJob, *, now: datetime
) -> list[DayPart]:
    """The days that make up a figure of a period. Of required visits: those made, also before the period where it looks
    back; more than were due at one place are told here and not in the figure.
    """
    found = count_by_day(conn, asked) if measure == "required" else sum_by_day(conn, asked, measure)
    return [DayPart(on, part, _has_expired(on, job, now)) for on, part in found]


def _has_expired(on: date, job: CoverageJob, now: datetime) -> bool:
    return on < first_standing(now - timedelta(days=job.kept_days), job.zone)


def prove(conn: Connection, lookup: Lookup, job: CoverageJob, asked: ProofAsked, *, now: datetime) -> Proof:
    """The visits that prove the units' figure of the day, computed again from the fixes that stand."""
    on, versions = asked.on, asked.versions
    expired = _has_expired(on, job, now)
    if expired or not versions:
        return Proof(on, expired=expired, visits=(), total=0, proven=0)
    since, end = day_bounds(on, job.zone)
    between = (since, max(min(end, now), since + timedelta(microseconds=1)))
    snapshot = lookup.snapshot(job.network_code, between[1] - timedelta(microseconds=1))
    if snapshot is None:
        raise NotFound(
            told("the network {network} has no borders on {day}", network=job.network_code, day=on)
        )
    where = survey_ground(conn, snapshot, on=on, between=between, rules=job.rules, only=versions)
    west, south, east, north = _reach(where)
    people = conn.scalars(
        select(fix.c.person_id)
        .where(
            fix.c.fixed_at >= between[0],
            fix.c.fixed_at < between[1],
            fix.c.flags == 0,
            fix.c.lon.between(west, east),
            fix.c.lat.between(south, north),
        )
        .distinct()
    ).all()
    fixes = order_fixes(read_fixes(conn, where, between, people=people))
    until_us = microseconds(*between)
    duty = cut_duty(read_duty(conn, between), until_us=until_us)
    tracks = follow(fixes, duty, job.rules, until_us=until_us)
    found = find_evidence(asked.measure, tracks, where.ground.places_of(fixes), where.ground)
    return _tell(conn, where, fixes, found, (asked, *between))


def _reach(where: DayGround) -> tuple[float, float, float, float]:
    """The bounds of the units and their sites, and what lies a proving leg around them: west, south, east, north."""
    sites = from_metres(where.ground.sites.shape, where.ground.crs)
    shapes = np.concatenate([where.snapshot.units.geom[where.leaf], sites])
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    return west - _AROUND_DEG, south - _AROUND_DEG, east + _AROUND_DEG, north + _AROUND_DEG


def _tell(
    conn: Connection,
    where: DayGround,
    fixes: Fixes,
    found: Evidence,
    asked: tuple[ProofAsked, datetime, datetime],
) -> Proof:
    proof, zero, until = asked
    shown = range(min(len(found), MOST_VISITS))
    people = set(found.person[: len(shown)].tolist())
    names = _names(conn, people, assigned_during(proof.scope, person.c.id, zero, until))
    told = tuple(
        ProvenVisit(
            place=str(found.name[row]),
            unit_code=where.ground.units[int(found.unit[row])],
            amount=int(found.amount[row]),
            person_code=named[0] if named else None,
            person_name=named[1] if named else None,
            since=zero + timedelta(microseconds=int(found.from_us[row])),
            until=zero + timedelta(microseconds=int(found.to_us[row])),
            fixes=_fixes_of(fixes, found, row, zero) if named else (),
        )
        for row in shown
        for named in [names.get(int(found.person[row]))]
    )
    return Proof(proof.on, expired=False, visits=told, total=len(found), proven=found.total)


def _fixes_of(fixes: Fixes, visits: Evidence, row: int, zero: datetime) -> tuple[Seen, ...]:
    """The person's fixes from the last one at or before the visit to the first one at or after it."""
    own = np.flatnonzero(fixes.person == visits.person[row])
    at = fixes.at_us[own]
    order = np.argsort(at, kind="stable")
    own, at = own[order], at[order]
    first = max(int(np.searchsorted(at, visits.from_us[row], "right")) - 1, 0)
    last = min(int(np.searchsorted(at, visits.to_us[row], "left")) + 1, len(own))
    return tuple(
        Seen(
            zero + timedelta(microseconds=int(fixes.at_us[each])),
            float(fixes.lon[each]),
            float(fixes.lat[each]),
            None if np.isnan(fixes.accuracy_m[each]) else float(fixes.accuracy_m[each]),
        )
        for each in own[first:last].tolist()
    )


def _names(
    conn: Connection, people: Collection[int], condition: ColumnElement[bool]
) -> dict[int, tuple[str, str]]:
    query = select(person.c.id, person.c.code, person.c.name).where(person.c.id.in_(people), condition)
    return {row.id: (row.code, row.name) for row in conn.execute(query)}
