"""Metres: the local plane for areas, widths and buffers, geodesic distances, and the grid that borders are kept on."""

from functools import cache

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.coordinates import in_china

GRID_DEG = 1e-7
"""Stored coordinates are whole multiples of this, about 1 cm."""

_DECIMALS = 7
_GEOD = pyproj.Geod(ellps="WGS84")


def metric_crs(lon: float, lat: float) -> pyproj.CRS:
    """The plane around a WGS-84 position: the CGCS2000 3° zone inside China, the UTM zone elsewhere."""
    if bool(in_china(lon, lat)):
        return _crs(4534 + min(max(round((lon - 75) / 3), 0), 20))
    zone = min(int((lon + 180) // 6) + 1, 60)
    return _crs((32600 if lat >= 0 else 32700) + zone)


def metric_crs_of(geometries: ArrayLike) -> pyproj.CRS:
    """The plane around the middle of the bounding box of these WGS-84 geometries."""
    west, south, east, north = shapely.total_bounds(np.asarray(geometries, dtype=object))
    return metric_crs((west + east) / 2, (south + north) / 2)


def to_metres(geometries: ArrayLike, crs: pyproj.CRS) -> NDArray[np.object_]:
    """WGS-84 geometries as new ones in the plane `crs`: x east, y north, metres."""
    return _moved(geometries, _transformer(_code(crs)))


def from_metres(geometries: ArrayLike, crs: pyproj.CRS) -> NDArray[np.object_]:
    """The inverse of `to_metres`; not snapped."""
    return _moved(geometries, _transformer(_code(crs), inverse=True))


def snap(geometries: ArrayLike) -> NDArray[np.object_]:
    """WGS-84 geometries with every coordinate rounded to GRID_DEG.

    Vertices that neighbours share stay shared. A valid polygon that the rounding made invalid (a spike thinner than
    the grid) is noded again on the grid; an invalid one stays as it is, for the validator to find.
    """
    shapes = np.atleast_1d(np.asarray(geometries, dtype=object))
    snapped = np.asarray(shapely.transform(shapes, lambda xy: np.round(xy, _DECIMALS)), dtype=object)
    broken = shapely.is_valid(shapes) & ~shapely.is_valid(snapped)
    snapped[broken] = shapely.set_precision(shapes[broken], GRID_DEG)
    return snapped.reshape(np.shape(geometries))


def distance_m(lon: ArrayLike, lat: ArrayLike, to_lon: ArrayLike, to_lat: ArrayLike) -> NDArray[np.float64]:
    """Geodesic distance in metres between WGS-84 positions, element by element (arrays broadcast)."""
    values = (np.asarray(value, dtype=np.float64) for value in (lon, lat, to_lon, to_lat))
    west, south, east, north = np.broadcast_arrays(*values)
    _, _, metres = _GEOD.inv(west, south, east, north)
    return np.asarray(metres, dtype=np.float64)


def short_distance_m(
    lon: ArrayLike, lat: ArrayLike, to_lon: ArrayLike, to_lat: ArrayLike
) -> NDArray[np.float64]:
    """As `distance_m` for steps of people: 1e-6 of it up to 1 km, 1e-4 up to 50 km below 70° latitude; far quicker.

    By the ellipsoid's two radii of curvature at the middle latitude.
    """
    west, south, east, north = (np.asarray(value, dtype=np.float64) for value in (lon, lat, to_lon, to_lat))
    across, along = metres_per_degree((south + north) / 2)
    return np.hypot((north - south) * along, ((east - west + 180) % 360 - 180) * across)


def metres_per_degree(lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How long a degree of longitude and one of latitude are at a latitude, on the ellipsoid."""
    sine = np.sin(np.radians(np.asarray(lat, dtype=np.float64))) ** 2
    bend = 1 - _GEOD.es * sine
    across = np.radians(_GEOD.a * np.sqrt((1 - sine) / bend))
    return across, np.radians(_GEOD.a * (1 - _GEOD.es) / bend**1.5)


def plane_xy(
    lon: ArrayLike, lat: ArrayLike, crs: pyproj.CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """WGS-84 positions in the plane `crs`: x east, y north, metres."""
    x, y = _transformer(_code(crs)).transform(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def _moved(geometries: ArrayLike, transformer: pyproj.Transformer) -> NDArray[np.object_]:
    def project(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(np.asarray(geometries, dtype=object), project), dtype=object)


def _code(crs: pyproj.CRS) -> int:
    code = crs.to_epsg()
    if code is None:
        raise ValueError("a plane made by metric_crs has an EPSG code")
    return code


@cache
def _crs(code: int) -> pyproj.CRS:
    return pyproj.CRS.from_epsg(code)


@cache
def _transformer(code: int, *, inverse: bool = False) -> pyproj.Transformer:
    pair = (code, 4326) if inverse else (4326, code)
    return pyproj.Transformer.from_crs(*pair, always_xy=True)
