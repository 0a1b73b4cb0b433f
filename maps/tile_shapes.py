"""Units drawn for tiles: in web Mercator, simplified for each band of zooms together with their neighbours.

Simplifying a whole level as one coverage moves a shared border once, so that no gap opens between neighbours;
PostGIS before 3.4 has no function for it. Drawings are kept in the database, the few newest of each level.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select

from core.db import copy_rows
from geo.lookup import Snapshot
from maps.tables import tile_drawing, tile_shape

BANDS = (7, 9, 11, 13)
"""The top zooms of the simplified bands."""
EXACT = 30
"""The top zoom of the band above them, whose borders are as published."""
KEPT = 4
"""Drawings kept of each level and band; an older edition is drawn again when it is asked for."""

_EARTH_M = 20037508.342789244
_PIXEL_M = 2 * _EARTH_M / 512
_COLUMNS = ("drawing_id", "unit_version_id", "geom", "anchor")

Shapes = NDArray[np.object_]


def top_zoom_of(zoom: int) -> int:
    """The band that serves a zoom."""
    return next((band for band in BANDS if zoom <= band), EXACT)


@dataclass(frozen=True)
class Band:
    """A level on a ground (edition and instant), as drawn for the zooms up to `top_zoom`."""

    level: str
    ground: str
    top_zoom: int


def find_or_make_drawing(conn: Connection, snapshot: Snapshot, band: Band) -> int:
    """The id of the drawing of a band; drawn now when there is none, by one caller at a time."""
    network_id = snapshot.network.id
    key = {"network_id": network_id, "level": band.level, "ground": band.ground, "top_zoom": band.top_zoom}
    query = select(tile_drawing.c.id).filter_by(**key)
    found = conn.scalar(query)
    if found is None:
        lock = f"tile_drawing {network_id} {band.level} {band.top_zoom}"
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
        found = conn.scalar(query)
    if found is None:
        found = conn.execute(insert(tile_drawing).values(key).returning(tile_drawing.c.id)).scalar_one()
        _draw(conn, int(found), snapshot, band)
        _drop_old(conn, network_id, band)
    return int(found)


def _drop_old(conn: Connection, network_id: int, band: Band) -> None:
    table = tile_drawing.c
    same = (table.network_id == network_id, table.level == band.level, table.top_zoom == band.top_zoom)
    newest = select(table.id).where(*same).order_by(table.id.desc()).limit(KEPT)
    conn.execute(delete(tile_drawing).where(*same, table.id.not_in(newest)))


def _draw(conn: Connection, drawing_id: int, snapshot: Snapshot, band: Band) -> None:
    units = snapshot.units
    for kind in ("territorial", "dedicated"):
        rows = np.flatnonzero((units.level == band.level) & (units.kind == kind))
        if not len(rows):
            continue
        shapes = shapely.transform(units.geom[rows], to_mercator)
        if band.top_zoom != EXACT:
            shapes = simplify_together(shapes, _PIXEL_M / 2**band.top_zoom)
        listed = zip(units.version_id[rows].tolist(), _wkb(shapes), _wkb(_anchors(shapes)), strict=True)
        copy_rows(conn, tile_shape.name, _COLUMNS, ((drawing_id, *values) for values in listed))


def simplify_together(shapes: Shapes, tolerance_m: float) -> Shapes:
    """Neighbours simplified as one coverage; a shape that would vanish stays as it was."""
    simple = np.asarray(shapely.coverage_simplify(shapes, tolerance_m), dtype=object)
    return np.where(shapely.is_empty(simple) | ~shapely.is_valid(simple), shapes, simple)


def to_mercator(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """WGS-84 degrees as web Mercator metres (EPSG:3857)."""
    lat = np.radians(np.clip(xy[:, 1], -85.0511, 85.0511))
    return np.column_stack(
        [xy[:, 0] * (_EARTH_M / 180), np.log(np.tan(np.pi / 4 + lat / 2)) * (_EARTH_M / np.pi)]
    )


def _anchors(shapes: Shapes) -> Shapes:
    """The centroid where it lies inside, else a point that does."""
    centres = shapely.centroid(shapes)
    inside = shapely.contains_properly(shapes, centres)
    return np.where(inside, centres, shapely.point_on_surface(shapes))


def _wkb(shapes: Shapes) -> list[str]:
    wkb: list[str] = shapely.to_wkb(shapely.set_srid(shapes, 3857), hex=True, include_srid=True).tolist()
    return wkb
