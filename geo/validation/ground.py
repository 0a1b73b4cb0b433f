"""What the validator looks at: drafts side by side with usable shapes and who is whose parent, as columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from core.errors import Text
from geo.findings import ERROR, WARNING, Finding, Severity
from geo.metric import metric_crs_of
from geo.networks import Network
from geo.plans import UnitDraft, geometry_column
from geo.validation.edges import invalid_edges

NO_PARENT = -1
AREA_M2 = 1e-6
"""Less than this is the noise of arithmetic, not a defect."""

Objects = NDArray[np.object_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ground:
    """`shape`: valid polygons as received, None where a unit has none; `parent`: index or NO_PARENT."""

    network: Network
    drafts: Sequence[UnitDraft]
    shape: Objects
    parent: Ints
    window: BaseGeometry | None = None
    """Outside of this box units may be missing, and a gap there is none; None: every unit is there."""

    @property
    def severity(self) -> Severity:
        """What a defect of the cover is: a full network must have none."""
        return ERROR if self.network.coverage == "full" else WARNING

    @cached_property
    def level(self) -> Any:
        return _column(draft.level for draft in self.drafts)

    @cached_property
    def territorial(self) -> NDArray[np.bool_]:
        return np.array([draft.kind == "territorial" for draft in self.drafts], dtype=bool)

    @cached_property
    def named_parent(self) -> dict[str, str | None]:
        """Code → the parent's code as the source says, whatever the levels."""
        return {draft.code: draft.parent_code for draft in self.drafts}

    @cached_property
    def has_shape(self) -> NDArray[np.bool_]:
        return np.array([shape is not None for shape in self.shape], dtype=bool)

    @cached_property
    def children(self) -> dict[int, Ints]:
        """Territorial children of each unit that has any; of several child levels the first that has units there."""
        groups: dict[int, list[int]] = {}
        rows = np.flatnonzero(self.territorial & (self.parent != NO_PARENT))
        for index, parent in zip(rows.tolist(), self.parent[rows].tolist(), strict=True):
            groups.setdefault(parent, []).append(index)
        return {parent: self._first_level(group) for parent, group in groups.items()}

    def _first_level(self, group: list[int]) -> Ints:
        levels = set(self.level[group])
        if len(levels) == 1:
            return np.array(group, dtype=np.int64)
        first = next(level.code for level in self.network.levels if level.code in levels)
        return np.array([index for index in group if self.level[index] == first], dtype=np.int64)

    @cached_property
    def shaped_by_code(self) -> dict[tuple[str, str], Ints]:
        """Territorial units with a shape by level and code: a code may stand several times."""
        rows: dict[tuple[str, str], list[int]] = {}
        for index in np.flatnonzero(self.has_shape & self.territorial).tolist():
            draft = self.drafts[index]
            rows.setdefault((draft.level, draft.code), []).append(index)
        return {key: np.array(each, dtype=np.int64) for key, each in rows.items()}

    @property
    def bottom_up(self) -> list[int]:
        """Units with children, the deepest first."""
        depth = {level.code: len(self.network.chain(level.code)) for level in self.network.levels}
        return sorted(self.children, key=lambda index: -depth[self.level[index]])

    @cached_property
    def is_parent(self) -> NDArray[np.bool_]:
        """Units with territorial children, and those that bear the code of one."""
        parents = np.unique(self.parent[self.territorial & (self.parent != NO_PARENT)])
        keys = {(self.drafts[index].level, self.drafts[index].code) for index in parents.tolist()}
        alike = [(draft.level, draft.code) in keys for draft in self.drafts]
        return np.array(alike, dtype=bool) & self.territorial

    @cached_property
    def leaf_groups(self) -> list[Ints]:
        """Units with a shape that nothing subdivides, along each path of levels from a bottom level to its root."""
        above = {level.parent for level in self.network.levels}
        leaves = self.territorial & ~self.is_parent & self.has_shape
        bottoms = [level.code for level in self.network.levels if level.code not in above]
        groups = [np.flatnonzero(leaves & np.isin(self.level, self.network.chain(code))) for code in bottoms]
        return [group for group in groups if len(group)]

    @cached_property
    def leaf_tree(self) -> tuple[Ints, shapely.STRtree]:
        """All units of the leaf groups, and an index on their shapes."""
        rows = np.unique(np.concatenate([*self.leaf_groups, np.empty(0, dtype=np.int64)]))
        return rows, shapely.STRtree(self.shape[rows])

    @cached_property
    def crs(self) -> CRS:
        """The plane that areas are measured in."""
        return metric_crs_of(self.shape[self.has_shape])

    @cached_property
    def ragged(self) -> list[Objects]:
        """For each leaf group where its units' edges do not match, as lines; empty ones where they do."""
        return [invalid_edges(self.shape[group]) for group in self.leaf_groups]

    @cached_property
    def clean(self) -> NDArray[np.bool_]:
        """Units with a border of their own that nothing subdivides, in a cover whose edges match throughout."""
        clean = self.has_shape & ~self.is_parent
        for group, edges in zip(self.leaf_groups, self.ragged, strict=True):
            clean[group] &= shapely.is_empty(edges).all()
        return clean

    @cached_property
    def _unions(self) -> dict[int, BaseGeometry | None]:
        return {}

    def area(self, index: int) -> BaseGeometry | None:
        """A unit's own shape, else the union of its children's areas; None where there is none."""
        if self.has_shape[index] or index not in self.children:
            own: BaseGeometry | None = self.shape[index]
            return own
        if index not in self._unions:
            self._unions[index] = self.union(self.children[index])
        return self._unions[index]

    def areas(self, rows: Ints) -> Objects:
        return geometry_column(self.area(index) for index in rows.tolist())

    def union(self, rows: Ints) -> BaseGeometry | None:
        """The union of these units' areas, None for none; where the cover is clean, that of the lowest units at once."""
        lowest: list[int] = []
        waiting = rows.tolist()
        while waiting:
            index = waiting.pop()
            if self.has_shape[index]:
                lowest.append(index)
            elif index in self.children:
                waiting += self.children[index].tolist()
        if self.clean[lowest].all():
            return union_of(self.shape[lowest], clean=True)
        return union_of(self.areas(rows))

    def area_m2(self, shapes: Objects) -> NDArray[np.float64]:
        """Areas of pieces of border, in the plane they were cut in, scaled to metres at their own latitude.

        Not by projecting them: the long edges of a sliver bend apart in a projection, and nothing becomes metres wide.
        """
        lat = shapely.get_y(shapely.centroid(shapes))
        metres = metres_per_degree(lat)
        return np.asarray(shapely.area(shapes) * metres[0] * metres[1], dtype=np.float64)

    def code(self, index: int | np.integer[Any]) -> str:
        return self.drafts[int(index)].code

    def finding(self, rule: str, indices: Iterable[int], text: Text, fix: Text, **where: Any) -> Finding:
        """A finding on these units, of the network's severity unless `severity` is given."""
        listed = list(indices)
        level = self.drafts[listed[0]].level if listed else None
        where.setdefault("severity", self.severity)
        codes = tuple(dict.fromkeys(self.code(index) for index in listed))
        return Finding(rule, units=codes, text=text, fix=fix, level=level, **where)


