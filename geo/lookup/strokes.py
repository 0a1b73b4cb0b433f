"""What a raster is drawn with: the grid of cells, the edges of polygons, and the cells each edge touches."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

_PAD = 1e-6
"""In cells: how much wider than it is an edge is drawn, far above rounding, far below a cell."""
_REF_X, _REF_Y = 0.5123, 0.4871
"""Where in a cell its reference point lies: off the middle, where borders drawn to round numbers like to run."""


def spread(counts: Longs) -> tuple[Longs, Longs]:
    """`counts[i]` times each i; and beside it 0, 1 … counts[i] - 1."""
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - first[owner]


@dataclass(frozen=True)
class Edges:
    """Straight pieces of borders and the unit each belongs to. A border of two units is here twice."""

    lon: Floats
    lat: Floats
    to_lon: Floats
    to_lat: Floats
    unit: NDArray[np.int32]

    @staticmethod
    def of(geoms: NDArray[np.object_]) -> "Edges":
        """Every edge of every ring of these polygons; edges of no length are left out."""
        parts, unit_of_part = shapely.get_parts(geoms, return_index=True)
        rings, part_of_ring = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        goes_on = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
        start, end = xy[:-1][goes_on], xy[1:][goes_on]
        unit = unit_of_part[part_of_ring[ring[:-1][goes_on]]].astype(np.int32)
        return Edges(start[:, 0].copy(), start[:, 1].copy(), end[:, 0].copy(), end[:, 1].copy(), unit)


@dataclass(frozen=True)
class Grid:
    """Rows of cells from the south-west; the outermost ring of cells lies outside the ground covered."""

    west: float
    south: float
    columns_per_deg: float
    rows_per_deg: float
    columns: int
    rows: int

    @staticmethod
    def over(bounds: Floats, cells: int) -> "Grid":
        """About `cells` cells over (west, south, east, north), about as high as wide on the ground."""
        west, south, east, north = (float(value) for value in bounds)
        width = max(east - west, 1e-6) * np.cos(np.radians((south + north) / 2))
        height = max(north - south, 1e-6)
        columns = int(np.clip(np.sqrt(cells * width / height), 1, cells))
        rows = max(cells // columns, 1)
        columns_per_deg = columns / max(east - west, 1e-6) * (1 - 1e-9)
        rows_per_deg = rows / max(north - south, 1e-6) * (1 - 1e-9)
        return Grid(
            west - 1 / columns_per_deg,
            south - 1 / rows_per_deg,
            columns_per_deg,
            rows_per_deg,
            columns + 2,
            rows + 2,
        )

    def x(self, lon: Floats) -> Floats:
        """Longitudes in columns, never decreasing with the longitude in spite of rounding."""
        return (lon - self.west) * self.columns_per_deg

    def y(self, lat: Floats) -> Floats:
        return (lat - self.south) * self.rows_per_deg

    def cell(self, lon: Floats, lat: Floats) -> Longs:
        """The cell of each point; one of the outermost ring for a point elsewhere and for NaN."""
        column = np.fmin(np.fmax(self.x(lon), 0), self.columns - 1).astype(np.int64)
        row = np.fmin(np.fmax(self.y(lat), 0), self.rows - 1).astype(np.int64)
        return row * self.columns + column

    @property
    def ref_lon(self) -> Floats:
        """Longitude of the reference points, by column."""
        return np.asarray(
            self.west + (np.arange(self.columns) + _REF_X) / self.columns_per_deg, dtype=np.float64
        )

    @property
    def ref_lat(self) -> Floats:
        return np.asarray(self.south + (np.arange(self.rows) + _REF_Y) / self.rows_per_deg, dtype=np.float64)


@dataclass(frozen=True)
class Strokes:
    """The rows each edge passes through, as pairs (edge, row), with the columns from `first` to `last` it touches there."""

    edge: Longs
    row: Longs
    first: Longs
    last: Longs

    @staticmethod
    def of(edges: Edges, grid: Grid) -> "Strokes":
        x, y, to_x, to_y = grid.x(edges.lon), grid.y(edges.lat), grid.x(edges.to_lon), grid.y(edges.to_lat)
        lowest = np.floor(np.minimum(y, to_y) - _PAD).astype(np.int64)
        highest = np.floor(np.maximum(y, to_y) + _PAD).astype(np.int64)
        edge, step = spread(highest - lowest + 1)
        row = lowest[edge] + step
        x, y, run, rise = x[edge], y[edge], (to_x - x)[edge], (to_y - y)[edge]
        flat = rise == 0
        rise[flat] = 1
        enters = np.where(flat, 0, np.clip((row - _PAD - y) / rise, 0, 1))
        leaves = np.where(flat, 1, np.clip((row + 1 + _PAD - y) / rise, 0, 1))
        one, other = x + enters * run, x + leaves * run
        first = np.floor(np.minimum(one, other) - _PAD).astype(np.int64)
        last = np.floor(np.maximum(one, other) + _PAD).astype(np.int64)
        return Strokes(edge, row, first, last)

    def cells(self, grid: Grid) -> tuple[Longs, Longs]:
        """(edge, cell) of every cell that an edge touches."""
        stroke, step = spread(self.last - self.first + 1)
        return self.edge[stroke], self.row[stroke] * grid.columns + self.first[stroke] + step


@dataclass(frozen=True)
class Spans:
    """Runs of cells whose reference points one unit holds: cells start … stop - 1, all in one row."""

    start: Longs
    stop: Longs
    unit: NDArray[np.int32]

    @staticmethod
    def of(edges: Edges, grid: Grid, strokes: Strokes) -> "Spans":
        """By one scan line a row, through the row's reference points: a unit is entered and left by turns."""
        edge, row = strokes.edge, strokes.row
        line = grid.ref_lat[row]
        crosses = (edges.lat[edge] > line) != (edges.to_lat[edge] > line)
        edge, row, line = edge[crosses], row[crosses], line[crosses]
        lon, lat = edges.lon[edge], edges.lat[edge]
        where = lon + (line - lat) * ((edges.to_lon[edge] - lon) / (edges.to_lat[edge] - lat))
        order = np.lexsort((where, edges.unit[edge] * np.int64(grid.rows) + row))
        row, unit = row[order][::2], edges.unit[edge][order][::2]
        column = np.searchsorted(grid.ref_lon, where[order])
        return Spans(row * grid.columns + column[::2], row * grid.columns + column[1::2], unit)
