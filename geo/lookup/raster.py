"""Owners of many points by a raster: most cells lie in one unit, the rest know the few borders that cross them.

Every cell has a reference point, and the units that hold it are found for all cells of a row by one scan line.
In a cell that no border touches they are the answer. In any other ("mixed") cell a point is held by a unit
that holds the reference point unless the straight way between the two crosses that unit's border an odd number
of times; only the few edges that touch the cell can be crossed. Where rounding could decide (within about a
ten-millionth of a metre of a border, or of its straight continuation), the answer is "unsure" and the exact
predicates of GEOS are asked instead, so that the answers are theirs always.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lookup.strokes import Edges, Floats, Grid, Longs, Spans, Strokes, spread

NOBODY, ASK = -1, -2
"""Values of a cell that are neither a unit (0 …) nor the number of a mixed cell (-3, -4 …)."""
_FIRST_MIXED = -3
_HIGHEST = np.int32(np.iinfo(np.int32).max)
_EDGES_MOST = 48
"""A cell with more edges is left to GEOS: bounds the memory of a question."""
_SHARED_MOST = 1 << 23
"""More cells than this within overlaps, and they are left to GEOS too."""
_UNSURE_DEG = 1e-12
"""A hundred times the rounding of a coordinate in degrees."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class _Holdings:
    """Pairs (cell, unit): the unit holds the reference point of a cell that is touched by borders or shared."""

    cell: Longs
    unit: Ints
    left_out: Longs
    """Shared cells whose pairs would be too many."""


@dataclass(frozen=True)
class _Mixed:
    """Mixed cell m has entries first_entry[m] … first_entry[m + 1] - 1, one for each unit to decide about; entry e
    has edges first_edge[e] … first_edge[e + 1] - 1, which are the unit's that touch the cell.
    """

    ref_lon: Floats
    ref_lat: Floats
    first_entry: Longs
    unit: Ints
    holds: Bools
    """Whether the entry's unit holds the cell's reference point."""
    first_edge: Longs
    edge: Ints
    ref_left: Bools
    """Whether the reference point lies left of the edge."""