def metres_per_degree(lat: Any) -> tuple[Any, Any]:
    """Metres a degree eastwards and northwards on the WGS-84 ellipsoid (its radii of curvature)."""
    axis_m, eccentricity2 = 6378137.0, 0.00669437999014
    across = 1 - eccentricity2 * np.sin(np.radians(lat)) ** 2
    east = np.radians(axis_m / np.sqrt(across)) * np.cos(np.radians(lat))
    return east, np.radians(axis_m * (1 - eccentricity2) / across**1.5)


def in_metres(shapes: Objects) -> Objects:
    """Pieces of border with degrees scaled to metres at the latitude of each: straight edges stay straight."""
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    return geometry_column(scaled(shape, middle) for shape, middle in zip(shapes, middles, strict=True))


def scaled(shape: BaseGeometry, middle: NDArray[np.float64]) -> BaseGeometry:
    """A shape in metres from `middle` (lon, lat), with the scale of that latitude throughout."""
    metres = np.array(metres_per_degree(middle[1]))
    return shapely.transform(shape, lambda xy: (xy - middle) * metres)


def union_of(shapes: Objects, *, clean: bool = False) -> BaseGeometry | None:
    """The union of polygons, None for no polygon at all; the fast way where they are a clean cover, known or not."""
    present = shapes[np.array([shape is not None for shape in shapes], dtype=bool)]
    if not len(present):
        return None
    if clean or shapely.coverage_is_valid(present):
        return shapely.coverage_union_all(present)
    return shapely.union_all(present)


def located(shape: BaseGeometry) -> dict[str, Any]:
    """`geometry` and `where` of a finding."""
    point = shapely.point_on_surface(shape)
    where = None if point.is_empty else (float(point.x), float(point.y))
    return {"geometry": shape, "where": where}


def polygons_of(shapes: Objects) -> Objects:
    """The polygonal part of each, as a MultiPolygon or Polygon; None stays, nothing polygonal becomes None."""
    kind, there = shapely.get_type_id(shapes), ~shapely.is_empty(shapes)
    plain = there & np.isin(kind, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    found = np.full(len(shapes), None, dtype=object)
    found[plain] = shapes[plain]
    for row in np.flatnonzero(there & (kind == shapely.GeometryType.GEOMETRYCOLLECTION)):
        found[row] = _polygonal(shapes[row])
    return found


def _polygonal(shape: BaseGeometry) -> BaseGeometry | None:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")]
    parts = [each for part in parts for each in shapely.get_parts(part)]
    return shapely.MultiPolygon(parts) if parts else None


def clipped(operation: Callable[[Objects, Objects], Objects], small: Objects, large: Objects) -> Objects:
    """`operation` on each pair, with `large` cut to the bounds of `small` first: outlines have many vertices."""
    west, south, east, north = shapely.bounds(small).T
    margin = np.maximum(east - west, north - south) * 0.01 + 1e-9
    cut = geometry_column(
        shapely.clip_by_rect(shape, *bounds)
        for shape, *bounds in zip(
            large, west - margin, south - margin, east + margin, north + margin, strict=True
        )
    )
    broken = ~shapely.is_valid(cut)
    cut[broken] = large[broken]
    return np.asarray(operation(small, cut), dtype=object)


def _column(values: Iterable[object]) -> Objects:
    listed = list(values)
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column
