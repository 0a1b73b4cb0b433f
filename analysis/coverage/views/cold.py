"""What was not visited, since when, and a round to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, func, select

from analysis.coverage.kept.asked import CoverageAsked, bounds_of
from analysis.coverage.measures.duty_time import WorkingHours, duty_time
from analysis.coverage.views.walking import MOST_STOPS, suggest_round
from core.db import sql_file
from geo.metric import metric_crs, plane_xy
from geo.tables import unit_version


@dataclass(frozen=True)
class Leaf:
    """A deepest unit and its weights. `last_at` None: on no computed day; `above`: ids of the units above, and its own."""

    version_id: int
    unit_id: UUID
    code: str
    name: str
    level: str
    above: tuple[str, ...]
    observed: bool
    area_cm2: int
    households: int
    street_mm: int
    last_at: datetime | None


@dataclass(frozen=True)
class Age:
    """How cold a unit is: since when its coldest observed deepest unit was not visited (None: never on a computed day)."""

    last_at: datetime | None
    leaves: int
    never: int
    not_observed: int


@dataclass(frozen=True)
class Stop:
    """A unit of a round; `age` and `duty_age` None where nobody was there on any computed day."""

    leaf: Leaf
    lon: float
    lat: float
    age: timedelta | None
    duty_age: timedelta | None


@dataclass(frozen=True)
class ColdList:
    """The coldest first, the heavier before the lighter; `total`: so many were not visited since. `round_`: rows of stops."""

    stops: tuple[Stop, ...]
    total: int
    not_observed: int
    round_: tuple[int, ...]
    length_m: float


def read_leaves(conn: Connection, asked: CoverageAsked) -> list[Leaf]:
    """The deepest units of the period's last computed day, by code."""
    return [
        Leaf(
            row["version_id"],
            row["unit_id"],
            row["code"],
            row["name"],
            row["level"],
            tuple(row["steps"]),
            row["observed"],
            int(row["area_cm2"]),
            int(row["households"]),
            int(row["street_mm"]),
            row["last_at"],
        )
        for row in conn.execute(sql_file("analysis.coverage", "last_visits"), bounds_of(asked)).mappings()
    ]


def find_ages(leaves: Sequence[Leaf]) -> Mapping[str, Age]:
    """By unit id as paths write it, of every unit that holds one of them."""
    below: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        for label in leaf.above:
            below.setdefault(label, []).append(leaf)
    return {label: _age(own) for label, own in below.items()}


def _age(leaves: Sequence[Leaf]) -> Age:
    seen = [leaf for leaf in leaves if leaf.observed]
    visited = [leaf.last_at for leaf in seen if leaf.last_at is not None]
    never = len(seen) - len(visited)
    return Age(None if never else min(visited, default=None), len(seen), never, len(leaves) - len(seen))


def list_cold(
    conn: Connection,
    asked: CoverageAsked,
    *,
    before: datetime,
    until: datetime,
    hours: WorkingHours,
    limit: int,
) -> ColdList:
    """Deepest observed units that nobody was proven to visit from `before` to `until`, ages as of `until`."""
    leaves = read_leaves(conn, asked)
    cold = [leaf for leaf in leaves if leaf.observed and (leaf.last_at is None or leaf.last_at < before)]
    cold.sort(
        key=lambda leaf: (leaf.last_at is not None, leaf.last_at, -leaf.households, -leaf.area_cm2, leaf.code)
    )
    places = _places(conn, [leaf.version_id for leaf in cold[:limit]])
    stops = [
        Stop(
            leaf,
            *places[leaf.version_id],
            None if leaf.last_at is None else until - leaf.last_at,
            None if leaf.last_at is None else duty_time(leaf.last_at, until, hours),
        )
        for leaf in cold[:limit]
    ]
    way = suggest_round(_plane(stops[:MOST_STOPS]))
    unseen = sum(not leaf.observed for leaf in leaves)
    return ColdList(tuple(stops), len(cold), unseen, way.order, way.length_m)


def _places(conn: Connection, versions: Sequence[int]) -> dict[int, tuple[float, float]]:
    """A position inside each unit."""
    inside = func.ST_PointOnSurface(unit_version.c.geom)
    rows = conn.execute(
        select(unit_version.c.id, func.ST_X(inside).label("lon"), func.ST_Y(inside).label("lat")).where(
            unit_version.c.id.in_(versions)
        )
    )
    return {row.id: (row.lon, row.lat) for row in rows}


def _plane(stops: Sequence[Stop]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    if not stops:
        return np.empty((0, 2))
    lon, lat = np.array([stop.lon for stop in stops]), np.array([stop.lat for stop in stops])
    return np.stack(plane_xy(lon, lat, metric_crs(float(lon[0]), float(lat[0]))), axis=1)
