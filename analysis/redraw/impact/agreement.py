"""Where the borders of other networks agreed with this one's and no longer do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select

from analysis.redraw.graph import Objects
from geo.metric import from_metres, metric_crs_of, to_metres
from geo.networks import Network, list_networks
from geo.plans import geometry_column
from geo.tables import unit_version

AGREES_M = 1.0
"""Borders this near each other mean the same line."""
LEAST_M = 5.0


@dataclass(frozen=True)
class Disagreement:
    """`where`: border that both networks had and the plan moves away, WGS-84; `units`: of the other network, beside it."""

    network: str
    name: str
    metres: float
    units: tuple[str, ...]
    where: BaseGeometry


def find_disagreements(
    conn: Connection, network: Network, before: Objects, after: Objects
) -> list[Disagreement]:
    """By network; `before` and `after`: the changed units' borders, WGS-84."""
    if not len(before) or not len(after):
        return []
    crs = metric_crs_of(before)
    old, new = (_lines(to_metres(shapes, crs)) for shapes in (before, after))
    gone = shapely.difference(old, shapely.buffer(new, AGREES_M, quad_segs=2))
    if gone.length < LEAST_M:
        return []
    found = []
    near = from_metres(geometry_column([shapely.buffer(gone, AGREES_M)]), crs)[0]
    for other in list_networks(conn):
        if other.id == network.id:
            continue
        codes, shapes = _beside(conn, other, near)
        if not len(codes):
            continue
        rings = shapely.boundary(to_metres(shapes, crs))
        lost = shapely.intersection(gone, shapely.buffer(rings, AGREES_M, quad_segs=2))
        touched = np.asarray(shapely.length(lost)) >= LEAST_M
        if touched.any():
            where = shapely.union_all(lost[touched])
            units = tuple(code for code, mine in zip(codes, touched.tolist(), strict=True) if mine)
            place = from_metres(geometry_column([where]), crs)[0]
            found.append(Disagreement(other.code, other.name, float(where.length), units, place))
    return found


def _lines(shapes: Objects) -> BaseGeometry:
    return shapely.union_all(shapely.boundary(shapes))


def _beside(conn: Connection, other: Network, near: BaseGeometry) -> tuple[Sequence[str], Objects]:
    """The lowest units of a network whose border touches a place: those without a unit below them."""
    child = unit_version.alias("child")
    stands = func.upper_inf(unit_version.c.valid) & func.upper_inf(unit_version.c.recorded)
    divided = (
        select(child.c.id)
        .where(child.c.parent_unit_id == unit_version.c.unit_id)
        .where(func.upper_inf(child.c.valid), func.upper_inf(child.c.recorded))
        .exists()
    )
    west, south, east, north = near.bounds
    box = func.ST_MakeEnvelope(west, south, east, north, 4326)
    query = (
        select(unit_version.c.code, func.ST_AsBinary(unit_version.c.geom).label("wkb"))
        .where(unit_version.c.network_id == other.id, stands, ~divided, unit_version.c.geom.op("&&")(box))
        .order_by(unit_version.c.code)
    )
    rows = conn.execute(query).all()
    shapes = geometry_column(shapely.from_wkb(bytes(row.wkb)) for row in rows)
    meets = shapely.intersects(shapes, near) if len(rows) else np.zeros(0, dtype=bool)
    return [row.code for row, mine in zip(rows, meets.tolist(), strict=True) if mine], shapes[meets]
