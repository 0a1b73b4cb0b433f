"""The units of one level and kind: who holds a point, exactly as `ST_Covers` says, and who owns it."""

from functools import cached_property
from threading import Lock

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lookup.border import Borders
from geo.lookup.raster import OwnerRaster
from geo.lookup.strokes import Floats

NOBODY = -1
_CHUNK = 1 << 17
"""Points worked on at once: bounds memory and keeps the arrays near the processor."""
_WORTH_A_RASTER = 100_000
"""Points asked for so far that make drawing a raster worth its time."""
_CELLS_MOST = 1 << 24

Owners = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""Index of the owner in the layer or NOBODY; whether several units overlap there."""


class Layer:
    """Polygons in natural order of their codes; an index into them is a unit. Shared by threads, never changed."""

    def __init__(self, rows: NDArray[np.int32], geoms: NDArray[np.object_]) -> None:
        """`rows` are the units' rows in their snapshot, ascending; `geoms` their polygons, lon/lat."""
        self.rows, self.geoms = rows, geoms
        self._rows_and_nobody = np.append(rows, np.int32(NOBODY))
        self._tree = shapely.STRtree(geoms)
        self._prepare()
        self._drawing = Lock()
        self._asked = 0
        self._raster: OwnerRaster | None = None

    def _prepare(self) -> None:
        """Index each polygon now: GEOS would do it at the first question, and not safely from two threads."""
        shapely.prepare(self.geoms)
        inside = shapely.get_coordinates(shapely.point_on_surface(self.geoms))
        shapely.intersects_xy(self.geoms, inside[:, 0], inside[:, 1])
        shapely.contains_xy(self.geoms, inside[:, 0], inside[:, 1])

    @cached_property
    def borders(self) -> Borders:
        return Borders(self.geoms)

    def row_of(self, index: NDArray[np.int32]) -> NDArray[np.int32]:
        """Rows of the snapshot for indexes of the layer; NOBODY stays -1."""
        return self._rows_and_nobody[index]

    def index_of(self, row: NDArray[np.int32]) -> NDArray[np.int32]:
        """Indexes of the layer for rows of the snapshot; NOBODY for a row of another layer."""
        index = np.searchsorted(self.rows, row).astype(np.int32)
        known = (row != NOBODY) & (self._rows_and_nobody[index] == row)
        return np.where(known, index, np.int32(NOBODY))

    @property
    def raster_bytes(self) -> int:
        """Memory the raster holds; nothing before it is drawn."""
        return self._raster.nbytes if self._raster is not None else 0

    def holders(self, lon: float, lat: float) -> NDArray[np.int32]:
        """All units that hold a point, border included, the owner first."""
        near = np.sort(self._tree.query(shapely.Point(lon, lat)))
        return near[shapely.intersects_xy(self.geoms[near], lon, lat)].astype(np.int32)

    def overlap_at(self, holders: NDArray[np.int32], lon: float, lat: float) -> bool:
        """Whether units overlap at a point that `holders` hold: two do, and not only by their borders."""
        return len(holders) > 1 and bool(shapely.contains_xy(self.geoms[holders], lon, lat).any())

    def owners(self, lon: Floats, lat: Floats) -> Owners:
        """The owner of each of many points."""
        self._asked += len(lon)
        if self._raster is None and self._asked >= _WORTH_A_RASTER and self._drawing.acquire(blocking=False):
            self.use_raster(self.draw_raster())
        owner = np.full(len(lon), NOBODY, dtype=np.int32)
        several = np.zeros(len(lon), dtype=np.bool_)
        for start in range(0, len(lon), _CHUNK):
            part = slice(start, start + _CHUNK)
            owner[part], several[part] = self._owners(lon[part], lat[part])
        return owner, several

    def draw_raster(self) -> OwnerRaster:
        """Cells small enough that most lie in one unit and the others meet few edges."""
        edges = int(shapely.get_num_coordinates(self.geoms).sum())
        return OwnerRaster(self.geoms, cells=min(max(700 * len(self.rows), 16 * edges, 1 << 16), _CELLS_MOST))

    def use_raster(self, raster: OwnerRaster) -> None:
        """From now on many points are placed by it."""
        self._raster = raster

    def _owners(self, lon: Floats, lat: Floats) -> Owners:
        if self._raster is None:
            return self.exact_owners(lon, lat)
        owner, several, unsure = self._raster.owners(lon, lat)
        if unsure.any():
            owner[unsure], several[unsure] = self.exact_owners(lon[unsure], lat[unsure])
        return owner, several

    def exact_owners(self, lon: Floats, lat: Floats) -> Owners:
        """The owner of each point by the exact predicates of GEOS alone."""
        point, unit = self._tree.query(shapely.points(lon, lat))
        held = shapely.intersects_xy(self.geoms[unit], lon[point], lat[point])
        point, unit = point[held], unit[held]
        owner = np.full(len(lon), len(self.rows), dtype=np.int32)
        np.minimum.at(owner, point, unit.astype(np.int32))
        owner[owner == len(self.rows)] = NOBODY
        several = np.bincount(point, minlength=len(lon)) > 1
        shared = several[point]
        within = shapely.contains_xy(self.geoms[unit[shared]], lon[point[shared]], lat[point[shared]])
        several[:] = False
        several[point[shared][within]] = True
        return owner, several
