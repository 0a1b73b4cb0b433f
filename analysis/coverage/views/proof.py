"""From a percentage to the very fixes that prove it: the visits of a unit's ground on a day, each with its fixes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from analysis.coverage.fixes import Duty, Fixes, cut_duty, microseconds, order_fixes
from analysis.coverage.kept.compute import CoverageJob, read_fixes
from analysis.coverage.kept.ground import DayGround, survey_ground
from analysis.coverage.kept.people import read_duty
from analysis.coverage.legs import follow
from analysis.coverage.pieces import find_presence
from analysis.coverage.visits import Visits, find_visits
from core.clock import day_bounds
from core.errors import NotFound, told
from geo.lookup import Lookup
from people.access import Scope, assigned_during
from people.tables import person
from tracking.tables import fix

MOST_UNITS: Final = 200
MOST_VISITS: Final = 500


@dataclass(frozen=True)
class Seen:
    """One fix of a visit."""

    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


@dataclass(frozen=True)
class ProvenVisit:
    """A person's proven visit of one piece of ground, and the fixes from before its beginning to after its end.

    Of somebody whose movement is not for whoever asks, neither the name nor a fix: None and ().
    """

    cell: int
    unit_code: str
    area_cm2: int
    person_code: str | None
    person_name: str | None
    since: datetime
    until: datetime
    fixes: tuple[Seen, ...]


@dataclass(frozen=True)
class Proof:
    """`expired`: the fixes are gone, so only the figure stands. `area_cm2`: ground the visits prove, each piece once;
    `total`: so many visits there were.
    """

    on: date
    expired: bool
    visits: tuple[ProvenVisit, ...]
    total: int
    area_cm2: int


@dataclass(frozen=True)
class ProofAsked:
    """Of which deepest units (version ids) on which day, for somebody whose grants hold within `scope`."""

    on: date
    versions: Collection[int]
    scope: Scope


def prove(conn: Connection, lookup: Lookup, job: CoverageJob, asked: ProofAsked, *, now: datetime) -> Proof:
    """The visits of the units' ground on the day, computed again from the fixes that stand."""
    on, versions = asked.on, asked.versions
    since, end = day_bounds(on, job.zone)
    if since < now - timedelta(days=job.kept_days):
        return Proof(on, expired=True, visits=(), total=0, area_cm2=0)
    between = (since, max(min(end, now), since + timedelta(microseconds=1)))
    snapshot = lookup.snapshot(job.network_code, between[1] - timedelta(microseconds=1))
    if snapshot is None:
        raise NotFound(
            told("the network {network} has no borders on {day}", network=job.network_code, day=on)
        )
    where = survey_ground(conn, snapshot, on=on, between=between, rules=job.rules, only=versions)
    people = conn.scalars(
        select(fix.c.person_id)
        .where(
            fix.c.fixed_at >= between[0],
            fix.c.fixed_at < between[1],
            fix.c.flags == 0,
            fix.c.lon.between(*_reach(where, axis=0)),
            fix.c.lat.between(*_reach(where, axis=1)),
        )
        .distinct()
    ).all()
    fixes = order_fixes(read_fixes(conn, where, between, people=people))
    until_us = microseconds(*between)
    duty = cut_duty(read_duty(conn, between), until_us=until_us)
    visits = _find_visits(where, fixes, duty, job, until_us)
    return _tell(conn, where, fixes, visits, (asked, *between))


def _reach(where: DayGround, *, axis: int) -> tuple[float, float]:
    """The units' bounds and what lies a proving leg around them, in degrees."""
    bounds = np.array([shape.bounds for shape in where.snapshot.units.geom[where.leaf]])
    return float(bounds[:, axis].min()) - 0.005, float(bounds[:, axis + 2].max()) + 0.005


def _find_visits(where: DayGround, fixes: Fixes, duty: Duty, job: CoverageJob, until_us: int) -> Visits:
    tracks = follow(fixes, duty, job.rules, until_us=until_us)
    presence = find_presence(tracks, where.ground.places_of(fixes), where.ground)
    return find_visits(presence.events, gap_s=job.rules.visit_gap_s)


def _tell(
    conn: Connection,
    where: DayGround,
    fixes: Fixes,
    visits: Visits,
    asked: tuple[ProofAsked, datetime, datetime],
) -> Proof:
    proof, zero, until = asked
    proven = np.flatnonzero(visits.proven)
    people = set(visits.person[proven[:MOST_VISITS]].tolist())
    names = _names(conn, people, assigned_during(proof.scope, person.c.id, zero, until))
    pieces = where.ground.pieces
    told = tuple(
        ProvenVisit(
            cell=int(pieces.cell[place]),
            unit_code=where.ground.units[int(pieces.unit[place])],
            area_cm2=int(pieces.area_cm2[place]),
            person_code=named[0] if named else None,
            person_name=named[1] if named else None,
            since=zero + timedelta(microseconds=int(visits.from_us[row])),
            until=zero + timedelta(microseconds=int(visits.to_us[row])),
            fixes=_fixes_of(fixes, visits, row, zero) if named else (),
        )
        for row in proven[:MOST_VISITS].tolist()
        for place, named in [(int(visits.place[row]), names.get(int(visits.person[row])))]
    )
    area = int(pieces.area_cm2[np.unique(visits.place[proven])].sum())
    return Proof(proof.on, expired=False, visits=told, total=len(proven), area_cm2=area)


def _fixes_of(fixes: Fixes, visits: Visits, row: int, zero: datetime) -> tuple[Seen, ...]:
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
