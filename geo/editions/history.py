"""What was: the life of a unit with the codes and names of each time, and what an edition changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from core.errors import NotFound, told
from geo.networks import get_network
from geo.tables import edition, lineage, unit_version


@dataclass(frozen=True)
class Kin:
    """Another unit that had or has ground of one. Shares are of the former unit."""

    unit_id: UUID
    code: str
    name: str
    kind: str
    area_share: float
    households_share: float


@dataclass(frozen=True)
class Chapter:
    """A unit while one version of it holds. `valid_from` None: since ever; `valid_until` None: no end is known.

    `came_from`: other units whose ground it has from then on; `went_to`: those that have some of its ground afterwards.
    """

    version_id: int
    edition: int
    valid_from: datetime | None
    valid_until: datetime | None
    level: str
    code: str
    name: str
    area_m2: float
    households: int | None
    change_kinds: tuple[str, ...]
    came_from: tuple[Kin, ...]
    went_to: tuple[Kin, ...]


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


def read_life(conn: Connection, unit_id: UUID) -> list[Chapter]:
    """The versions of a unit as known now, the first one first; NotFound for an unknown id."""
    query = (
        select(unit_version, edition.c.seq)
        .join(edition, edition.c.id == unit_version.c.edition_id)
        .where(unit_version.c.unit_id == unit_id, func.upper_inf(unit_version.c.recorded))
        .order_by(func.lower(unit_version.c.valid).asc().nulls_first())
    )
    rows = conn.execute(query).all()
    if not rows:
        raise NotFound(told("there is no unit {unit}", unit=unit_id))
    ids = [row.id for row in rows]
    came = _kin(conn, unit_id, (lineage.c.from_version, lineage.c.to_version), ids)
    went = _kin(conn, unit_id, (lineage.c.to_version, lineage.c.from_version), ids)
    return [_chapter(row, came.get(row.id, ()), went.get(row.id, ())) for row in rows]


def _chapter(row: Row[Any], came_from: Sequence[Kin], went_to: Sequence[Kin]) -> Chapter:
    return Chapter(
        row.id,
        row.seq,
        row.valid.lower,
        row.valid.upper,
        row.level,
        row.code,
        row.name,
        row.area_m2,
        row.households,
        tuple(row.change_kinds),
        tuple(came_from),
        tuple(went_to),
    )


def _kin(
    conn: Connection, unit_id: UUID, ends: tuple[ColumnElement[int], ColumnElement[int]], ids: Sequence[int]
) -> dict[int, list[Kin]]:
    """The other units at the far end of each of these versions' lineage."""
    far, near = ends
    query = (
        select(
            near.label("own"),
            lineage.c.kind,
            lineage.c.area_share,
            lineage.c.households_share,
            unit_version.c.unit_id,
            unit_version.c.code,
            unit_version.c.name,
        )
        .join(unit_version, unit_version.c.id == far)
        .where(near.in_(ids), unit_version.c.unit_id != unit_id, func.upper_inf(unit_version.c.recorded))
        .order_by(lineage.c.area_share.desc(), unit_version.c.code)
    )
    found: dict[int, list[Kin]] = {}
    for row in conn.execute(query):
        kin = Kin(row.unit_id, row.code, row.name, row.kind, row.area_share, row.households_share)
        found.setdefault(row.own, []).append(kin)
    return found


def list_changes(conn: Connection, network_code: str, seq: int) -> list[Changed]:
    """What an edition changed against the one before, by level and code; nothing for the first.

    NotFound for a number that the network has no edition of.
    """
    network = get_network(conn, network_code)
    query = select(edition).where(edition.c.network_id == network.id, edition.c.seq == seq)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(told("network {network} has no edition {seq}", network=network_code, seq=seq))
    if seq == 1 or row.effective_from is None:
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
