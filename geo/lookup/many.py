"""Many points placed in one snapshot: rows found once, everything else computed when asked for."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo.lookup.answers import filled, taken
from geo.lookup.layer import NOBODY, Layer
from geo.lookup.strokes import Floats
from geo.lookup.units import NO_ROW

if TYPE_CHECKING:
    from geo.lookup.snapshot import Snapshot

INSIDE_NUMBER, AMBIGUOUS_NUMBER, SEVERAL_NUMBER, OUTSIDE_NUMBER = range(4)
"""Positions in `answers.STATUSES`."""


class SnapshotPlacements:
    """Arrays with one element a point; see `Placements`. Rows are rows of the snapshot's units, NO_ROW for none."""

    def __init__(self, snapshot: "Snapshot", lon: Floats, lat: Floats, accuracy_m: Floats | None) -> None:
        self._snapshot, self._lon, self._lat, self._accuracy_m = snapshot, lon, lat, accuracy_m
        self._overlap = np.zeros(len(lon), dtype=np.bool_)
        self._path_rows = [self._rows_on(path) for path in snapshot.paths]

    def _rows_on(self, path: tuple[str, ...]) -> NDArray[np.int32]:
        """Per point the unit of the first level of the path that has one there."""
        rows = np.full(len(self._lon), NO_ROW, dtype=np.int32)
        open_: NDArray[np.intp] = np.arange(len(rows))
        for level in path:
            layer = self._snapshot.territorial[level]
            owner, several = layer.owners(self._lon[open_], self._lat[open_])
            rows[open_] = layer.row_of(owner)
            if level == self._snapshot.paths[0][0]:
                self._overlap = several
            open_ = np.flatnonzero(rows == NO_ROW)
            if not len(open_):
                break
        return rows

    @cached_property
    def row(self) -> NDArray[np.int32]:
        """The deepest unit that holds each point; of equally deep ones that of the first path."""
        row = filled(len(self._lon), np.int32(NO_ROW))
        for rows in self._path_rows:
            row = np.where(self._snapshot.depth[rows] > self._snapshot.depth[row], rows, row)
        return row

    @property
    def unit_version_id(self) -> NDArray[np.int64]:
        return taken(self._snapshot.units.version_id, self.row, np.int64(NO_ROW))

    @property
    def unit_id(self) -> NDArray[np.object_]:
        return taken(self._snapshot.units.unit_id, self.row, None)

    @property
    def edition_id(self) -> NDArray[np.int64]:
        return np.full(len(self._lon), self._snapshot.edition_id, dtype=np.int64)

    def codes(self, level: str) -> NDArray[np.object_]:
        table, row = self._snapshot.row_at[level], filled(len(self._lon), np.int32(NO_ROW))
        for rows in self._path_rows:
            row = np.where(row == NO_ROW, table[rows], row)
        return taken(self._snapshot.units.code, row, None)

    @cached_property
    def _deepest_index(self) -> NDArray[np.int32]:
        """Index of the owner in the layer of the deepest level, NOBODY when the point is outside it."""
        if self._snapshot.deepest is None:
            return np.full(len(self._lon), NOBODY, dtype=np.int32)
        return self._snapshot.deepest.index_of(self._path_rows[0])

    @cached_property
    def border_m(self) -> NDArray[np.float64]:
        metres, layer = np.full(len(self._lon), np.nan), self._snapshot.deepest
        somewhere = np.isfinite(self._lon) & np.isfinite(self._lat)
        if layer is None:
            return metres
        index, lon, lat = self._deepest_index[somewhere], self._lon[somewhere], self._lat[somewhere]
        outside = index == NOBODY
        index[outside] = layer.borders.nearest(lon[outside], lat[outside])
        metres[somewhere] = layer.borders.distance_m(index, lon, lat)
        return metres

    @cached_property
    def status_number(self) -> NDArray[np.int8]:
        status = np.full(len(self._lon), INSIDE_NUMBER, dtype=np.int8)
        if self._accuracy_m is not None:
            status[self.border_m < self._accuracy_m] = AMBIGUOUS_NUMBER
        status[self._overlap] = SEVERAL_NUMBER
        status[self._deepest_index == NOBODY] = OUTSIDE_NUMBER
        return status

    @property
    def several(self) -> NDArray[np.object_]:
        found = filled(len(self._lon), ())
        for place in np.flatnonzero(self.status_number == SEVERAL_NUMBER):
            found[place] = self._codes_of(self._snapshot.deepest, place)
        return found

    @property
    def has_dedicated(self) -> bool:
        return bool(self._snapshot.dedicated)

    def dedicated(self, level: str | None = None) -> NDArray[np.object_]:
        """Codes of the dedicated grids of one level, or of all, that hold each point; the lowest first."""
        found = filled(len(self._lon), ())
        for name, layer in self._snapshot.dedicated.items():
            if level in (None, name):
                for place in np.flatnonzero(layer.owners(self._lon, self._lat)[0] != NOBODY):
                    found[place] += self._codes_of(layer, place)
        return found

    def _codes_of(self, layer: Layer | None, place: np.intp) -> tuple[str, ...]:
        if layer is None:
            return ()
        return tuple(self._snapshot.units.code[layer.rows[layer.holders(self._lon[place], self._lat[place])]])
