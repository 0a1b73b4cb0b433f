"""The report's map as SVG: units by class of their coverage, hatched where nothing is observed."""

from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func

from geo.metric import metric_crs_of, to_metres
from geo.tables import unit_version
from geo.units import select_versions
from reports.coverage.content import CoverageReport

Shapes = np.ndarray[Any, np.dtype[np.object_]]
COLOURS: Final = ("#00224e", "#434e6c", "#6b6d73", "#bcae6c", "#fee838")
"""Cividis in five steps, as the page has them."""
_LIMITS: Final = (0.2, 0.4, 0.6, 0.8)
_WIDTH: Final = 1000.0
_LINE: Final = "#7c8b9b"
_INK: Final = "#16202c"
_MOST_NAMES: Final = 60
_PAGE_MM: Final = (178, 120)
"""What the page has for the map."""
_LETTER_MM: Final = 2.7
_BARS_M: Final = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


def rank_of(share: float) -> int:
    """The class of a share, 0 the lowest."""
    return sum(share >= limit for limit in _LIMITS)


def draw_map(conn: Connection, report: CoverageReport) -> str:
    """All units told one by one, north up, in the local plane, with names where they are few, and a bar of scale."""
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
    high = (north - south) * scale
    size = f"0 0 {(east - west) * scale:.0f} {high + 40:.0f}"
    letter = _LETTER_MM / min(_PAGE_MM[0] / ((east - west) * scale), _PAGE_MM[1] / (high + 40))
    names = [units[unit_id].name or units[unit_id].code or "" for unit_id in found]
    hatch = (
        '<pattern id="none" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="6" height="6" fill="#ffffff"/><path d="M0 0V6" stroke="{_LINE}" stroke-width="1.5"/></pattern>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><defs>{hatch}</defs>'
        f'<g stroke="{_LINE}" stroke-width="0.6" fill-rule="evenodd">{"".join(paths)}</g>'
        f"{_names(names, shapes, (west, north, scale), letter)}{_bar(scale, high + 30, letter)}</svg>"
    )


def _names(names: Sequence[str], shapes: Shapes, frame: tuple[float, float, float], letter: float) -> str:
    """Each name with a light edge in its unit; none where they are so many that they would lie over one another."""
    if len(names) > _MOST_NAMES:
        return ""
    west, north, scale = frame
    at = shapely.get_coordinates(shapely.point_on_surface(shapes))
    texts = [
        f'<text x="{(x - west) * scale:.1f}" y="{(north - y) * scale:.1f}">{escape(name)}</text>'
        for name, (x, y) in zip(names, at.tolist(), strict=True)
    ]
    both = "".join(texts)
    look = f'font-family="Noto Sans SC" font-size="{letter:.1f}" text-anchor="middle" dominant-baseline="central"'
    edge = f'stroke="#ffffff" stroke-width="{letter / 4:.1f}" stroke-linejoin="round"'
    return f'<g {look} fill="#ffffff" {edge}>{both}</g><g {look} fill="{_INK}">{both}</g>'


def _bar(scale: float, y: float, letter: float) -> str:
    """The longest round length that takes at most a fifth of the width."""
    length_m = max((each for each in _BARS_M if each * scale <= _WIDTH / 5), default=_BARS_M[0])
    told = f"{length_m} m" if length_m < 1000 else f"{length_m // 1000} km"
    path = f"M2 {y - 6:.0f}V{y:.0f}H{2 + length_m * scale:.0f}V{y - 6:.0f}"
    return (
        f'<path d="{path}" fill="none" stroke="{_INK}" stroke-width="1.5"/>'
        f'<text x="{8 + length_m * scale:.0f}" y="{y:.0f}" font-family="Noto Sans SC" font-size="{letter:.1f}" fill="{_INK}">'
        f"{told}</text>"
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
