"""What placement answers: one `Placement` per network for a point, one `Placements` of arrays for many points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from geo.lookup.many import SnapshotPlacements

INSIDE, AMBIGUOUS, SEVERAL, OUTSIDE = "inside", "ambiguous", "several", "outside"
Part = tuple[NDArray[np.intp] | None, "SnapshotPlacements"]
"""Positions of some points (None: all), and their placements in one snapshot."""
STATUSES = np.array([INSIDE, AMBIGUOUS, SEVERAL, OUTSIDE])
"""By status number, the order of `SnapshotPlacements.status_number`."""


def filled(count: int, value: Any) -> NDArray[Any]:
    """`count` times the same value, which may be None or a tuple."""
    if isinstance(value, tuple):
        return np.fromiter(repeat(value, count), dtype=object, count=count)
    return np.full(count, value)


def taken(column: NDArray[Any], rows: NDArray[np.int32], missing: Any) -> NDArray[Any]:
    """The column's value for each row, `missing` where the row is negative."""
    values = filled(len(rows), missing)
    known = rows >= 0
    values[known] = column[rows[known]]
    return values


@dataclass(frozen=True)
class PlacedUnit:
    """A unit as it was at the instant asked for."""

    unit_version_id: int
    unit_id: UUID
    level: str
    kind: str
    code: str
    name: str


@dataclass(frozen=True)
class Nearest:
    """The nearest unit of the deepest level, for a point outside; the distance is along the ellipsoid."""

    unit: PlacedUnit
    distance_m: float


@dataclass(frozen=True)
class Placement:
    """Where a point lies in one network.

    `status` speaks of the deepest level: inside; ambiguous (inside, nearer to the border than the accuracy);
    several (units overlap there: `several` names all, the lowest code owns it); outside (`nearest` says of what).
    `units` are the dedicated grids that hold the point, then the territorial chain from the deepest level up;
    a point outside the deepest level may still have a chain, of the levels above that hold it.
    `border_m` is the distance to the border of the deepest unit; None when outside.
    """

    network: str
    edition_id: int | None
    status: str
    units: tuple[PlacedUnit, ...] = ()
    border_m: float | None = None
    nearest: Nearest | None = None
    several: tuple[PlacedUnit, ...] = ()

    @property
    def unit(self) -> PlacedUnit | None:
        """The deepest territorial unit."""
        return next((unit for unit in self.units if unit.kind == "territorial"), None)

    @property
    def dedicated(self) -> tuple[PlacedUnit, ...]:
        return tuple(unit for unit in self.units if unit.kind == "dedicated")

    @property
    def unit_version_id(self) -> int | None:
        return None if self.unit is None else self.unit.unit_version_id


class Placements:
    """Where many points lie in one network, in their order; what is not asked for is not computed.

    Arrays have one element a point. A point may fall into the snapshot of its own instant, so the answer is
    scattered together from parts: (positions of the points, their placements in one snapshot).
    """

    def __init__(self, count: int, parts: Sequence[Part]) -> None:
        self.count = count
        self._parts = parts

    def _collect(self, value: Callable[["SnapshotPlacements"], NDArray[Any]], missing: Any) -> NDArray[Any]:
        if len(self._parts) == 1 and self._parts[0][0] is None:
            return value(self._parts[0][1])
        result = filled(self.count, missing)
        for positions, part in self._parts:
            result[positions] = value(part)
        return result

    @cached_property
    def unit_version_id(self) -> NDArray[np.int64]:
        """The deepest territorial unit's version; -1 where no unit holds the point."""
        return self._collect(lambda part: part.unit_version_id, np.int64(-1))

    @cached_property
    def unit_id(self) -> NDArray[np.object_]:
        """The deepest territorial unit's UUID; None where no unit holds the point."""
        return self._collect(lambda part: part.unit_id, None)

    @cached_property
    def edition_id(self) -> NDArray[np.int64]:
        """The edition that held at the point's instant; -1 before the first one."""
        return self._collect(lambda part: part.edition_id, np.int64(-1))

    @cached_property
    def status(self) -> NDArray[np.str_]:
        """inside, ambiguous, several or outside, as in `Placement`."""
        numbers = self._collect(lambda part: part.status_number, np.int8(3))
        return np.asarray(STATUSES[numbers], dtype=np.str_)

    def codes(self, level: str) -> NDArray[np.object_]:
        """The code of the unit at a level; None where there is none."""
        return self._collect(lambda part: part.codes(level), None)

    @property
    def has_dedicated(self) -> bool:
        """Whether the network had dedicated grids at any of the instants."""
        return any(part.has_dedicated for _, part in self._parts)

    def dedicated(self, level: str | None = None) -> NDArray[np.object_]:
        """A tuple of the codes of the dedicated grids, of one level or of all, that hold the point, lowest first."""
        return self._collect(lambda part: part.dedicated(level), ())

    @cached_property
    def several(self) -> NDArray[np.object_]:
        """A tuple of all codes of the deepest level at the point where its status is several, else an empty one."""
        return self._collect(lambda part: part.several, ())

    @cached_property
    def border_m(self) -> NDArray[np.float64]:
        """Metres to the border of the deepest unit, or of the nearest unit when outside; NaN before any edition."""
        return self._collect(lambda part: part.border_m, np.nan)
