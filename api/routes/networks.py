"""/v1/networks and /v1/units: borders, names and codes, as of any instant, for every account that is signed in."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from api.callers import Conn, Instant, KnownAt, signed_in
from geo.units import (
    PublishedNetwork,
    UnitRead,
    get_unit,
    list_ancestors,
    list_children,
    list_published_networks,
    list_units,
    read_geometry,
)

router = APIRouter(prefix="/v1", tags=["ground"])

NetworkCode = Annotated[str, Query(max_length=64, description="code of the network")]
LevelCode = Annotated[str | None, Query(max_length=64, description="code of a level of the network")]
UnitCode = Annotated[
    str, Path(max_length=64, description="code of the unit; whatever it is made of, %-encoded")
]


SEPARATOR = "\t"
"""Between level and code in a cursor: no level's code has it."""
EXACT = "="
"""Before them: the last unit bears just the text that is searched for. No level's code begins with it."""


class LevelSeen(BaseModel):
    code: str
    name: str
    name_en: str
    parent: str | None = Field(description="null: a root")
    origin: Literal["natural", "drawn"]


class EditionSeen(BaseModel):
    id: int
    seq: int
    effective_from: datetime | None = Field(description="null: since ever")
    published_at: datetime
    sha256: str
    counts: dict[str, int] = Field(description="units of each level")


class NetworkSeen(BaseModel):
    code: str
    name: str
    coverage: Literal["full", "partial"] = Field(description="full: the units cover their parent exactly")
    levels: list[LevelSeen]
    edition: EditionSeen | None = Field(description="in force at the instant; null: none yet")
    bbox: tuple[float, float, float, float] | None = Field(description="west, south, east, north")


class NetworksSeen(BaseModel):
    at: datetime
    known_at: datetime | None = Field(description="whose knowledge this is; null: that of now")
    networks: list[NetworkSeen]


class UnitBrief(BaseModel):
    id: str
    version_id: int
    level: str
    kind: Literal["territorial", "dedicated"]
    code: str
    name: str
    parent_id: str | None
    area_m2: float
    households: int | None
    bbox: tuple[float, float, float, float]


class UnitSeen(UnitBrief):
    network: str
    edition_id: int
    valid_from: datetime | None = Field(description="null: since ever")
    valid_until: datetime | None = Field(description="null: no end is known")
    attrs: dict[str, Any]
    ancestors: list[UnitBrief] = Field(description="the root first")


class UnitsSeen(BaseModel):
    at: datetime
    known_at: datetime | None = Field(description="whose knowledge this is; null: that of now")
    units: list[UnitBrief]
    next: str | None = Field(description="send it as `after` for the next page; null: this was the last")


class Border(BaseModel):
    """A GeoJSON Feature."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any] = Field(description="MultiPolygon, WGS-84, lon before lat")
    properties: UnitBrief


def _brief(unit: UnitRead) -> UnitBrief:
    return UnitBrief(
        id=str(unit.id),
        version_id=unit.version_id,
        level=unit.level,
        kind="dedicated" if unit.kind == "dedicated" else "territorial",
        code=unit.code,
        name=unit.name,
        parent_id=None if unit.parent_id is None else str(unit.parent_id),
        area_m2=unit.area_m2,
        households=unit.households,
        bbox=unit.bbox,
    )


def _network(found: PublishedNetwork) -> NetworkSeen:
    network = found.network
    return NetworkSeen(
        code=network.code,
        name=network.name,
        coverage=network.coverage,
        levels=[LevelSeen(**vars(level)) for level in network.levels],
        edition=None if found.edition is None else EditionSeen(**vars(found.edition)),
        bbox=found.bbox,
    )


@router.get("/networks", dependencies=[signed_in])
def read_networks(conn: Conn, instant: Instant, known_at: KnownAt = None) -> NetworksSeen:
    """Every network with its levels and the edition in force at the instant."""
    found = list_published_networks(conn, at=instant, known_at=known_at)
    return NetworksSeen(at=instant, known_at=known_at, networks=[_network(each) for each in found])


@router.get("/units", dependencies=[signed_in])
def read_units(
    conn: Conn,
    instant: Instant,
    network: NetworkCode = "governance",
    level: LevelCode = None,
    search: Annotated[str | None, Query(max_length=64, description="a part of the name or code")] = None,
    after: Annotated[str | None, Query(max_length=160, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    known_at: KnownAt = None,
) -> UnitsSeen:
    """Units of a network by level and code; what is searched for and bears just this text leads."""
    behind = None if not after else _behind(after)
    found = list_units(
        conn,
        network,
        at=instant,
        level=level,
        search=search,
        after=behind,
        limit=limit + 1,
        known_at=known_at,
    )
    page = found[:limit]
    follows = _follows(page[-1], search) if len(found) > limit else None
    return UnitsSeen(at=instant, known_at=known_at, units=[_brief(unit) for unit in page], next=follows)


def _follows(last: UnitRead, search: str | None) -> str:
    exact = EXACT if search in (last.code, last.name) else ""
    return f"{exact}{last.level}{SEPARATOR}{last.code}"


def _behind(after: str) -> tuple[bool, str, str]:
    level, _, code = after.removeprefix(EXACT).partition(SEPARATOR)
    return after.startswith(EXACT), level, code


@dataclass(frozen=True)
class Asked:
    """The unit of a path, and the instant it is asked about."""

    unit: UnitRead
    at: datetime
    known_at: datetime | None


def find_unit_asked_for(
    conn: Conn,
    instant: Instant,
    code: UnitCode,
    network: NetworkCode = "governance",
    level: LevelCode = None,
    known_at: KnownAt = None,
) -> Asked:
    """404 for a code that no unit had; 409 when several levels have it and none is named."""
    unit = get_unit(conn, code, network_code=network, at=instant, level=level, known_at=known_at)
    return Asked(unit, instant, known_at)


AskedDep = Annotated[Asked, Depends(find_unit_asked_for)]


# A code may hold a slash, so the routes with an ending stand before the one without.
@router.get("/units/{code:path}/children", dependencies=[signed_in])
def read_children(conn: Conn, asked: AskedDep) -> UnitsSeen:
    """The units right below, dedicated grids last."""
    found = list_children(conn, asked.unit, at=asked.at, known_at=asked.known_at)
    children = [_brief(child) for child in found]
    return UnitsSeen(at=asked.at, known_at=asked.known_at, units=children, next=None)


@router.get("/units/{code:path}/geometry", dependencies=[signed_in])
def read_border(conn: Conn, asked: AskedDep) -> Border:
    """The unit's border as a GeoJSON Feature."""
    border = read_geometry(conn, [asked.unit])[asked.unit.version_id]
    return Border(geometry=json.loads(border), properties=_brief(asked.unit))


@router.get("/units/{code:path}", dependencies=[signed_in])
def read_unit(conn: Conn, asked: AskedDep) -> UnitSeen:
    """One unit with those above it."""
    unit = asked.unit
    return UnitSeen(
        **dict(_brief(unit)),
        network=unit.network,
        edition_id=unit.edition_id,
        valid_from=unit.valid_from,
        valid_until=unit.valid_until,
        attrs=unit.attrs,
        ancestors=[
            _brief(above) for above in list_ancestors(conn, unit, at=asked.at, known_at=asked.known_at)
        ],
    )
