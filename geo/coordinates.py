"""Coordinate systems of Chinese maps: GCJ-02 and BD-09 to WGS-84 and back, vectorised, and CGCS2000.

GCJ-02 shifts WGS-84 by 120 to 680 m; BD-09 shifts GCJ-02 again by about 1 km. Both formulas are the ones in
common use (first published as `EvilTransform`, 2013). The inverses are solved by fixed-point iteration, exact to
well below 1 cm. CGCS2000 and WGS-84 agree within centimetres, so degrees of one are taken for the other.

Outside mainland China nothing is shifted. The outline is `china.json`, where its making is described.
"""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError, ProjError

from core.errors import Invalid

Floats = NDArray[np.float64]
LonLat = tuple[Floats, Floats]

CHINESE = ("wgs84", "gcj02", "bd09", "cgcs2000")
"""The systems known by name; any other is EPSG:n."""

_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BD_STEP = np.pi * 3000 / 180
_STEPS = 8
"""Fixed-point steps: each makes the error about 1,000 times smaller; four suffice."""


@cache
def china_outline() -> shapely.MultiPolygon:
    """Where maps are shifted: mainland China and the sea close to it, WGS-84, good to about 400 m; prepared."""
    stored = json.loads((files("geo") / "china.json").read_text("utf-8"))
    polygons = [
        shapely.Polygon(shell, holes)
        for shell, *holes in (
            [np.array(ring).reshape(-1, 2).cumsum(axis=0) * stored["unit_deg"] for ring in rings]
            for rings in stored["polygons"]
        )
    ]
    outline = shapely.MultiPolygon(polygons)
    shapely.prepare(outline)
    return outline


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Which WGS-84 positions lie where GCJ-02 and BD-09 are in use."""
    inside: NDArray[np.bool_] = shapely.contains_xy(
        china_outline(), np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    )
    return inside


def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> LonLat:
    """Positions of `crs` (a name of CHINESE or EPSG:n; there lon is x, lat is y) as WGS-84 degrees; NaN stays NaN."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    crs = read_crs(crs)
    if crs in _FORWARD:
        unshifted = _unshifted(lon, lat, crs)
        shifted = in_china(*unshifted)
        return np.where(shifted, unshifted[0], lon), np.where(shifted, unshifted[1], lat)
    return _transformed(lon, lat, crs, "wgs84")


def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> LonLat:
    """WGS-84 degrees as positions of `crs`: the inverse of `to_wgs84`."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    crs = read_crs(crs)
    if crs in _FORWARD:
        shifted = in_china(lon, lat)
        moved_lon, moved_lat = lon.copy(), lat.copy()
        moved_lon[shifted], moved_lat[shifted] = _FORWARD[crs](lon[shifted], lat[shifted])
        return moved_lon, moved_lat
    return _transformed(lon, lat, "wgs84", crs)


def convert_geometries(geometries: ArrayLike, crs: str) -> NDArray[np.object_]:
    """Geometries of `crs` as new ones in WGS-84; None stays None.

    A geometry with most of its vertices in China is shifted whole, so that no border is torn along the outline.
    """
    shapes = np.asarray(geometries, dtype=object)
    crs = read_crs(crs)
    if crs in ("wgs84", "cgcs2000") or shapes.size == 0:
        return shapes
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    if crs not in _FORWARD:
        return _with_coordinates(shapes, np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], crs)))
    unshifted = np.column_stack(_unshifted(xy[:, 0], xy[:, 1], crs))
    inside = np.bincount(owner, in_china(unshifted[:, 0], unshifted[:, 1]), minlength=shapes.size)
    mostly = 2 * inside >= np.bincount(owner, minlength=shapes.size)
    return _with_coordinates(shapes, np.where(mostly[owner, None], unshifted, xy))


def read_crs(crs: str) -> str:
    """The system's name as kept in records: one of CHINESE, EPSG:n or WKT; Invalid with what may be said."""
    name = crs.strip()
    plain = name.lower().replace("-", "").replace("_", "")
    if plain in CHINESE:
        return plain
    if plain in ("epsg:4326", "ogc:crs84"):
        return "wgs84"
    if plain == "epsg:4490":
        return "cgcs2000"
    return _read_other_crs(name)


