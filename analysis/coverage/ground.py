"""The ground as coverage sees it: pieces (what of a cell lies in a unit) with weights, streets, doors and sites.

Made by `analysis.coverage.survey` from what `geo.walkable` keeps, or drawn by hand in a test. Shapes are in metres of `crs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from analysis.coverage.crossings import Borders
from analysis.coverage.fixes import Bools, Fixes, Floats, Ints, Shapes
from analysis.coverage.plane.squares import Places, Squares, places_of
from geo.cells import CellRows, cell_polygons, cells_covering, neighbours
from geo.metric import from_metres, plane_xy_of_many, to_metres


@dataclass(frozen=True)
class Pieces:
    """`unit`: row of the units. `shape`: what of the cell (and of slivers that joined it) lies in the unit.

    `cell_key`, `unit_key`, `piece_key`: which piece holds the positions of a cell in a unit, ascending by cell, unit.
    """

    unit: Ints
    cell: NDArray[np.uint64]
    shape: Shapes = field(repr=False)
    area_cm2: Ints
    cell_key: NDArray[np.uint64]
    unit_key: Ints
    piece_key: Ints

    def __len__(self) -> int:
        return len(self.unit)

    @cached_property
    def borders(self) -> Borders:
        """Made once for all days of the ground."""
        return Borders(self.shape)

    @cached_property
    def _keys(self) -> tuple[CellRows, int, Ints]:
        """The different cells, how many units there may be, and a key of each cell and unit, ascending."""
        cells, slot = np.unique(self.cell_key, return_inverse=True)
        width = int(self.unit_key.max(initial=-1)) + 1
        return CellRows(cells), width, slot * width + self.unit_key

    def find(self, lon: Floats, lat: Floats, unit: Ints) -> Ints:
        """The piece of each WGS-84 position by its cell and unit, -1 where there is none. Those that follow one another and
        have the same are looked up once.
        """
        piece = np.full(len(lon), -1)
        if not len(self.piece_key) or not len(lon):
            return piece
        if (unit < 0).any():  # nobody looks for the cells of what lies elsewhere
            there = np.flatnonzero(unit >= 0)
            piece[there] = self.find(lon[there], lat[there], unit[there])
            return piece
        cells, width, keys = self._keys
        slot = cells.find(lon, lat)
        opens = np.flatnonzero(np.concatenate([[True], (slot[1:] != slot[:-1]) | (unit[1:] != unit[:-1])]))
        slot, unit, count = slot[opens], unit[opens], np.diff(np.append(opens, len(lon)))
        wanted = np.where((slot >= 0) & (unit < width), slot * width + unit, -1)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.repeat(np.where(keys[place] == wanted, self.piece_key[place], -1), count)


@dataclass(frozen=True)
class Targets:
    """Points to be passed: doors, or the middles of short stretches of street. `weight`: households, or millimetres.

    `name`: the address, or that of the street, where it was read.
    """

    unit: Ints
    x: Floats
    y: Floats
    weight: Ints
    name: Shapes | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.unit)

    @cached_property
    def places(self) -> Places:
        return places_of(self.x, self.y)

    @cached_property
    def squares(self) -> Squares:
        """Made once for all days of the ground."""
        return Squares(self.places, self.places)


@dataclass(frozen=True)
class Sites:
    """Places that have to be visited: `visits` times in `days` days, each time for `least_s`. `shape` with its margin.

    `name`: of each, where they were read.
    """

    code: tuple[str, ...]
    unit: Ints
    shape: Shapes = field(repr=False)
    visits: Ints
    days: Ints
    least_s: Ints
    name: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.code)

    @cached_property
    def squares(self) -> Squares:
        """Made once for all days of the ground."""
        west, south, east, north = np.asarray(shapely.bounds(self.shape), np.float64).reshape(-1, 4).T
        return Squares(places_of(west, south), places_of(east, north))


@dataclass(frozen=True)
class Ground:
    """The ground of one network at one instant. `units`: codes of its deepest units. `observed`: somebody tracked serves."""

    crs: pyproj.CRS
    units: tuple[str, ...]
    observed: Bools
    pieces: Pieces
    streets: Targets
    doors: Targets
    sites: Sites

    def places_of(self, fixes: Fixes) -> Places:
        """The fixes in the plane."""
        return places_of(*plane_xy_of_many(fixes.lon, fixes.lat, self.crs))


NO_TARGETS = Targets(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64))
NO_SITES = Sites(
    (),
    np.empty(0, np.int64),
    np.empty(0, object),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
)


@dataclass(frozen=True)
class Walkable:
    """What bounds walking, in metres: where streets are known only what is near them is walked, and never on `barred`."""

    barred: Any = None
    near_streets: Any = None


def cut_pieces(
    shapes: Sequence[Any],
    crs: pyproj.CRS,
    resolution: int,
    *,
    walkable: Mapping[int, Walkable],
    sliver: float,
) -> Pieces:
    """The pieces of units, whose `shapes` are WGS-84. A piece smaller than `sliver` of its cell joins its largest
    neighbour of the same unit. `walkable`: by row of the unit; a unit without an entry is walkable all over.
    """
    covering = [cells_covering(shape, resolution) for shape in shapes]
    unit = np.repeat(np.arange(len(shapes)), [len(each) for each in covering])
    cell = np.concatenate([np.empty(0, np.uint64), *covering])
    known, number = np.unique(cell, return_inverse=True)
    hexagons = to_metres(cell_polygons(known), crs) if len(known) else np.empty(0, object)
    grounds = to_metres(np.array(list(shapes), object), crs) if len(shapes) else np.empty(0, object)
    shapely.prepare(grounds)
    shape = shapely.intersection(hexagons[number], grounds[unit])
    area = shapely.area(shape)
    real = area > 0
    unit, cell, shape, area, number = unit[real], cell[real], shape[real], area[real], number[real]
    host = _hosts(unit, known, number, area, small=area < sliver * shapely.area(hexagons)[number])
    kept, piece = np.unique(host, return_inverse=True)
    merged = _merge(shape, host, kept)
    order = np.lexsort((unit, cell))
    return Pieces(
        unit=unit[kept],
        cell=cell[kept],
        shape=merged,
        area_cm2=_walkable_cm2(merged, unit[kept], walkable),
        cell_key=cell[order],
        unit_key=unit[order],
        piece_key=piece[order].astype(np.int64),
    )


def _hosts(unit: Ints, known: NDArray[np.uint64], number: Ints, area: Floats, *, small: Bools) -> Ints:
    """For each piece the row of the one it belongs to: itself, or for a sliver the largest beside it in its unit.

    `number`: row in `known` of the piece's cell.
    """
    host = np.arange(len(unit))
    start, end = neighbours(known)
    slivers = np.flatnonzero(small)
    first, last = np.searchsorted(start, number[slivers]), np.searchsorted(start, number[slivers], "right")
    guest = np.repeat(slivers, last - first)
    step = np.arange(len(guest)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    beside = end[np.repeat(first, last - first) + step]
    keys, full = unit * len(known) + number, np.flatnonzero(~small)
    full = full[np.argsort(keys[full])]
    if not len(full) or not len(guest):
        return host
    wanted = unit[guest] * len(known) + beside
    place = full[np.minimum(np.searchsorted(keys[full], wanted), len(full) - 1)]
    found = np.flatnonzero(keys[place] == wanted)
    guest, place = guest[found], place[found]
    order = np.lexsort((number[place], -area[place], guest))
    guest, chosen = np.unique(guest[order], return_index=True)
    host[guest] = place[order][chosen]
    return host


def _merge(shape: Shapes, host: Ints, kept: Ints) -> Shapes:
    merged = shape[kept].copy()
    guests = np.flatnonzero(host != np.arange(len(host)))
    for row in guests:
        place = int(np.searchsorted(kept, host[row]))
        merged[place] = shapely.union(merged[place], shape[row])
    return merged


def _walkable_cm2(shape: Shapes, unit: Ints, walkable: Mapping[int, Walkable]) -> Ints:
    """Walkable square centimetres of each piece."""
    open_ = shape.copy()
    for row, bounds in walkable.items():
        own = np.flatnonzero(unit == row)
        if bounds.near_streets is not None:
            open_[own] = shapely.intersection(open_[own], bounds.near_streets)
        if bounds.barred is not None:
            open_[own] = shapely.difference(open_[own], bounds.barred)
    return np.asarray(np.rint(shapely.area(open_) * 1e4), np.int64)


def piece_outlines(pieces: Pieces, crs: pyproj.CRS) -> Shapes:
    """The pieces in WGS-84, for maps."""
    return from_metres(pieces.shape, crs)
