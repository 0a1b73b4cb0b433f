"""What was known at an instant: placement as it was answered then, before later editions told otherwise."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from geo.lookup import Placement, Snapshot
from geo.lookup.answers import OUTSIDE
from geo.lookup.units import Network, as_columns, read_networks, select_units
from geo.tables import edition, unit_version


def place_as_known(
    conn: Connection,
    spot: tuple[float, float],
    *,
    at: datetime,
    known_at: datetime,
    accuracy_m: float | None = None,
) -> list[Placement]:
    """Where a point (WGS-84 lon, lat) lies in every network at `at`, as it was known at `known_at`.

    Reads each network from the database and keeps nothing, since it is asked rarely. A version that was written down again
    since is told by the number of the row that holds what was believed.
    """
    return [_place(conn, each, spot, (at, known_at, accuracy_m)) for each in read_networks(conn).values()]


def _place(
    conn: Connection,
    network: Network,
    spot: tuple[float, float],
    asked: tuple[datetime, datetime, float | None],
) -> Placement:
    at, known_at, accuracy_m = asked
    in_force = _edition_then(conn, network.id, at, known_at)
    if in_force is None:
        return Placement(network.code, None, OUTSIDE)
    units = as_columns(conn.execute(units_as_known(network.id, at, known_at)).all())
    return Snapshot(network, in_force, units).place(*spot, accuracy_m=accuracy_m)


def _stood(known_at: datetime) -> ColumnElement[bool]:
    """Of an edition: published by then, and not taken back by then."""
    taken_back = edition.c.taken_back_at
    return (edition.c.published_at <= known_at) & or_(taken_back.is_(None), taken_back > known_at)


def _edition_then(conn: Connection, network_id: int, at: datetime, known_at: datetime) -> int | None:
    since = edition.c.effective_from
    query = select(func.max(edition.c.id)).where(
        edition.c.network_id == network_id, or_(since.is_(None), since <= at), _stood(known_at)
    )
    found: int | None = conn.scalar(query)
    return found


def units_as_known(network_id: int, at: datetime, known_at: datetime) -> Select[Any]:
    """Unit versions that held at `at` as far as was known at `known_at`.

    What ended by then, but by an edition that nobody knew of yet, held on: its end stands in its row, without a copy.
    """
    until = func.upper(unit_version.c.valid)
    ends = exists(
        select(edition.c.id)
        .where(edition.c.network_id == network_id, edition.c.effective_from == until, _stood(known_at))
        .correlate(unit_version)
    )
    was_known = unit_version.c.recorded.op("@>")(known_at)
    begun = unit_version.c.valid.op("&&")(func.tstzrange(None, at, "[]"))
    return select_units(network_id, and_(was_known, begun, or_(until.is_(None), until > at, ~ends)))
