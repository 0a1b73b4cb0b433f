"""What ground goes from whom to whom, and which share of the households lives on it.

One table serves all that follows from a redraw: the households of changed units, which part keeps a unit's identity,
the lineage between editions, and the impact of a plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.validation.ground import Ints, Objects, metres_per_degree, polygons_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Doors:
    """Where households live: lon, lat (n × 2) and how many there are at each."""

    lon_lat: Floats = field(default_factory=lambda: np.empty((0, 2)))
    households: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Flow:
    """One row for each pair that shares ground: rows of the old and of the new shapes, m² and shares of the old unit.

    `households_share` is counted at doors; where an old unit has none, it is the share of its area.
    """

    old: Ints
    new: Ints
    area_m2: Floats
    area_share: Floats
    households_share: Floats


def flow(old: Objects, new: Objects, doors: Doors) -> Flow:
    """How the ground of the old shapes lies in the new ones (WGS-84 polygons)."""
    left, right = shapely.STRtree(new).query(old, predicate="intersects")
    same = np.asarray(shapely.equals_identical(old[left], new[right]))
    kept = ~_beside(old, (left, right), same)
    left, right, same = left[kept], right[kept], same[kept]
    shared = np.full(len(left), None, dtype=object)
    shared[same] = old[left[same]]
    shared[~same] = polygons_of(shapely.intersection(old[left[~same]], new[right[~same]]))
    there = np.array([shape is not None for shape in shared], dtype=bool)
    left, right, shared = left[there], right[there], shared[there]
    area = area_m2(shared)
    whole = np.bincount(left, area, minlength=len(old))
    area_share = area / np.where(whole > 0, whole, 1)[left]
    living = _living(shared, doors)
    all_living = np.bincount(left, living, minlength=len(old))[left]
    by_door = living / np.where(all_living > 0, all_living, 1)
    return Flow(left, right, area, area_share, np.where(all_living > 0, by_door, area_share))


def _beside(old: Objects, pairs: tuple[Ints, Ints], same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pairs of shapes that are both in their places still, and of a cover: where most is as it was, most pairs only touch."""
    left, right = pairs
    beside = ~same & np.isin(left, left[same]) & np.isin(right, right[same])
    if beside.any() and not shapely.coverage_is_valid(old[np.unique(left[same])]):
        beside[:] = False
    return np.asarray(beside)


def area_m2(shapes: Objects) -> Floats:
    """Of WGS-84 polygons as small as units are, each at the scale of its own latitude."""
    if not len(shapes):
        return np.zeros(0)
    east, north = metres_per_degree(shapely.get_y(shapely.centroid(shapes)))
    return np.asarray(shapely.area(shapes) * east * north)


def _living(shapes: Objects, doors: Doors) -> Floats:
    """Households at the doors in each shape; a door on a border counts with the first of them."""
    if not len(doors.households) or not len(shapes):
        return np.zeros(len(shapes))
    west, south, east, north = shapely.total_bounds(shapes)
    lon, lat = doors.lon_lat.T
    near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    door, shape = shapely.STRtree(shapes).query(shapely.points(doors.lon_lat[near]), predicate="intersects")
    door, first = np.unique(door, return_index=True)
    counted = np.bincount(shape[first], doors.households[near[door]], minlength=len(shapes))
    return np.asarray(counted, dtype=np.float64)


def share_out(households: Sequence[int | None], moved: Flow, count: int) -> list[int | None]:
    """Households of each of `count` new shapes: whole numbers that add up to those of the old ones.

    None where nobody knows those of any unit that the ground came from.
    """
    known = [0 if number is None else number for number in households]
    total = np.zeros(count, dtype=np.int64)
    for row in range(len(known)):
        mine = np.flatnonzero(moved.old == row)
        exact = known[row] * moved.households_share[mine]
        given = np.floor(exact + 1e-9).astype(np.int64)
        rest = known[row] - int(given.sum())
        given[np.argsort(-(exact - given), kind="stable")[:rest]] += 1
        np.add.at(total, moved.new[mine], given)
    counted = {int(new) for old, new in zip(moved.old, moved.new, strict=True) if households[old] is not None}
    return [int(total[row]) if row in counted else None for row in range(count)]


def identities(moved: Flow, weights: Floats, count: int) -> list[int | None]:
    """Which old unit each new shape goes on being: the one that has at least half of its households there.

    Where a shape has the halves of several, the one that brings most goes on; where two have just half of one, the
    first does. None: a unit is born.
    """
    claims = [
        (-share * weights[old], -share, int(old), int(new))
        for old, new, share in zip(moved.old, moved.new, moved.households_share, strict=True)
        if share >= 0.5 - 1e-9
    ]
    keeps: list[int | None] = [None] * count
    taken: set[int] = set()
    for _, _, old, new in sorted(claims):
        if keeps[new] is None and old not in taken:
            keeps[new] = old
            taken.add(old)
    return keeps
