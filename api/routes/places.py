"""/v1/places: which unit of every network holds a point, or many points, at an instant."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.callers import Conn, KnownAt, LookupDep, Now, signed_in
from geo.lookup import Lookup, PlacedUnit, Placement

router = APIRouter(prefix="/v1", tags=["ground"])

POINTS_MOST: Final = 1_000
"""More are placed by `./wangge place`, which does a million in seconds."""

Crs = Annotated[
    str, Field(max_length=64, description="wgs84, gcj02, bd09, cgcs2000 or EPSG:n (then lon is x, lat is y)")
]
Accuracy = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Status = Literal["inside", "ambiguous", "several", "outside"]


class UnitRead(BaseModel):
    """A unit as it was at the instant."""

    level: str
    code: str
    name: str
    kind: Literal["territorial", "dedicated"]
    unit_id: str
    unit_version_id: int


class NearestUnit(BaseModel):
    unit: UnitRead
    distance_m: float


class NetworkPlacement(BaseModel):
    """Where the point lies in one network."""

    network: str
    edition_id: int | None = Field(description="null: the network had no edition yet at the instant")
    status: Status = Field(
        description="of the deepest level: inside; ambiguous (nearer to its border than the accuracy); several "
        "(units overlap there, the lowest code owns it); outside"
    )
    units: list[UnitRead] = Field(description="dedicated grids first, then the deepest level and its parents")
    border_m: float | None = Field(description="metres to the border of the deepest unit; null when outside")
    nearest: NearestUnit | None = Field(description="where outside: the nearest unit of the deepest level")
    several: list[UnitRead] = Field(description="where several: all that hold the point, the owner first")


class PlaceRead(BaseModel):
    lon: float = Field(description="as sent")
    lat: float
    at: datetime
    known_at: datetime | None = Field(None, description="whose knowledge this is; null: that of now")
    placements: list[NetworkPlacement] = Field(description="one for each network")


class PointSent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lon: Annotated[float, Field(allow_inf_nan=False)]
    lat: Annotated[float, Field(allow_inf_nan=False)]
    at: AwareDatetime | None = Field(None, description="with an offset from UTC; left out: now")
    accuracy_m: Accuracy | None = None


class PointAsked(PointSent):
    crs: Crs = "wgs84"
    known_at: KnownAt = None


class PointsSent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    points: Annotated[list[PointSent], Field(max_length=POINTS_MOST)]
    crs: Crs = "wgs84"
    known_at: AwareDatetime | None = Field(
        None, description="as was known at this instant; left out: as is known now"
    )


class PlacesRead(BaseModel):
    places: list[PlaceRead] = Field(description="one for each point sent, in the same order")


@router.get("/places", dependencies=[signed_in])
def place_one(
    lookup: LookupDep,
    conn: Conn,
    now: Now,
    point: Annotated[PointAsked, Query()],
) -> PlaceRead:
    """Where a point lies in every network at an instant, by the borders known now or at another instant for it."""
    return _place(_knowing(lookup, conn, point.known_at), point, point, now)


@router.post("/places", dependencies=[signed_in])
def place_many(lookup: LookupDep, conn: Conn, now: Now, sent: PointsSent) -> PlacesRead:
    """Where many points lie, each at its own instant, by the borders known now or at another instant for all."""
    knowing = _knowing(lookup, conn, sent.known_at)
    return PlacesRead(places=[_place(knowing, point, sent, now) for point in sent.points])


def _knowing(lookup: Lookup, conn: Connection, known_at: datetime | None) -> Lookup:
    """What was known once is asked for rarely: it is read anew and not kept."""
    return lookup if known_at is None else Lookup(conn, known_at=known_at)


def _place(lookup: Lookup, point: PointSent, asked: PointAsked | PointsSent, now: datetime) -> PlaceRead:
    at = point.at or now
    found = lookup.place(point.lon, point.lat, at=at, accuracy_m=point.accuracy_m, crs=asked.crs)
    placements = [_network(each) for each in found]
    return PlaceRead(lon=point.lon, lat=point.lat, at=at, known_at=asked.known_at, placements=placements)


def _network(found: Placement) -> NetworkPlacement:
    nearest = found.nearest
    return NetworkPlacement(
        network=found.network,
        edition_id=found.edition_id,
        status=found.status,
        units=[_unit(each) for each in found.units],
        border_m=found.border_m,
        nearest=None
        if nearest is None
        else NearestUnit(unit=_unit(nearest.unit), distance_m=nearest.distance_m),
        several=[_unit(each) for each in found.several],
    )


def _unit(unit: PlacedUnit) -> UnitRead:
    return UnitRead(
        level=unit.level,
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        unit_id=str(unit.unit_id),
        unit_version_id=unit.unit_version_id,
    )
