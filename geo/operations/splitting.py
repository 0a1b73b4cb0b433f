"""One unit into several: along a line, or into even parts."""

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
_ACROSS = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
_ALONG = np.stack([-_ACROSS[:, 1], _ACROSS[:, 0]], axis=1)
"""Directions in which an even cut is tried: across it, and along it."""
_EVEN = 0.01
"""A cut no further from even than this is even: of several the shortest is made."""
_HALVINGS, _NEAR_M = 60, 1e-3


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
    """`count` parts that are even by households, by area or by the cases at `points`, by straight cuts as short as can be.

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
        doors = self._doors(drawing)
        load = _Load.of(plane, (doors.lon_lat - middle) * scale, doors.households)
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
    cuts = _cuts_across(shape, (count // 2) / count, load)
    if not len(cuts.lines):
        raise Impossible(told("the unit is too small, or what is to be even lies all in one place"))
    best = cuts.best
    first = _halve(cuts.near[best], count // 2, load.within(cuts.near[best]))
    second = _halve(cuts.far[best], count - count // 2, load.within(cuts.far[best]))
    return np.concatenate([first[0], second[0]]), [cuts.lines[best], *first[1], *second[1]]


@dataclass(frozen=True)
class _Cuts:
    """A straight cut in each direction: both sides, the line, and how far it is from even as a share of the lesser side."""

    near: Objects
    far: Objects
    lines: Objects
    off: Floats

    @property
    def best(self) -> int:
        """Few pieces first, then as good as even, then a short line."""
        pieces = shapely.get_num_geometries(self.near) + shapely.get_num_geometries(self.far)
        return int(np.lexsort((shapely.length(self.lines), np.maximum(self.off, _EVEN), pieces))[0])


def _cuts_across(shape: BaseGeometry, share: float, load: _Load) -> _Cuts:
    """The line in each direction that leaves `share` of the load on its first side, or as near to it as can be.

    Directions that leave one side without any area are left out.
    """
    off = np.zeros(len(_ACROSS))
    if load.weight.sum() > 0:
        along = _ACROSS @ load.xy.T
        at = np.array([_weighted_place(each, load.weight, share) for each in along])
        given = (along < at[:, None]) @ load.weight / load.weight.sum()
        off = np.abs(given - share) / min(share, 1 - share)
    else:
        at = _area_places(shape, share)
    long = float(np.hypot(*(np.array(shape.bounds[2:]) - shape.bounds[:2]))) + 1
    near, far = (shapely.intersection(shape, _half_planes(at, depth, long)) for depth in (-long, long))
    middle = shapely.get_coordinates(shapely.centroid(shape))[0]
    feet = middle + (at - _ACROSS @ middle)[:, None] * _ACROSS
    ends = np.stack([feet - long * _ALONG, feet + long * _ALONG], axis=1)
    lines = np.asarray(shapely.linestrings(ends), dtype=object)
    kept = (shapely.area(near) > 0) & (shapely.area(far) > 0)
    lines = shapely.intersection(lines[kept], shapely.buffer(shape, 1.0))
    return _Cuts(near[kept], far[kept], lines, off[kept])


def _weighted_place(along: Floats, weight: Floats, share: float) -> float:
    """Between two points, as near as can be to the share."""
    order = np.argsort(along, kind="stable")
    summed = np.cumsum(weight[order])
    places = along[order]
    if len(places) < 2:
        return float(places[0])
    best = int(np.argmin(np.abs(summed[:-1] - share * summed[-1]) + 1e12 * (np.diff(places) <= 0)))
    return float((places[best] + places[best + 1]) / 2)


def _area_places(shape: BaseGeometry, share: float) -> Floats:
    """In each direction, by halving: the area on the first side grows with the place of the line."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shape)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    away, along = _ACROSS @ xy.T, _ALONG @ xy.T
    start, end, left, right = (
        each[:, same] for each in (away[:, :-1], away[:, 1:], along[:, :-1], along[:, 1:])
    )
    slope = (right - left) / np.where(end == start, 1, end - start)
    low, high = away.min(axis=1), away.max(axis=1)
    wanted = share * shape.area
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        first, last = np.minimum(start, middle[:, None]), np.minimum(end, middle[:, None])
        before = ((last - first) * (left + slope * ((first + last) / 2 - start))).sum(axis=1)
        is_short, is_found = np.abs(before) < wanted, high - low < _NEAR_M
        low, high = (
            np.where(is_short & ~is_found, middle, low),
            np.where(is_short | is_found, high, middle),
        )
        if is_found.all():
            break
    return np.asarray((low + high) / 2)


def _half_planes(at: Floats, depth: float, wide: float) -> Objects:
    """In each direction what lies on one side of the place, as deep as that."""
    feet = at[:, None] * _ACROSS
    corners = [feet - wide * _ALONG, feet + wide * _ALONG]
    corners += [corners[1] + 2 * depth * _ACROSS, corners[0] + 2 * depth * _ACROSS]
    return np.asarray(shapely.polygons(np.stack(corners, axis=1)), dtype=object)
