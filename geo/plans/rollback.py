"""Bringing back what an edition held, unit by unit."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.errors import Conflict, NotFound
from geo.editions.standing import read_standing
from geo.networks import Network, get_network
from geo.operations import Restore, Unit
from geo.plans.working import as_unit, read_units
from geo.tables import edition, unit, unit_version


def restore_edition(conn: Connection, network_code: str, seq: int) -> Restore:
    """The operation that brings back what an edition held: a plan of it becomes a new edition, history stays.

    A unit that was ended since comes back as itself; one that was born since ends.
    """
    network = get_network(conn, network_code)
    query = select(edition.c.effective_from).where(edition.c.network_id == network.id, edition.c.seq == seq)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"network {network_code} has no edition {seq}")
    then = {each.id: each for each in _units_at(conn, network, row.effective_from)}
    now = {each.unit_id: as_unit(each) for each in read_standing(conn, network).values()}
    changed = [each for each in then.values() if now.get(each.id) != each]
    gone = tuple(unit_id for unit_id in now if unit_id not in then)
    if not changed and not gone:
        raise Conflict(f"network {network_code} holds what edition {seq} held already")
    divided = {each.parent for each in then.values() if each.kind == "territorial"}
    units = tuple(replace(each, geom=None) if each.id in divided else each for each in changed)
    return Restore(units, gone)


def _units_at(conn: Connection, network: Network, instant: datetime | None) -> list[Unit]:
    """The units that hold from the instant (None: since ever), as known now, with their stored borders."""
    valid = unit_version.c.valid
    holds = func.lower_inf(valid) if instant is None else valid.op("@>")(instant)
    names = ("unit_id", "level", "code", "name", "parent_unit_id", "households", "attrs")
    border = func.ST_AsBinary(unit_version.c.geom).label("wkb")
    query = (
        select(*(unit_version.c[name] for name in names), unit.c.kind, border)
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(unit_version.c.network_id == network.id, func.upper_inf(unit_version.c.recorded), holds)
    )
    return read_units(conn, query)