class OwnerRaster:
    """Immutable once made. Units are indexes into `geoms`, in natural order of their codes."""

    def __init__(self, geoms: NDArray[np.object_], *, cells: int) -> None:
        """About `cells` cells over the bounds of valid polygons."""
        edges = Edges.of(geoms)
        self._grid = Grid.over(shapely.total_bounds(geoms), cells)
        self._corners = np.column_stack([edges.lon, edges.lat, edges.to_lon, edges.to_lat])
        strokes = Strokes.of(edges, self._grid)
        edge, touched = strokes.cells(self._grid)
        self._cells, holdings = self._fill(Spans.of(edges, self._grid, strokes), touched)
        self._mixed = self._decide(edges.unit, edge, touched, holdings)
        self._cells[holdings.left_out] = ASK

    @property
    def nbytes(self) -> int:
        return sum(int(array.nbytes) for array in (self._cells, self._corners, *vars(self._mixed).values()))

    def owners(self, lon: Floats, lat: Floats) -> tuple[Ints, Bools, Bools]:
        """Per point: the lowest unit that holds it or NOBODY; whether several do; whether to ask GEOS instead."""
        owner = self._cells[self._grid.cell(lon, lat)]
        several = np.zeros(len(lon), dtype=np.bool_)
        unsure = owner == ASK
        mixed = np.flatnonzero(owner <= _FIRST_MIXED)
        if len(mixed):
            number = _FIRST_MIXED - owner[mixed]
            owner[mixed], several[mixed], unsure[mixed] = self._settle(number, lon[mixed], lat[mixed])
        return owner, several, unsure

    def _settle(self, number: Ints, lon: Floats, lat: Floats) -> tuple[Ints, Bools, Bools]:
        """The same for points in mixed cells of these numbers."""
        mixed = self._mixed
        first = mixed.first_entry[number]
        entries = mixed.first_entry[number + 1] - first
        point, step = spread(entries)
        entry = first[point] + step
        first = mixed.first_edge[entry]
        edges = mixed.first_edge[entry + 1] - first
        asker, step = spread(edges)
        place, asker_point = first[asker] + step, point[asker]
        crossed, doubt = self._crossed(place, number[asker_point], lon[asker_point], lat[asker_point])
        inside = mixed.holds[entry] ^ (_sums(crossed, edges) % 2 == 1)
        owner = np.minimum.reduceat(
            np.where(inside, mixed.unit[entry], _HIGHEST), np.cumsum(entries) - entries
        )
        owner[owner == _HIGHEST] = NOBODY
        unsure = np.zeros(len(number), dtype=np.bool_)
        unsure[asker_point[doubt]] = True
        return owner, _sums(inside, entries) > 1, unsure

    def _crossed(self, place: Longs, number: Ints, lon: Floats, lat: Floats) -> tuple[Bools, Bools]:
        """Whether the way from each point to its cell's reference point crosses the edge at `place` of the mixed
        cells' lists, and whether that is unsure.
        """
        mixed = self._mixed
        edge = mixed.edge[place]
        left, unsure = self._left(edge, lon, lat)
        apart = np.flatnonzero(left != mixed.ref_left[place])
        corners, number = self._corners[edge[apart]], number[apart]
        ref_lon, ref_lat = mixed.ref_lon[number], mixed.ref_lat[number]
        run, rise = lon[apart] - ref_lon, lat[apart] - ref_lat
        start = run * (corners[:, 1] - ref_lat) - rise * (corners[:, 0] - ref_lon)
        end = run * (corners[:, 3] - ref_lat) - rise * (corners[:, 2] - ref_lon)
        unsure[apart] |= np.minimum(np.abs(start), np.abs(end)) <= _UNSURE_DEG * (np.abs(run) + np.abs(rise))
        crossed = np.zeros(len(place), dtype=np.bool_)
        crossed[apart] = (start > 0) != (end > 0)
        return crossed, unsure

    def _left(self, edge: Ints | Longs, lon: Floats, lat: Floats) -> tuple[Bools, Bools]:
        """Whether each point lies left of its edge, prolonged; and whether that is unsure."""
        corners = self._corners[edge]
        run, rise = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
        turn = run * (lat - corners[:, 1]) - rise * (lon - corners[:, 0])
        return turn > 0, np.abs(turn) <= _UNSURE_DEG * (np.abs(run) + np.abs(rise))

    def _fill(self, spans: Spans, touched: Longs) -> tuple[Ints, _Holdings]:
        """The unit that holds each cell's reference point; and all that do, for the cells where that is not all."""
        size = self._grid.rows * self._grid.columns
        count, unit = np.zeros(size + 1, dtype=np.int32), np.zeros(size + 1, dtype=np.int32)
        for change, by in ((count, np.ones_like(spans.unit)), (unit, spans.unit)):
            np.add.at(change, spans.start, by)
            np.subtract.at(change, spans.stop, by)
            np.cumsum(change, out=change)
        count, unit = count[:-1], unit[:-1]
        is_touched = np.zeros(size, dtype=np.bool_)
        is_touched[touched] = True
        alone = np.flatnonzero(is_touched & (count == 1))
        shared_cell, shared_unit, left_out = _shared(spans, count > 1)
        holdings = _Holdings(
            np.concatenate([alone, shared_cell]), np.concatenate([unit[alone], shared_unit]), left_out
        )
        return np.where(count == 1, unit, np.int32(NOBODY)), holdings

    def _decide(self, unit_of_edge: Ints, edge: Longs, touched: Longs, holdings: _Holdings) -> _Mixed:
        """Number the mixed cells and list what decides in each; a cell that would need too much is left to GEOS."""
        units = int(unit_of_edge.max()) + 1
        key = touched * units + unit_of_edge[edge]
        order = np.argsort(key, kind="stable")
        key, edge = key[order], edge[order]
        held = np.sort(holdings.cell * units + holdings.unit)
        entries = np.sort(np.concatenate([key[_begins(key)], held[_begins(held)]]))
        entries = entries[_begins(entries)]
        first_entry = _begins(entries // units)
        cell = entries[first_entry] // units
        first_entry = np.append(first_entry, len(entries))
        first_edge = np.append(np.searchsorted(key, entries), len(key))
        row, column = np.divmod(cell, self._grid.columns)
        ref_lon, ref_lat = self._grid.ref_lon[column], self._grid.ref_lat[row]
        edges = np.diff(first_edge[first_entry])
        number = np.repeat(np.arange(len(cell)), edges)
        ref_left, doubt = self._left(edge, ref_lon[number], ref_lat[number])
        self._cells[cell] = _FIRST_MIXED - np.arange(len(cell), dtype=np.int32)
        self._cells[cell[edges > _EDGES_MOST]] = ASK
        self._cells[cell[number[doubt]]] = ASK
        holds = np.append(held, -1)[np.searchsorted(held, entries)] == entries
        unit = (entries % units).astype(np.int32)
        return _Mixed(ref_lon, ref_lat, first_entry, unit, holds, first_edge, edge.astype(np.int32), ref_left)


def _begins(ordered: Longs) -> Longs:
    """Where each run of equal values begins. (`np.unique` hashes, which takes ten times as long here.)"""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])


def _sums(flags: Bools, counts: Longs) -> Longs:
    """How many flags are set in each of the runs of `counts` flags."""
    total = np.concatenate([[0], np.cumsum(flags)])
    ends = np.cumsum(counts)
    return np.asarray(total[ends] - total[ends - counts])


def _shared(spans: Spans, shared: Bools) -> tuple[Longs, Ints, Longs]:
    """(cell, unit) of all units that hold the reference points of shared cells; and the cells left out as too many."""
    before = np.concatenate([[0], np.cumsum(shared)])
    over = np.flatnonzero(before[spans.stop] > before[spans.start])
    lengths = spans.stop[over] - spans.start[over]
    if lengths.sum() > _SHARED_MOST:
        return np.empty(0, np.int64), np.empty(0, np.int32), np.flatnonzero(shared)
    span, step = spread(lengths)
    cell = spans.start[over][span] + step
    return cell[shared[cell]], spans.unit[over][span][shared[cell]], np.empty(0, np.int64)
