"""One network as it was at an instant, in memory: immutable and shared by all readers."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lookup.answers import AMBIGUOUS, INSIDE, OUTSIDE, SEVERAL, Nearest, PlacedUnit, Placement
from geo.lookup.layer import Layer
from geo.lookup.many import SnapshotPlacements
from geo.lookup.strokes import Floats
from geo.lookup.units import NO_ROW, Network, Units

_NONE = np.empty(0, dtype=np.int32)


class Snapshot:
    """The layers of one edition, and the paths by which a point is placed.

    The levels of a network form a tree, so a path leads from each level without children up to the root. Along
    a path the first level with a unit at the point decides, and the levels above are that unit's parents; the
    deepest path comes first and is the one whose answer is the unit and the status.
    """

    def __init__(self, network: Network, edition_id: int, units: Units) -> None:
        self.network, self.edition_id, self.units = network, edition_id, units
        self.levels = tuple(level["code"] for level in network.levels)
        self._parent = {level["code"]: level.get("parent") for level in network.levels}
        self.territorial = self._layers("territorial")
        self.dedicated = self._layers("dedicated")
        self.paths = self._paths()
        self.row_at = self._rows_by_level()
        depths = [len(self._path(str(level))) for level in units.level]
        self.depth = np.array([*depths, NO_ROW], dtype=np.int8)
        """Levels from the root to each unit; the last element answers for NO_ROW."""

    def _layers(self, kind: str) -> dict[str, Layer]:
        layers = {}
        for level in self.levels:
            of_layer = (
                (self.units.level == level) & (self.units.kind == kind) & ~shapely.is_empty(self.units.geom)
            )
            rows = np.flatnonzero(of_layer).astype(np.int32)
            if len(rows):
                layers[level] = Layer(rows, self.units.geom[rows])
        return layers

    def _path(self, level: str | None) -> tuple[str, ...]:
        steps: list[str] = []
        while level is not None and level not in steps:
            steps.append(level)
            level = self._parent.get(level)
        return tuple(steps)

    def _paths(self) -> tuple[tuple[str, ...], ...]:
        """From each level that has units and no child level with units, up to the root; the longest first."""
        full = {level: self._path(level) for level in self.levels}
        above = {step for level in self.territorial for step in full[level][1:]}
        leaves = sorted(
            (level for level in self.territorial if level not in above), key=lambda level: -len(full[level])
        )
        return tuple(tuple(step for step in full[leaf] if step in self.territorial) for leaf in leaves)

    def _rows_by_level(self) -> dict[str, NDArray[np.int32]]:
        """Per level: for each unit its ancestor there (itself at its own level), NO_ROW where there is none."""
        table = {level: np.full(len(self.units) + 1, NO_ROW, dtype=np.int32) for level in self.levels}
        current = np.arange(len(self.units), dtype=np.int32)
        origin = current
        for _ in range(len(self.levels) + 1):
            for level in self.levels:
                there = self.units.level[current] == level
                table[level][origin[there]] = current[there]
            parent = self.units.parent_row[current]
            origin, current = origin[parent != NO_ROW], parent[parent != NO_ROW]
        return table

    @property
    def deepest(self) -> Layer | None:
        """The layer of the deepest level, whose units decide the status."""
        return self.territorial[self.paths[0][0]] if self.paths else None

    @property
    def nbytes(self) -> int:
        """Memory held, roughly: coordinates with their indexes, rows, and the rasters built so far."""
        points = int(shapely.get_num_coordinates(self.units.geom).sum())
        layers = [*self.territorial.values(), *self.dedicated.values()]
        return 96 * points + 2000 * len(self.units) + sum(layer.raster_bytes for layer in layers)

    def place(self, lon: float, lat: float, *, accuracy_m: float | None = None) -> Placement:
        """Where one point (WGS-84 degrees) lies."""
        found = [self._holders(path, lon, lat) for path in self.paths]
        units = (*self._dedicated(lon, lat), *self._chain(found))
        layer = self.deepest
        holders = layer.index_of(found[0]) if layer is not None else _NONE
        if layer is None or not (holders >= 0).any():
            return Placement(
                self.network.code, self.edition_id, OUTSIDE, units, nearest=self._nearest(lon, lat)
            )
        border_m = float(layer.borders.distance_m(holders[:1], np.array([lon]), np.array([lat]))[0])
        several: tuple[PlacedUnit, ...] = ()
        status = AMBIGUOUS if accuracy_m is not None and border_m < accuracy_m else INSIDE
        if layer.overlap_at(holders, lon, lat):
            status, several = SEVERAL, tuple(map(self.units.placed, found[0]))
        return Placement(
            self.network.code, self.edition_id, status, units, border_m=border_m, several=several
        )

    def place_many(self, lon: Floats, lat: Floats, *, accuracy_m: Floats | None = None) -> SnapshotPlacements:
        """Where many points lie, with the same answers; a NaN coordinate is outside."""
        return SnapshotPlacements(self, lon, lat, accuracy_m)

    def _holders(self, path: tuple[str, ...], lon: float, lat: float) -> NDArray[np.int32]:
        """Rows of all units of the first level on the path that has one there, the owner first."""
        for level in path:
            holders = self.territorial[level].holders(lon, lat)
            if len(holders):
                return self.territorial[level].rows[holders]
        return _NONE

    def _dedicated(self, lon: float, lat: float) -> tuple[PlacedUnit, ...]:
        rows = [layer.rows[layer.holders(lon, lat)] for layer in self.dedicated.values()]
        return tuple(map(self.units.placed, np.sort(np.concatenate([_NONE, *rows]))))

    def _chain(self, found: Sequence[NDArray[np.int32]]) -> tuple[PlacedUnit, ...]:
        """One unit per level, the deepest first; where paths meet, the earlier path names the unit."""
        chain: dict[str, int] = {}
        for rows in found:
            for level in self.levels if len(rows) else ():
                if (row := int(self.row_at[level][rows[0]])) != NO_ROW:
                    chain.setdefault(level, row)
        return tuple(map(self.units.placed, sorted(chain.values(), key=lambda row: -int(self.depth[row]))))

    def _nearest(self, lon: float, lat: float) -> Nearest | None:
        if self.deepest is None:
            return None
        point = np.array([lon]), np.array([lat])
        index = self.deepest.borders.nearest(*point)
        distance_m = self.deepest.borders.distance_m(index, *point)
        return Nearest(self.units.placed(int(self.deepest.rows[index[0]])), float(distance_m[0]))
