"""Check-ins: somebody says “I am here”, of their own accord. They stand beside units where nobody is tracked and are in no figure.

What is kept is the unit of each network and the instant, not the position.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, insert, select

from analysis.coverage.kept.asked import CoverageAsked, bounds_of
from analysis.coverage.kept.tables import coverage_checkin
from cases.placement import Spots, place_cases
from core.db import sql_file
from core.errors import Invalid, told
from geo.lookup import Lookup
from geo.tables import network, unit_version

WIDEST_M: Final = 100.0
"""A wider position does not say which unit it is in."""
AGAIN: Final = timedelta(minutes=5)
"""A second one in the same unit so soon is the same."""


@dataclass(frozen=True)
class Position:
    """Where somebody is as their phone tells it, WGS-84."""

    lon: float
    lat: float
    accuracy_m: float


@dataclass(frozen=True)
class Checkin:
    """One's own, as kept."""

    at: datetime
    network: str
    unit_code: str
    unit_name: str


@dataclass(frozen=True)
class UnitCheckins:
    """Of a unit and all below it."""

    checkins: int
    people: int
    last_at: datetime


def tell_checkin(
    conn: Connection, lookup: Lookup, person_id: int, where: Position, *, now: datetime
) -> list[Checkin]:
    """Keep it in the unit of every network that holds the position; Invalid where none does, or where it is too wide."""
    if where.accuracy_m > WIDEST_M:
        raise Invalid(
            told(
                "the position is good to {accuracy} m only, which says no unit; try again under open sky",
                accuracy=round(where.accuracy_m),
            )
        )
    spot = Spots(
        np.array([where.lon]),
        np.array([where.lat]),
        np.array([now.replace(tzinfo=None)], "datetime64[us]"),
        np.array([where.accuracy_m]),
    )
    placed = [found[0] for found in place_cases(lookup, spot).values()]
    inside = {
        one.network_id: one.unit_version_id for one in placed if one and one.unit_version_id is not None
    }
    if not inside:
        raise Invalid(told("the position lies in no unit"))
    known = _own(person_id, now - AGAIN, now)
    before = {row.unit_version_id for row in conn.execute(known)}
    new = [
        {"person_id": person_id, "at": now, "network_id": network_id, "unit_version_id": version}
        for network_id, version in inside.items()
        if version not in before
    ]
    if new:
        conn.execute(insert(coverage_checkin), new)
    return list_own(conn, person_id, since=now - AGAIN, now=now)


def list_own(conn: Connection, person_id: int, *, since: datetime, now: datetime) -> list[Checkin]:
    """One's own from `since` to `now`, newest first."""
    rows = conn.execute(_own(person_id, since, now).order_by(coverage_checkin.c.at.desc(), network.c.id))
    return [Checkin(row.at, row.network, row.unit_code, row.unit_name) for row in rows]


def count_checkins(
    conn: Connection, asked: CoverageAsked, *, since: datetime, until: datetime
) -> Mapping[str, UnitCheckins]:
    """By unit id as paths write it, of every unit in the one asked for that holds one of [since, until)."""
    binds = {**bounds_of(asked), "since": since, "until": until}
    rows = conn.execute(sql_file("analysis.coverage", "checkins"), binds).all()
    found: dict[str, list[Any]] = {}
    for row in rows:
        for label in row.steps:
            found.setdefault(label, []).append(row)
    return {
        label: UnitCheckins(
            sum(row.checkins for row in own),
            len({person for row in own for person in row.people}),
            max(row.last_at for row in own),
        )
        for label, own in found.items()
    }


def _own(person_id: int, since: datetime, until: datetime) -> Any:
    return (
        select(
            coverage_checkin.c.at,
            coverage_checkin.c.unit_version_id,
            network.c.code.label("network"),
            unit_version.c.code.label("unit_code"),
            unit_version.c.name.label("unit_name"),
        )
        .join(network, network.c.id == coverage_checkin.c.network_id)
        .join(unit_version, unit_version.c.id == coverage_checkin.c.unit_version_id)
        .where(
            coverage_checkin.c.person_id == person_id,
            coverage_checkin.c.at >= since,
            coverage_checkin.c.at <= until,
        )
    )
