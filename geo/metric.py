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
    turn = east - west
    if (np.abs(turn) > 180).any():
        turn = (turn + 180) % 360 - 180
    up, aside = (north - south) * along, turn * across
    return np.asarray(np.sqrt(up * up + aside * aside))


def metres_per_degree(lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How long a degree of longitude and one of latitude are at a latitude, on the ellipsoid."""
    sine = np.sin(np.radians(np.asarray(lat, dtype=np.float64))) ** 2
    bend = 1 - _GEOD.es * sine
    across = np.radians(_GEOD.a * np.sqrt((1 - sine) / bend))
    return across, np.radians(_GEOD.a * (1 - _GEOD.es) / (bend * np.sqrt(bend)))


def plane_xy(
    lon: ArrayLike, lat: ArrayLike, crs: pyproj.CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """WGS-84 positions in the plane `crs`: x east, y north, metres."""
    x, y = _transformer(_code(crs)).transform(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


_TILE_DEG = 1 / 32
_NODES = np.array([[x, y] for x in (-0.5, 0.0, 0.5) for y in (-0.5, 0.0, 0.5)])
_QUADRATIC = np.linalg.pinv(
    np.stack([np.ones(9), *_NODES.T, _NODES[:, 0] ** 2, _NODES.prod(axis=1), _NODES[:, 1] ** 2], 1)
)


def plane_xy_of_many(
    lon: ArrayLike, lat: ArrayLike, crs: pyproj.CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As `plane_xy` to a tenth of a millimetre below 70° latitude, far quicker for many positions of a few places.

    By a quadratic in each tile of 1/32°, so that a position's place does not hang on the others asked for with it.
    """
    across, up = np.asarray(lon, np.float64) / _TILE_DEG, np.asarray(lat, np.float64) / _TILE_DEG
    if not len(across):
        return across, up
    column, row = np.floor(across), np.floor(up)
    west, south = column.min(), row.min()
    height = int(row.max() - south) + 1
    key = ((column - west) * height + (row - south)).astype(np.int64)
    tiles, tile = _used(key, int(column.max() - west + 1) * height)
    middle = np.stack([tiles // height + west, tiles % height + south], 1) + 0.5
    nodes = (middle[:, None] + _NODES) * _TILE_DEG
    by_tile = [
        (side.reshape(-1, 1, 9) * _QUADRATIC)
        .sum(axis=2)
        .T  # a product of matrices rounds by how many tiles there are
        for side in plane_xy(nodes[..., 0].ravel(), nodes[..., 1].ravel(), crs)
    ]
    u, v = across - column - 0.5, up - row - 0.5
    x, y = (
        flat[tile] + u * (east[tile] + u * bend[tile] + v * twist[tile]) + v * (north[tile] + v * rise[tile])
        for flat, east, north, bend, twist, rise in by_tile
    )
    return x, y


def _used(key: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different keys, ascending, and the place of each among them; keys are below `width`."""
    if width > len(key) + 1_000_000:
        return np.unique(key, return_inverse=True)
    there = np.zeros(width, np.bool_)
    there[key] = True
    known = np.flatnonzero(there)
    number = np.empty(width, np.int64)
    number[known] = np.arange(len(known))
    return known, number[key]


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
