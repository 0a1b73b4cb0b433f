"""Questions about units: as they were at an instant, in one network, by what is known now or was known at another instant.

`known_at` None: now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on

from core.errors import Conflict, NotFound, told
from geo.codes import natural_key
from geo.networks import Network, get_network, list_networks
from geo.tables import edition, holds, recorded, stands, unit, unit_version, until

Bbox = tuple[float, float, float, float]
"""West, south, east, north; degrees."""


@dataclass(frozen=True)
class EditionInForce:
    """The edition that holds at an instant. `effective_from` None: since ever."""

    id: int
    seq: int
    effective_from: datetime | None
    published_at: datetime
    sha256: str
    counts: dict[str, int]

    def count_of(self, level: str) -> int:
        """Units of a level, of every kind: the territorial ones stand under its code, others under "code (kind)"."""
        return sum(units for key, units in self.counts.items() if key.partition(" (")[0] == level)


@dataclass(frozen=True)
class PublishedNetwork:
    """A network as of an instant; `edition` and `bbox` are None before its first edition."""

    network: Network
    edition: EditionInForce | None
    bbox: Bbox | None


@dataclass(frozen=True)
class UnitRead:
    """One unit as of an instant. `valid_from` None: since ever; `valid_until` None: no end is known."""

    id: UUID
    version_id: int
    edition_id: int
    network: str
    level: str
    kind: str
    code: str
    name: str
    parent_id: UUID | None
    area_m2: float
    households: int | None
    bbox: Bbox
    valid_from: datetime | None
    valid_until: datetime | None
    attrs: dict[str, Any]


def list_published_networks(
    conn: Connection, *, at: datetime, known_at: datetime | None = None
) -> list[PublishedNetwork]:
    """Every network with the edition in force at the instant, in the order they were made."""
    return [
        PublishedNetwork(
            network, _edition_at(conn, network, at, known_at), _bbox_at(conn, network, at, known_at)
        )
        for network in list_networks(conn)
    ]


def list_units(
    conn: Connection,
    network_code: str,
    *,
    at: datetime,
    level: str | None = None,
    search: str | None = None,
    after: tuple[bool, str, str] | None = None,
    limit: int = 1000,
    known_at: datetime | None = None,
) -> list[UnitRead]:
    """Units by level and code; `search` is a part of the name or of the code, and what bears just this text leads.

    `after`: whether the last one before bears just the text, its level and its code.
    """
    network = get_network(conn, network_code)
    chosen = [_holds_at(network, at, known_at)]
    if level is not None:
        chosen.append(unit_version.c.level == network.level(level).code)
    if search:
        part = func.lower(search)
        chosen.append(
            or_(
                func.strpos(func.lower(unit_version.c.name), part) > 0,
                func.strpos(func.lower(unit_version.c.code), part) > 0,
            )
        )
    order: list[ColumnElement[Any]] = [unit_version.c.level, unit_version.c.code]
    behind: list[bool | str] | None = None if after is None else [*after[1:]]
    if search:
        order.insert(0, and_(unit_version.c.name != search, unit_version.c.code != search))
        behind = None if after is None else [not after[0], *after[1:]]
    if behind is not None:
        chosen.append(tuple_(*order) > tuple_(*map(literal, behind)))
    query = _query(known_at).where(*chosen).order_by(*order).limit(limit)
    return [_unit(row, network) for row in conn.execute(query)]


def get_unit(
    conn: Connection,
    code: str,
    *,
    network_code: str,
    at: datetime,
    level: str | None = None,
    known_at: datetime | None = None,
) -> UnitRead:
    """The unit with this code; NotFound, or Conflict when several levels have one and none is named."""
    network = get_network(conn, network_code)
    chosen = [_holds_at(network, at, known_at), unit_version.c.code == code]
    if level is not None:
        chosen.append(unit_version.c.level == network.level(level).code)
    found = [_unit(row, network) for row in conn.execute(_query(known_at).where(*chosen))]
    if not found:
        raise NotFound(
            told(
                "network {network} had no unit “{code}” at {instant}",
                network=network_code,
                code=code,
                instant=at.isoformat(),
            )
        )
    if len(found) > 1:
        levels = ", ".join(sorted(one.level for one in found))
        raise Conflict(
            told(
                "“{code}” is the code of several units of {network}: name the level ({levels})",
                code=code,
                network=network_code,
                levels=levels,
            )
        )
    return found[0]


def list_children(
    conn: Connection, parent: UnitRead, *, at: datetime, known_at: datetime | None = None
) -> list[UnitRead]:
    """The units right below, dedicated ones last, codes in natural order."""
    network = get_network(conn, parent.network)
    held = _holds_at(network, at, known_at)
    query = _query(known_at).where(held, unit_version.c.parent_unit_id == parent.id)
    children = [_unit(row, network) for row in conn.execute(query)]
    return sorted(children, key=lambda child: (child.kind == "dedicated", natural_key(child.code)))


def list_ancestors(
    conn: Connection, child: UnitRead, *, at: datetime, known_at: datetime | None = None
) -> list[UnitRead]:
    """The units above, the root first."""
    network = get_network(conn, child.network)
    path = select(unit_version.c.path).where(unit_version.c.id == child.version_id).scalar_subquery()
    above = unit_version.c.path.op("@>")(path)
    held = _holds_at(network, at, known_at)
    query = _query(known_at).where(held, above, unit_version.c.unit_id != child.id)
    rows = conn.execute(query.order_by(func.nlevel(unit_version.c.path)))
    return [_unit(row, network) for row in rows]


def read_path(conn: Connection, one: UnitRead) -> str:
    """The ltree path of the unit, the root's id first: it names the subtree."""
    query = select(cast(unit_version.c.path, Text)).where(unit_version.c.id == one.version_id)
    path: str = conn.execute(query).scalar_one()
    return path


