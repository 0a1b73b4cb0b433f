"""H3 cells: the hexagons that hotspots and coverage are counted on. The only file that knows h3.

Cells are uint64 numbers; arrays of cells are sorted where this file makes them. 0 is no cell.
"""

import math

import h3.api.numpy_int as h3
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

Cells = NDArray[np.uint64]
_STRIDE = 8
_M_PER_DEG = 111_320.0


def cells_of(lon: ArrayLike, lat: ArrayLike, resolution: int) -> Cells:
    """The cell of each WGS-84 position, 0 where it is no position."""
    lon, lat = np.asarray(lon, np.float64).ravel(), np.asarray(lat, np.float64).ravel()
    with np.errstate(invalid="ignore"):
        there = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    cells = np.zeros(len(lon), np.uint64)
    places = zip(lat[there].tolist(), lon[there].tolist(), strict=True)
    cells[there] = np.fromiter((h3.latlng_to_cell(*place, resolution) for place in places), np.uint64)
    return cells


def cells_along(lon: ArrayLike, lat: ArrayLike, resolution: int) -> Cells:
    """As `cells_of`, quicker where positions that follow one another lie close: a cell is asked for at every eighth, and
    what lies in the circle inside that cell or the next one asked for has the same one.
    """
    lon, lat = np.asarray(lon, np.float64).ravel(), np.asarray(lat, np.float64).ravel()
    asked = cells_of(lon[::_STRIDE], lat[::_STRIDE], resolution)
    known, number = np.unique(asked, return_inverse=True)
    real = known != 0
    west, south, radius = np.zeros(len(known)), np.zeros(len(known)), np.zeros(len(known))
    west[real], south[real], radius[real] = _inscribed(known[real])
    scale = np.cos(np.radians(south))
    cells, rest = np.zeros(len(lon), np.uint64), np.arange(len(lon))
    for ahead in (0, 1):
        near = number[np.minimum(rest // _STRIDE + ahead, len(asked) - 1)] if len(rest) else rest
        east_m = (lon[rest] - west[near]) * _M_PER_DEG * scale[near]
        away_m = np.hypot(east_m, (lat[rest] - south[near]) * _M_PER_DEG)
        inside = away_m < radius[near] * 0.98  # a degree is not of quite one length
        cells[rest[inside]] = known[near[inside]]
        rest = rest[~inside]
    cells[rest] = cells_of(lon[rest], lat[rest], resolution)
    return cells


def _inscribed(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lon and lat of each cell's centre, and metres from there to the nearest border."""
    lon, lat = cell_centres(cells)
    xy, of = shapely.get_coordinates(cell_polygons(cells), return_index=True)
    scale = np.stack([np.cos(np.radians(lat)), np.ones(len(lat))], 1)[of] * _M_PER_DEG
    xy = (xy - np.stack([lon, lat], 1)[of]) * scale
    same = of[1:] == of[:-1]
    begin, end = xy[:-1][same], xy[1:][same]
    away = np.abs(begin[:, 0] * end[:, 1] - begin[:, 1] * end[:, 0]) / np.hypot(*(end - begin).T)
    owner = of[:-1][same]
    return (
        lon,
        lat,
        np.minimum.reduceat(away, np.searchsorted(owner, np.arange(len(lon)))) if len(lon) else lon,
    )


def cells_covering(geometry: BaseGeometry, resolution: int, *, only_centres: bool = False) -> Cells:
    """The cells that touch a WGS-84 polygon or multipolygon, or only those whose centre lies in it."""
    if geometry.is_empty:
        return np.empty(0, np.uint64)
    shape = h3.geo_to_h3shape(geometry)
    found = h3.h3shape_to_cells_experimental(shape, resolution, "center" if only_centres else "overlap")
    return np.unique(np.asarray(found, np.uint64))


def cell_polygons(cells: ArrayLike) -> NDArray[np.object_]:
    """The outline of each cell, WGS-84."""
    rings = [h3.cell_to_boundary(cell) for cell in _whole(cells)]
    if not rings:
        return np.empty(0, dtype=object)
    corners = np.array([corner for ring in rings for corner in ring], np.float64)[:, ::-1]
    lines = shapely.linearrings(
        corners, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    )
    return np.asarray(shapely.polygons(lines), dtype=object)


def cell_centres(cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lon and lat of each cell's centre, WGS-84."""
    places = np.array([h3.cell_to_latlng(cell) for cell in _whole(cells)], np.float64).reshape(-1, 2)
    return places[:, 1].copy(), places[:, 0].copy()


def neighbours(cells: ArrayLike, *, steps: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of positions in `cells` that lie up to `steps` cells apart, both ways, no cell with itself.

    `cells` holds each cell once, in any order; pairs are sorted.
    """
    known = np.asarray(cells, np.uint64).ravel()
    order = np.argsort(known)
    disks = [np.asarray(h3.grid_disk(cell, steps), np.uint64) for cell in _whole(known)]
    start = np.repeat(np.arange(len(known)), [len(disk) for disk in disks])
    around = np.concatenate([np.empty(0, np.uint64), *disks])
    slot = np.searchsorted(known, around, sorter=order)
    end = order[np.minimum(slot, len(known) - 1)] if len(known) else np.empty(0, np.int64)
    kept = (known[end] == around) & (end != start)
    start, end = start[kept].astype(np.int64), end[kept].astype(np.int64)
    by_pair = np.lexsort((end, start))
    return start[by_pair], end[by_pair]


def cell_area_m2(cells: ArrayLike) -> NDArray[np.float64]:
    """The area of each cell on the sphere, m²."""
    return np.array([h3.cell_area(cell, unit="m^2") for cell in _whole(cells)], np.float64)


def cell_inradius_m(resolution: int) -> float:
    """Half the width of a cell of this resolution, on average over the globe."""
    return float(h3.average_hexagon_edge_length(resolution, unit="m")) * math.sqrt(3) / 2


def cell_name(cell: int) -> str:
    """The cell as others write it: hexadecimal."""
    return str(h3.int_to_str(int(cell)))


def _whole(cells: ArrayLike) -> list[int]:
    return np.asarray(cells, np.uint64).ravel().tolist()