@cache
def _read_other_crs(name: str) -> str:
    try:
        known = pyproj.CRS.from_user_input(name)
    except CRSError as error:
        raise Invalid(f"“{name[:80]}” is no CRS: write {', '.join(CHINESE)} or EPSG:n") from error
    if known.is_vertical or known.is_geocentric or not known.axis_info:
        raise Invalid(f"“{name[:80]}” is no CRS of a map: write {', '.join(CHINESE)} or EPSG:n")
    authority = known.to_authority(min_confidence=70)
    code = f"{authority[0]}:{authority[1]}" if authority else name
    return {"EPSG:4326": "wgs84", "OGC:CRS84": "wgs84", "EPSG:4490": "cgcs2000"}.get(code, code)


def _transformed(x: Floats, y: Floats, source: str, target: str) -> LonLat:
    """Between any two unshifted systems; what cannot be transformed becomes NaN."""
    names = {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4326"}
    source, target = names.get(source, source), names.get(target, target)
    if source == target:
        return x.copy(), y.copy()
    try:
        moved = _transformer(source, target).transform(x, y)
    except ProjError as error:
        raise Invalid(f"no way is known from {source[:80]} to {target[:80]}") from error
    east, north = (np.where(np.isfinite(axis), axis, np.nan) for axis in moved)
    return east, north


@cache
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _with_coordinates(shapes: NDArray[np.object_], xy: Floats) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(shapes, lambda _old: xy), dtype=object)


def _wgs84_to_gcj02(lon: Floats, lat: Floats) -> LonLat:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    latitude = np.radians(lat)
    flat = 1.0 - _ECCENTRICITY2 * np.sin(latitude) ** 2
    meridian_m = np.radians(_AXIS_M * (1.0 - _ECCENTRICITY2) / (flat * np.sqrt(flat)))
    parallel_m = np.radians(_AXIS_M / np.sqrt(flat) * np.cos(latitude))
    return lon + east / parallel_m, lat + north / meridian_m


def _gcj02_to_bd09(lon: Floats, lat: Floats) -> LonLat:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_STEP)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_STEP)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _wgs84_to_bd09(lon: Floats, lat: Floats) -> LonLat:
    return _gcj02_to_bd09(*_wgs84_to_gcj02(lon, lat))


_FORWARD: dict[str, Callable[[Floats, Floats], LonLat]] = {"gcj02": _wgs84_to_gcj02, "bd09": _wgs84_to_bd09}


def _unshifted(lon: Floats, lat: Floats, crs: str) -> LonLat:
    """The positions that the shift of `crs` moves to (lon, lat); those far from China stay."""
    west, south, east, north = shapely.bounds(china_outline())
    near = (lon > west - 1) & (lon < east + 1) & (lat > south - 1) & (lat < north + 1)
    unshifted_lon, unshifted_lat = lon.copy(), lat.copy()
    unshifted_lon[near], unshifted_lat[near] = _solve(_FORWARD[crs], lon[near], lat[near])
    return unshifted_lon, unshifted_lat


def _solve(forward: Callable[[Floats, Floats], LonLat], lon: Floats, lat: Floats) -> LonLat:
    """The inverse of `forward` by fixed-point iteration."""
    east, north = lon, lat
    for _ in range(_STEPS):
        moved = forward(east, north)
        step_east, step_north = lon - moved[0], lat - moved[1]
        east, north = east + step_east, north + step_north
        if max(np.abs(step_east).max(initial=0), np.abs(step_north).max(initial=0)) < 1e-11:
            break
    return east, north
