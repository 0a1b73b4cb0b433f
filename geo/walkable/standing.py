"""What stood on a day, within a box."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Table, func, select
from sqlalchemy.engine import Row

from geo.walkable.tables import obstacle, site, street

Box = tuple[float, float, float, float]
"""West, south, east, north; WGS-84 degrees."""


@dataclass(frozen=True)
class Street:
    code: str
    name: str
    kind: str
    geometry: shapely.MultiLineString


@dataclass(frozen=True)
class Obstacle:
    """Water, a railway or a closed compound; a line is `width_m` wide, an area is as wide as it is."""

    kind: str
    width_m: float
    geometry: shapely.geometry.base.BaseGeometry


@dataclass(frozen=True)
class Site:
    """A place to be visited `visits` times in `days` days, for at least `least_s` each time."""

    code: str
    name: str
    kind: str
    visits: int
    days: int
    least_s: int
    geometry: shapely.geometry.base.BaseGeometry


def read_streets(conn: Connection, box: Box, on: date) -> list[Street]:
    """The streets of a day, by code."""
    rows, shapes = _read(conn, street, box, on, street.c.code, street.c.name, street.c.kind)
    return [Street(row.code, row.name, row.kind, shape) for row, shape in zip(rows, shapes, strict=True)]


def read_obstacles(conn: Connection, box: Box, on: date) -> list[Obstacle]:
    """What bars the way on a day, by kind."""
    rows, shapes = _read(conn, obstacle, box, on, obstacle.c.kind, obstacle.c.width_m)
    return [Obstacle(row.kind, row.width_m, shape) for row, shape in zip(rows, shapes, strict=True)]


def read_sites(conn: Connection, box: Box, on: date) -> list[Site]:
    """The sites of a day that have to be visited, by code."""
    columns = (site.c.code, site.c.name, site.c.kind, site.c.visits, site.c.days, site.c.least_s)
    rows, shapes = _read(conn, site, box, on, *columns)
    return [
        Site(row.code, row.name, row.kind, row.visits, row.days, row.least_s, shape)
        for row, shape in zip(rows, shapes, strict=True)
        if row.visits > 0
    ]


def _read(
    conn: Connection, table: Table, box: Box, on: date, *columns: ColumnElement[Any]
) -> tuple[Sequence[Row[Any]], NDArray[np.object_]]:
    wanted: list[ColumnElement[Any]] = [*columns, func.ST_AsBinary(table.c.geom).label("wkb")]
    rows = conn.execute(
        select(*wanted)
        .where(table.c.geom.op("&&")(func.ST_MakeEnvelope(*box, 4326)), table.c.valid.contains(on))
        .order_by(*columns, table.c.source, table.c.digest)
    ).all()
    shapes = np.asarray(shapely.from_wkb([bytes(row.wkb) for row in rows]), dtype=object).reshape(len(rows))
    return rows, shapes
