"""The life of a unit: its codes, names, borders and parents of each time, where its ground came from and where it went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, func, select

from core.errors import NotFound, told
from geo.tables import edition, lineage, network, recorded, stands, unit, unit_version, until


@dataclass(frozen=True)
class Kin:
    """Another unit that had or has ground of one. Shares are of the former unit."""

    unit_id: UUID
    code: str
    name: str
    kind: str
    area_m2: float
    area_share: float
    households_share: float


@dataclass(frozen=True)
class Above:
    """A unit that stood above one when a version of it began, as it was called then."""

    unit_id: UUID
    level: str
    code: str
    name: str


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
    above: tuple[Above, ...]
    """The root first."""
    plan_id: int | None
    """The plan that the edition came of."""
    came_from: tuple[Kin, ...]
    went_to: tuple[Kin, ...]


@dataclass(frozen=True)
class Life:
    """A unit from its birth on; `chapters`: its versions as known, the first one first."""

    unit_id: UUID
    network: str
    kind: str
    origin: str
    chapters: tuple[Chapter, ...]


def read_life(conn: Connection, unit_id: UUID, *, known_at: datetime | None = None) -> Life:
    """As was known at the instant (None: now). NotFound for an unknown id, and for one that was born later."""
    query = (
        select(
            unit_version,
            cast(unit_version.c.path, Text).label("way"),
            until(known_at).label("until"),
            edition.c.seq,
            edition.c.plan_id,
        )
        .join(edition, edition.c.id == unit_version.c.edition_id)
        .where(unit_version.c.unit_id == unit_id, recorded(known_at))
        .order_by(func.lower(unit_version.c.valid).asc().nulls_first())
    )
    rows = conn.execute(query).all()
    if not rows:
        raise NotFound(told("there is no unit {unit}", unit=unit_id))
    came = _kin(conn, unit_id, (lineage.c.from_version, lineage.c.to_version), known_at)
    went = _kin(conn, unit_id, (lineage.c.to_version, lineage.c.from_version), known_at)
    above = _read_above(conn, rows, known_at)
    chapters = (
        _chapter(row, above, came.get(row.edition_id, ()), went.get(row.edition_id, ())) for row in rows
    )
    own = select(unit.c.kind, unit.c.origin, network.c.code).join(network, network.c.id == unit.c.network_id)
    of = conn.execute(own.where(unit.c.id == unit_id)).one()
    return Life(unit_id, of.code, of.kind, of.origin, tuple(chapters))


def read_borders_of(conn: Connection, unit_id: UUID, *, known_at: datetime | None = None) -> dict[int, bytes]:
    """The border of each version as was known (None: now), as WKB. NotFound for an unknown id."""
    query = select(unit_version.c.id, func.ST_AsBinary(unit_version.c.geom).label("wkb")).where(
        unit_version.c.unit_id == unit_id, recorded(known_at)
    )
    found = {row.id: bytes(row.wkb) for row in conn.execute(query)}
    if not found:
        raise NotFound(told("there is no unit {unit}", unit=unit_id))
    return found


def _chapter(
    row: Row[Any], above: dict[UUID, list[Row[Any]]], came_from: Sequence[Kin], went_to: Sequence[Kin]
) -> Chapter:
    return Chapter(
        version_id=row.id,
        edition=row.seq,
        valid_from=row.valid.lower,
        valid_until=row.until,
        level=row.level,
        code=row.code,
        name=row.name,
        area_m2=row.area_m2,
        households=row.households,
        change_kinds=tuple(row.change_kinds),
        above=tuple(_as_then(above[one], row) for one in _way(row) if one in above),
        plan_id=row.plan_id,
        came_from=tuple(came_from),
        went_to=tuple(went_to),
    )


def _way(row: Row[Any]) -> list[UUID]:
    """Ids of the units above, the root first."""
    return [UUID(hex=label) for label in row.way.split(".")][:-1]


def _read_above(
    conn: Connection, rows: Sequence[Row[Any]], known_at: datetime | None
) -> dict[UUID, list[Row[Any]]]:
    """The versions of every unit that ever stood above, the first one first."""
    wanted = {one for row in rows for one in _way(row)}
    names = (unit_version.c[name] for name in ("unit_id", "level", "code", "name", "valid"))
    query = select(*names).where(unit_version.c.unit_id.in_(wanted), recorded(known_at))
    found: dict[UUID, list[Row[Any]]] = {}
    for row in conn.execute(query.order_by(func.lower(unit_version.c.valid).asc().nulls_first())):
        found.setdefault(row.unit_id, []).append(row)
    return found


def _as_then(versions: Sequence[Row[Any]], below: Row[Any]) -> Above:
    """As it was when the version below began."""
    began = below.valid.lower
    held = [
        each
        for each in versions
        if each.valid.lower is None or (began is not None and each.valid.lower <= began)
    ]
    then = (held or versions[:1])[-1]
    return Above(then.unit_id, then.level, then.code, then.name)


def _kin(
    conn: Connection,
    unit_id: UUID,
    ends: tuple[ColumnElement[int], ColumnElement[int]],
    known_at: datetime | None,
) -> dict[int, list[Kin]]:
    """The other units at the far end of this one's lineage, by the edition that began its version.

    By edition, since a version that was written down again has another number than the one that lineage names.
    """
    far, near = ends
    own, other = unit_version.alias("own"), unit_version.alias("other")
    query = (
        select(
            own.c.edition_id.label("since"),
            lineage.c.kind,
            lineage.c.area_m2,
            lineage.c.area_share,
            lineage.c.households_share,
            other.c.unit_id,
            other.c.code,
            other.c.name,
        )
        .join(own, own.c.id == near)
        .join(other, other.c.id == far)
        .join(edition, edition.c.id == lineage.c.edition_id)
        .where(own.c.unit_id == unit_id, other.c.unit_id != unit_id, stands(known_at))
        .order_by(lineage.c.area_share.desc(), other.c.code)
    )
    found: dict[int, list[Kin]] = {}
    for row in conn.execute(query):
        kin = Kin(
            row.unit_id, row.code, row.name, row.kind, row.area_m2, row.area_share, row.households_share
        )
        found.setdefault(row.since, []).append(kin)
    return found
