"""Cases and fixes in units, three ways: as it was when they happened, as it is now, as of any other day.

`at` None is as_was: what was written down, which no later edition changes. An instant is as_of: the borders known now for it;
the present one is as_now.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Connection, DateTime, any_, bindparam, func, select

from analysis.redraw.graph import Floats, Ints
from cases.tables import case, case_placement
from core.errors import Invalid, told
from geo.codes import natural_key
from geo.lookup import Lookup
from geo.networks import get_network
from geo.tables import unit_version
from tracking.ingest import NETWORK
from tracking.tables import fix

OUTSIDE = -1
CASES_MOST = 100_000
FIXES_MOST = 250_000

_WANTED = (
    func.unnest(
        bindparam("devices", type_=ARRAY(BigInteger)),
        bindparam("instants", type_=ARRAY(DateTime(timezone=True))),
    )
    .table_valued("device_id", "fixed_at")
    .render_derived()
)
"""Two arrays, however many fixes are asked for: a statement bears 65,535 values."""
_FIXES = (
    select(fix.c.device_id, fix.c.fixed_at, fix.c.unit_version_id, fix.c.lon, fix.c.lat)
    .join(_WANTED, (fix.c.device_id == _WANTED.c.device_id) & (fix.c.fixed_at == _WANTED.c.fixed_at))
    .where(fix.c.lon.is_not(None))
)


@dataclass(frozen=True)
class Asked:
    """What occurred, or was sent, from `since` until before `until`; by whose borders see the module's text."""

    network_code: str
    since: datetime
    until: datetime
    at: datetime | None


def versions_of_cases(
    conn: Connection, lookup: Lookup, network_code: str, case_ids: Sequence[int], *, at: datetime | None
) -> dict[int, int]:
    """The unit version that holds each case; OUTSIDE for none. A case without a place is not told of."""
    wanted = case.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    asked = {"ids": list(case_ids)}
    if at is None:
        network_id = get_network(conn, network_code).id
        query = select(case_placement.c.case_id, case_placement.c.unit_version_id).join(
            case, case.c.id == case_placement.c.case_id
        )
        rows = conn.execute(query.where(wanted, case_placement.c.network_id == network_id), asked)
        return {row.case_id: OUTSIDE if row.unit_version_id is None else row.unit_version_id for row in rows}
    columns = (case.c.id, func.ST_X(case.c.point), func.ST_Y(case.c.point))
    rows = conn.execute(select(*columns).where(wanted, case.c.point.is_not(None)), asked)
    table = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 3)
    found = _placed(lookup, network_code, table[:, 1:], at)
    return dict(zip(table[:, 0].astype(np.int64).tolist(), found.tolist(), strict=True))


def versions_of_fixes(
    conn: Connection,
    lookup: Lookup,
    network_code: str,
    fixes: Sequence[tuple[int, datetime]],
    *,
    at: datetime | None,
) -> dict[tuple[int, datetime], int]:
    """The same of fixes, known by device and instant; as_was is written down for the governance network alone."""
    asked = {"devices": [device for device, _ in fixes], "instants": [instant for _, instant in fixes]}
    rows = conn.execute(_FIXES, asked).all()
    keys = [(row.device_id, row.fixed_at) for row in rows]
    if at is None:
        stored = (OUTSIDE if row.unit_version_id is None else row.unit_version_id for row in rows)
        return dict(zip(keys, stored, strict=True))
    spots = np.array([(row.lon, row.lat) for row in rows], dtype=np.float64).reshape(-1, 2)
    return dict(zip(keys, _placed(lookup, network_code, spots, at).tolist(), strict=True))


@dataclass(frozen=True)
class UnitCount:
    """A unit in one of its versions, and how many of the cases or fixes lie in it."""

    unit_version_id: int
    unit_id: UUID
    level: str
    code: str
    name: str
    count: int


@dataclass(frozen=True)
class InUnits:
    """`units` by code; `without_place`: how many are of no known place."""

    units: list[UnitCount]
    outside: int
    without_place: int


def count_cases(conn: Connection, lookup: Lookup, asked: Asked, seen: ColumnElement[bool]) -> InUnits:
    """The cases of a span that are seen, by the unit that holds each; Invalid where they are more than CASES_MOST."""
    occurred = (case.c.occurred_at >= asked.since) & (case.c.occurred_at < asked.until)
    ids = list(conn.scalars(select(case.c.id).where(seen, occurred).limit(CASES_MOST + 1)))
    if len(ids) > CASES_MOST:
        raise Invalid(
            told("more than {most} cases occurred in that time: ask for less of it", most=f"{CASES_MOST:,}")
        )
    placed = versions_of_cases(conn, lookup, asked.network_code, ids, at=asked.at)
    return _by_unit(conn, Counter(placed.values()), len(ids) - len(placed))


def count_fixes(conn: Connection, lookup: Lookup, asked: Asked, seen: ColumnElement[bool]) -> InUnits:
    """The same of accepted fixes; Invalid where they are more than FIXES_MOST."""
    if asked.at is None and asked.network_code != NETWORK:
        raise Invalid(
            told(
                "which unit a fix lay in is written down for the network {network} alone: ask as_of an instant",
                network=NETWORK,
            )
        )
    sent = (fix.c.fixed_at >= asked.since) & (fix.c.fixed_at < asked.until) & (fix.c.flags == 0)
    columns = (func.coalesce(fix.c.unit_version_id, OUTSIDE), fix.c.lon, fix.c.lat)
    rows = conn.execute(select(*columns).where(sent, seen).limit(FIXES_MOST + 1)).all()
    if len(rows) > FIXES_MOST:
        raise Invalid(
            told("more than {most} fixes were sent in that time: ask for less of it", most=f"{FIXES_MOST:,}")
        )
    table = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 3)
    stored = table[:, 0].astype(np.int64)
    found = stored if asked.at is None else _placed(lookup, asked.network_code, table[:, 1:], asked.at)
    return _by_unit(conn, Counter(found.tolist()), 0)


def _by_unit(conn: Connection, counts: Counter[int], without_place: int) -> InUnits:
    outside = counts.pop(OUTSIDE, 0)
    names = ("unit_id", "level", "code", "name")
    query = select(unit_version.c.id, *(unit_version.c[name] for name in names)).where(
        unit_version.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    )
    rows = conn.execute(query, {"ids": list(counts)})
    units = [UnitCount(row.id, row.unit_id, row.level, row.code, row.name, counts[row.id]) for row in rows]
    units.sort(key=lambda each: (natural_key(each.code), each.unit_version_id))
    return InUnits(units, outside, without_place)


def _placed(lookup: Lookup, network_code: str, lon_lat: Floats, at: datetime) -> Ints:
    utc = np.datetime64(at.replace(tzinfo=None), "us") - np.timedelta64(at.utcoffset() or timedelta(), "us")
    instant = np.full(len(lon_lat), utc)  # in numpy's years: what lies before year 1 is an instant too
    lon, lat = np.ascontiguousarray(lon_lat[:, 0]), np.ascontiguousarray(lon_lat[:, 1])
    return np.asarray(lookup.place_many(network_code, lon, lat, instant).unit_version_id)