def select_versions(
    unit_ids: Collection[UUID], *columns: ColumnElement[Any], at: datetime | None = None
) -> Select[Any]:
    """A row a unit, its id and these columns: as it was at the instant; where it was not there then, or none is asked
    about, as it is or was last.
    """
    newest_first = func.lower(unit_version.c.valid).desc().nulls_last()
    order = [newest_first] if at is None else [unit_version.c.valid.contains(at).desc(), newest_first]
    return (
        select(unit_version.c.unit_id, *columns)
        .ext(distinct_on(unit_version.c.unit_id))
        .where(unit_version.c.unit_id.in_(list(unit_ids)), recorded())
        .order_by(unit_version.c.unit_id, *order)
    )


def path_at(conn: Connection, unit_id: UUID, instant: datetime) -> str:
    """Where the unit lay at the instant, as `read_path` tells it; where it was not there then, as it lies or lay last."""
    path = cast(unit_version.c.path, Text).label("path")
    found: str = conn.execute(select_versions([unit_id], path, at=instant)).one().path
    return found


def read_geometry(conn: Connection, units: Sequence[UnitRead]) -> dict[int, str]:
    """GeoJSON text of the borders (MultiPolygon, lon/lat, 7 decimals) by unit version."""
    query = select(unit_version.c.id, func.ST_AsGeoJSON(unit_version.c.geom, 7)).where(
        unit_version.c.id.in_([one.version_id for one in units])
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def _holds_at(network: Network, at: datetime, known_at: datetime | None = None) -> ColumnElement[bool]:
    """The version that holds at the instant, as far as was known."""
    return (unit_version.c.network_id == network.id) & holds(at, known_at)


def _query(known_at: datetime | None = None) -> Select[Any]:
    corners = [getattr(func, f"ST_{side}")(unit_version.c.geom) for side in ("XMin", "YMin", "XMax", "YMax")]
    names = (
        "id",
        "unit_id",
        "edition_id",
        "level",
        "code",
        "name",
        "parent_unit_id",
        "area_m2",
        "households",
    )
    columns = [unit_version.c[name] for name in (*names, "valid", "attrs")]
    more = (unit.c.kind, func.json_build_array(*corners).label("bbox"), until(known_at).label("until"))
    return select(*columns, *more).join(unit, unit.c.id == unit_version.c.unit_id)


def _unit(row: Row[Any], network: Network) -> UnitRead:
    return UnitRead(
        id=row.unit_id,
        version_id=row.id,
        edition_id=row.edition_id,
        network=network.code,
        level=row.level,
        kind=row.kind,
        code=row.code,
        name=row.name,
        parent_id=row.parent_unit_id,
        area_m2=row.area_m2,
        households=row.households,
        bbox=tuple(row.bbox),
        valid_from=row.valid.lower,
        valid_until=row.until,
        attrs=row.attrs,
    )


def _edition_at(
    conn: Connection, network: Network, at: datetime, known_at: datetime | None
) -> EditionInForce | None:
    since = edition.c.effective_from
    begun = or_(since.is_(None), since <= at)
    query = select(edition).where(edition.c.network_id == network.id, stands(known_at), begun)
    row = conn.execute(query.order_by(edition.c.seq.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return EditionInForce(
        row.id, row.seq, row.effective_from, row.published_at, bytes(row.sha256).hex(), row.counts
    )


def _bbox_at(conn: Connection, network: Network, at: datetime, known_at: datetime | None) -> Bbox | None:
    roots = [level.code for level in network.levels if level.parent is None]
    extent = func.ST_Extent(unit_version.c.geom)
    sides = [getattr(func, f"ST_{side}")(extent) for side in ("XMin", "YMin", "XMax", "YMax")]
    held = _holds_at(network, at, known_at)
    found = conn.execute(select(*sides).where(held, unit_version.c.level.in_(roots))).one()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])
