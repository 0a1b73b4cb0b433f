"""What an edition changed against the one before."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, Row, and_, func, or_, select

from core.errors import NotFound, told
from geo.networks import get_network
from geo.tables import edition, unit_version


@dataclass(frozen=True)
class Changed:
    """A unit that an edition changed. `border`: its new one, or the last of a unit that ended; `moved`: ground that differs.

    `kinds` are those of the version, or `gone`. `was_code`, `was_name`: before; None for a unit that is new.
    """

    unit_id: UUID
    level: str
    code: str
    name: str
    kinds: tuple[str, ...]
    was_code: str | None
    was_name: str | None
    border: BaseGeometry
    moved: BaseGeometry | None


def list_changes(conn: Connection, network_code: str, seq: int) -> list[Changed]:
    """What an edition changed against the one before, by level and code; nothing for the first and for one taken back.

    NotFound for a number that the network has no edition of.
    """
    network = get_network(conn, network_code)
    query = select(edition).where(edition.c.network_id == network.id, edition.c.seq == seq)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(told("network {network} has no edition {seq}", network=network_code, seq=seq))
    if seq == 1 or row.effective_from is None or row.taken_back_at is not None:
        return []
    known = (unit_version.c.network_id == network.id, func.upper_inf(unit_version.c.recorded))
    ends = and_(func.upper(unit_version.c.valid) == row.effective_from, unit_version.c.edition_id != row.id)
    begins = and_(unit_version.c.edition_id == row.id, unit_version.c.change_kinds != [])
    border = func.ST_AsBinary(unit_version.c.geom).label("wkb")
    rows = conn.execute(select(unit_version, border).where(*known, or_(ends, begins))).all()
    before = {each.unit_id: each for each in rows if each.edition_id != row.id}
    after = {each.unit_id: each for each in rows if each.edition_id == row.id}
    changed = [_changed(before.get(unit_id), each) for unit_id, each in after.items()]
    changed += [_gone(each) for unit_id, each in before.items() if unit_id not in after]
    return sorted(changed, key=lambda each: (each.level, each.code))


def _changed(was: Row[Any] | None, now: Row[Any]) -> Changed:
    border = shapely.from_wkb(bytes(now.wkb))
    moved = None
    if was is not None and "geometry" in now.change_kinds:
        moved = shapely.symmetric_difference(shapely.from_wkb(bytes(was.wkb)), border)
    return Changed(
        now.unit_id,
        now.level,
        now.code,
        now.name,
        tuple(now.change_kinds),
        None if was is None else was.code,
        None if was is None else was.name,
        border,
        moved,
    )


def _gone(was: Row[Any]) -> Changed:
    border = shapely.from_wkb(bytes(was.wkb))
    return Changed(was.unit_id, was.level, was.code, was.name, ("gone",), was.code, was.name, border, None)
