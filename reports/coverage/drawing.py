"""The report's map as SVG: units by class of their coverage, hatched where nothing is observed."""

from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func

from geo.metric import metric_crs_of, to_metres
from geo.tables import unit_version
from geo.units import select_versions
from reports.coverage.content import CoverageReport

COLOURS: Final = ("#00224e", "#434e6c", "#6b6d73", "#bcae6c", "#fee838")
"""Cividis in five steps, as the page has them."""
_LIMITS: Final = (0.2, 0.4, 0.6, 0.8)
_WIDTH: Final = 1000.0
_LINE: Final = "#7c8b9b"


def rank_of(share: float) -> int:
    """The class of a share, 0 the lowest."""
    return sum(share >= limit for limit in _LIMITS)


def draw_map(conn: Connection, report: CoverageReport) -> str:
    """All units told one by one, north up, in the local plane."""
    units = {unit.unit_id: unit for unit in report.rows if unit.unit_id is not None}
    border = func.ST_AsBinary(unit_version.c.geom).label("wkb")
    rows = conn.execute(select_versions(list(units), border, at=report.coverage.asked.at))
    found = {row.unit_id: bytes(row.wkb) for row in rows}
    if not found:
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} 1"/>'
    shapes = np.asarray(shapely.from_wkb(list(found.values())), dtype=object)
    shapes = to_metres(shapes, metric_crs_of(shapes))
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    scale = _WIDTH / max(east - west, north - south, 1)
    shapes = shapely.simplify(shapes, 0.5 / scale)
    paths = [
        f'<path d="{_path(shape, west, north, scale)}" fill="{_fill(units[unit_id].figures["area"].share)}"/>'
        for unit_id, shape in zip(found, shapes, strict=True)
    ]
    size = f"0 0 {(east - west) * scale:.0f} {(north - south) * scale:.0f}"
    hatch = (
        '<pattern id="none" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="#ffffff"/><path d="M0 0V6" stroke="{_LINE}" stroke-width="1.5"/></pattern>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><defs>{hatch}</defs>'
        f'<g stroke="{_LINE}" stroke-width="0.6" fill-rule="evenodd">{"".join(paths)}</g></svg>'
    )


def _fill(share: float | None) -> str:
    return "url(#none)" if share is None else COLOURS[rank_of(share)]


def _path(shape: BaseGeometry, west: float, north: float, scale: float) -> str:
    rings = shapely.get_rings(shapely.get_parts(shape))
    steps = []
    for ring in rings:
        xy = shapely.get_coordinates(ring)
        points = (f"{(x - west) * scale:.1f} {(north - y) * scale:.1f}" for x, y in xy.tolist())
        steps.append("M" + "L".join(points) + "Z")
    return "".join(steps)
