"""Units drawn for tiles: in web Mercator, simplified for each band of zooms together with their neighbours.

Simplifying a whole level as one coverage moves a shared border once, so that no gap opens between neighbours;
PostGIS before 3.4 has no function for it. Drawings are kept in the database, the few newest of each level.
"""

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
"""Drawings kept of each level; an older edition is drawn again when it is asked for."""

_EARTH_M = 20037508.342789244
_PIXEL_M = 2 * _EARTH_M / 512
_COLUMNS = ("drawing_id", "top_zoom", "unit_version_id", "geom", "anchor")

Shapes = NDArray[np.object_]


def top_zoom_of(zoom: int) -> int:
    """The band that serves a zoom."""
    return next((band for band in BANDS if zoom <= band), EXACT)


def find_or_make_drawing(conn: Connection, snapshot: Snapshot, level: str, *, ground: str) -> int:
    """The id of the drawing of a level on `ground`; drawn now when there is none, by one caller at a time."""
    network_id = snapshot.network.id
    chosen = (tile_drawing.c.network_id == network_id, tile_drawing.c.level == level)
    query = select(tile_drawing.c.id).where(*chosen, tile_drawing.c.ground == ground)
    found = conn.scalar(query)
    if found is None:
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"tile_drawing {network_id} {level}"))))
        found = conn.scalar(query)
    if found is None:
        made = insert(tile_drawing).values(network_id=network_id, level=level, ground=ground)
        found = conn.execute(made.returning(tile_drawing.c.id)).scalar_one()
        _draw(conn, int(found), snapshot, level)
        newest = select(tile_drawing.c.id).where(*chosen).order_by(tile_drawing.c.id.desc()).limit(KEPT)
        conn.execute(delete(tile_drawing).where(*chosen, tile_drawing.c.id.not_in(newest)))
    return int(found)


def _draw(conn: Connection, drawing_id: int, snapshot: Snapshot, level: str) -> None:
    units = snapshot.units
    for kind in ("territorial", "dedicated"):
        rows = np.flatnonzero((units.level == level) & (units.kind == kind))
        if not len(rows):
            continue
        exact = shapely.transform(units.geom[rows], to_mercator)
        anchors = _wkb(_anchors(exact))
        versions = units.version_id[rows].tolist()
        for band in (*BANDS, EXACT):
            shapes = _wkb(exact if band == EXACT else simplify_together(exact, _PIXEL_M / 2**band))
            listed = zip(versions, shapes, anchors, strict=True)
            copy_rows(conn, tile_shape.name, _COLUMNS, ((drawing_id, band, *values) for values in listed))


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
