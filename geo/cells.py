"""H3 cells: the hexagons that hotspots and coverage are counted on. The only file that knows h3.

Cells are uint64 numbers; arrays of cells are sorted where this file makes them. 0 is no cell.
"""

import math
from functools import cache

import h3.api.numpy_int as h3
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.lattice import lattice_of

Cells = NDArray[np.uint64]
_MARGIN = 0.001
"""Positions so near to a border, in widths of a cell, are left to H3 itself: its own rounding is far smaller."""
_BITS = 25
"""Steps along an axis of the lattice, of either sign, at the finest resolution."""
_BORDER = -(1 << 62)
_FEW = 64
_DENSE = 1 << 20


def cells_of(lon: ArrayLike, lat: ArrayLike, resolution: int) -> Cells:
    """The cell of each WGS-84 position, 0 where it is no position.

    H3 is asked for one position of each hexagon of the lattice, and for those on a border.
    """
    lon, lat = np.asarray(lon, np.float64).ravel(), np.asarray(lat, np.float64).ravel()
    with np.errstate(invalid="ignore"):
        there = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if len(lon) < _FEW or not there.any():
        return _asked(lon, lat, there, resolution)
    if not there.all():
        cells = np.zeros(len(lon), np.uint64)
        rows = np.flatnonzero(there)
        cells[rows] = cells_of(lon[rows], lat[rows], resolution)
        return cells
    placed = lattice_of(_corners(), resolution).place(lon, lat, margin=_MARGIN)
    clear = np.flatnonzero(placed.clear)
    cells = np.zeros(len(lon), np.uint64)
    one, number = _distinct([each[clear] for each in (placed.face, placed.a, placed.b)])
    one = clear[one]
    cells[clear] = _asked(lon[one], lat[one], there[one], resolution)[number]
    rest = np.flatnonzero(~placed.clear)
    cells[rest] = _asked(lon[rest], lat[rest], there[rest], resolution)
    return cells


class CellRows:
    """Finds which of some cells, all of one resolution, ascending, holds each position; H3 itself is asked about few."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._resolution = h3.get_resolution(int(cells[0]))
        number = self._number(*cell_centres(cells))
        self._row = np.argsort(number)
        self._known = number[self._row]

    def _number(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """One for each hexagon of the lattice, _BORDER for positions on a border."""
        placed = lattice_of(_corners(), self._resolution).place(lon, lat, margin=_MARGIN)
        number = ((placed.face << _BITS) + placed.a << _BITS) + placed.b
        return np.where(placed.clear, number, _BORDER)

    def find(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """The row of each WGS-84 position's cell, -1 where it is none of these. Those that follow one another in one cell
        are looked up once.
        """
        if not len(lon):
            return np.empty(0, np.int64)
        number = self._number(lon, lat)
        opens = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
        place = np.minimum(np.searchsorted(self._known, number[opens]), len(self._known) - 1)
        found = np.where(self._known[place] == number[opens], self._row[place], -1)
        row = np.repeat(found, np.diff(np.append(opens, len(lon))))
        rest = np.flatnonzero(row < 0)
        cell = cells_of(lon[rest], lat[rest], self._resolution)
        slot = np.minimum(np.searchsorted(self._cells, cell), len(self._cells) - 1)
        row[rest] = np.where(self._cells[slot] == cell, slot, -1)
        return row


def _asked(
    lon: NDArray[np.float64], lat: NDArray[np.float64], there: NDArray[np.bool_], resolution: int
) -> Cells:
    cells = np.zeros(len(lon), np.uint64)
    places = zip(lat[there].tolist(), lon[there].tolist(), strict=True)
    cells[there] = np.fromiter((h3.latlng_to_cell(*place, resolution) for place in places), np.uint64)
    return cells


def _distinct(columns: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row of each different combination, and for each row the place of its combination among those."""
    key, width = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        least = int(column.min(initial=0))
        span = int(column.max(initial=0)) - least + 1
        key, width = key * span + (column - least), width * span
    if width > max(_DENSE, len(key)):
        _, one, number = np.unique(key, return_index=True, return_inverse=True)
        return one, number
    row = np.full(width, -1)
    row[key] = np.arange(len(key))
    known = np.flatnonzero(row >= 0)
    number = np.empty(width, np.int64)
    number[known] = np.arange(len(known))
    return row[known], number[key]


@cache
def _corners() -> tuple[tuple[float, float], ...]:
    """Lon and lat of the icosahedron's corners: the middles of the twelve pentagons."""
    places = (h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0))
    return tuple((lon, lat) for lat, lon in places)


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
