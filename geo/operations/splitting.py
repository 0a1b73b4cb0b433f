"""One unit into several: along a line, or into even parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.flows import Doors, Floats
from geo.operations.cut import Changes, Cut, cut_units, regroup_parts
from geo.operations.drawing import Drawing, Impossible
from geo.validation.ground import Ints, Objects, metres_per_degree

Weight = Literal["households", "area", "cases"]

_TURNS = np.radians(np.arange(0, 180, 15))
"""Directions in which an even cut is tried."""
_HALVINGS = 60


@dataclass(frozen=True)
class SplitByLine:
    """Each piece that the line cuts off becomes a unit. `identity`: keep (the half of the households goes on) or new."""

    unit: UUID
    line: BaseGeometry
    identity: str = "keep"
    names: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.unit,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        cut = cut_units(drawing, self.subjects, [self.line])
        loose = np.flatnonzero(cut.is_cut)
        if len(loose) < 2:
            unit = cut.units[0]
            raise Impossible(
                told(
                    "the line does not cut {level} {code}: draw it from border to border",
                    level=unit.level,
                    code=unit.code,
                ),
                self.line,
            )
        parts = _with_exclaves(cut, loose)
        return regroup_parts(cut, parts, cut.units[0], key, names=self.names, identity=self.identity)


def _with_exclaves(cut: Cut, loose: Ints) -> list[int]:
    """A part for each loose piece, west to east; polygons of the unit that no line cuts go with the largest."""
    middles = shapely.get_coordinates(shapely.centroid(cut.pieces[loose]))
    order = loose[np.lexsort((-middles[:, 1], middles[:, 0]))].tolist()
    largest = int(np.argmax(shapely.area(cut.pieces[order])))
    return [order.index(piece) if piece in order else largest for piece in range(len(cut.pieces))]


@dataclass(frozen=True)
class SplitEven:
    """`count` parts that are even by households, by area or by the cases at `points`; straight cuts, the shorter first.

    `points` are lon, lat and a weight each; they are needed for cases alone.
    """

    unit: UUID
    count: int
    by: Weight = "households"
    points: tuple[tuple[float, float, float], ...] = ()
    identity: str = "keep"

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.unit,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        unit = drawing.editable(self.unit)
        if not 2 <= self.count <= 100:
            raise Invalid(told("{count} parts: give 2 to 100", count=self.count))
        border = drawing.border(self.unit)
        middle = shapely.get_coordinates(shapely.centroid(border))[0]
        scale = np.array(metres_per_degree(middle[1]))
        plane = shapely.transform(border, lambda xy: (xy - middle) * scale)
        shapely.prepare(plane)
        load = _Load.of(
            plane, (self._doors(drawing).lon_lat - middle) * scale, self._doors(drawing).households
        )
        regions, lines = _halve(plane, self.count, load)
        back = [shapely.transform(line, lambda xy: xy / scale + middle) for line in lines]
        cut = cut_units(drawing, self.subjects, back)
        spots = shapely.transform(shapely.point_on_surface(cut.pieces), lambda xy: (xy - middle) * scale)
        parts = shapely.STRtree(regions).nearest(spots).tolist()
        if set(parts) != set(range(len(regions))):
            raise Impossible(
                told(
                    "{level} {code} is too small to be cut into {count} parts",
                    level=unit.level,
                    code=unit.code,
                    count=self.count,
                ),
                unit.geom,
            )
        return regroup_parts(cut, parts, unit, key, identity=self.identity)

    def _doors(self, drawing: Drawing) -> Doors:
        if self.by == "area":
            return Doors()
        if self.by == "households":
            return drawing.doors
        if self.by != "cases":
            raise Invalid(told("even by “{by}”: households, area or cases", by=self.by))
        given = np.array(self.points, dtype=np.float64).reshape(-1, 3)
        return Doors(given[:, :2], given[:, 2])


@dataclass(frozen=True)
class _Load:
    """What is to be even: points with weights in the plane; without any, the area itself."""

    xy: Floats
    weight: Floats

    @classmethod
    def of(cls, shape: BaseGeometry, xy: Floats, weight: Floats) -> "_Load":
        inside = shapely.contains_xy(shape, xy) if len(xy) else np.zeros(0, dtype=bool)
        return cls(xy[inside], weight[inside])

    def within(self, shape: BaseGeometry) -> "_Load":
        return _Load.of(shape, self.xy, self.weight)


def _halve(shape: BaseGeometry, count: int, load: _Load) -> tuple[Objects, list[BaseGeometry]]:
    """The shape in `count` even regions and the lines between them: cut in two, and each side again."""
    if count == 1:
        return np.array([shape], dtype=object), []
    share = (count // 2) / count
    tried = [_cut_across(shape, turn, share, load) for turn in _TURNS]
    tried = [(sides, line) for sides, line in tried if all(side.area > 0 for side in sides)]
    if not tried:
        raise Impossible(told("the unit is too small, or what is to be even lies all in one place"))
    sides, line = min(tried, key=_rank)
    first = _halve(sides[0], count // 2, load.within(sides[0]))
    second = _halve(sides[1], count - count // 2, load.within(sides[1]))
    return np.concatenate([first[0], second[0]]), [line, *first[1], *second[1]]


def _rank(cut: tuple[Sequence[BaseGeometry], BaseGeometry]) -> tuple[int, float]:
    """Few pieces first, then a short line."""
    sides, line = cut
    return sum(len(shapely.get_parts(side)) for side in sides), float(shapely.length(line))


def _cut_across(
    shape: BaseGeometry, turn: float, share: float, load: _Load
) -> tuple[Sequence[BaseGeometry], BaseGeometry]:
    """Both sides of the straight line in this direction that leaves `share` of the load on its first side."""
    across = np.array([np.cos(turn), np.sin(turn)])
    reach = shapely.get_coordinates(shape) @ across
    long = float(np.hypot(*(np.array(shape.bounds[2:]) - shape.bounds[:2]))) + 1
    if load.weight.sum() > 0:
        at = _weighted_place(load.xy @ across, load.weight, share)
    else:
        at = _area_place(shape, across, (float(reach.min()), float(reach.max())), share)
    near, far = _half_plane(across, at, -long, long), _half_plane(across, at, long, long)
    sides = [shapely.intersection(shape, near), shapely.intersection(shape, far)]
    along = np.array([-across[1], across[0]])
    middle = np.array(shapely.get_coordinates(shapely.centroid(shape))[0])
    foot = middle + (at - middle @ across) * across
    line = shapely.LineString([foot - long * along, foot + long * along])
    return sides, shapely.intersection(line, shapely.buffer(shape, 1.0))


def _weighted_place(along: Floats, weight: Floats, share: float) -> float:
    """Between two points, as near as can be to the share."""
    order = np.argsort(along, kind="stable")
    summed = np.cumsum(weight[order])
    places = along[order]
    if len(places) < 2:
        return float(places[0])
    best = int(np.argmin(np.abs(summed[:-1] - share * summed[-1]) + 1e12 * (np.diff(places) <= 0)))
    return float((places[best] + places[best + 1]) / 2)


def _area_place(shape: BaseGeometry, across: Floats, reach: tuple[float, float], share: float) -> float:
    """By halving: the area on the first side grows with the place of the line."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shape)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    away, along = xy @ across, xy @ np.array([-across[1], across[0]])
    edges = np.stack([away[:-1], away[1:], along[:-1], along[1:]])[:, same]
    low, high = reach
    wanted = share * shape.area
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _area_before(edges, middle) < wanted:
            low = middle
        else:
            high = middle
        if high - low < 1e-3:
            break
    return (low + high) / 2


def _area_before(edges: Floats, at: float) -> float:
    """The area with less than `at` across, summed along the edges: start and end across, start and end along."""
    start, end, left, right = edges
    first, last = np.minimum(start, at), np.minimum(end, at)
    slope = (right - left) / np.where(end == start, 1, end - start)
    middle = left + slope * ((first + last) / 2 - start)
    return abs(float(((last - first) * middle).sum()))


def _half_plane(across: Floats, at: float, depth: float, wide: float) -> BaseGeometry:
    along = np.array([-across[1], across[0]])
    foot = at * across
    corners = [foot - wide * along, foot + wide * along]
    return shapely.Polygon([*corners, corners[1] + 2 * depth * across, corners[0] + 2 * depth * across])
