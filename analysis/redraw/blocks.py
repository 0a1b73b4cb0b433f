"""The blocks of one parent's ground, with what lives and happens in each: what suggestions and painting are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select

from analysis.redraw.carve import carve
from analysis.redraw.graph import Floats, Ints, Objects
from cases.tables import case
from core.errors import Invalid, told
from geo.addresses import DoorCounts, read_door_counts
from geo.flows import area_m2
from geo.operations import Drawing, RedrawPartition, Unit
from geo.plans import Plan, geometry_column
from geo.plans.neighbourhood import read_drawing
from geo.walkable.standing import read_obstacles, read_streets

CASES_DAYS = 90
MOST_BLOCKS = 10_000


@dataclass(frozen=True)
class Blocks:
    """`source`: streets, given or units (the lowest units stand for blocks). `streets`: lines to follow, WGS-84.

    `holder`: the place in `units` of the unit that has each block now; `leaf`: that of the lowest unit, in `leaves`.
    """

    parent: Unit
    source: str
    shapes: Objects
    units: list[Unit]
    holder: Ints
    households: Floats
    residents: Floats
    cases: Floats
    area_m2: Floats
    streets: list[BaseGeometry]
    leaves: list[Unit] = field(default_factory=list)
    leaf: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def weight(self, by: str) -> Floats:
        """Workload counts households and cases alike, each as its share of all."""
        if by == "workload":
            parts = [each / each.sum() for each in (self.households, self.cases) if each.sum() > 0]
            return np.asarray(sum(parts, np.zeros(len(self.shapes))))
        figures = {"households": self.households, "area": self.area_m2, "cases": self.cases}
        if by not in figures:
            raise Invalid(told("even by “{by}”: households, area, cases or workload", by=by))
        return figures[by]


def read_blocks(
    conn: Connection, found: Plan, parent: UUID, *, now: datetime, given: Sequence[BaseGeometry] = ()
) -> Blocks:
    """The blocks of a parent's ground as the plan has it: between streets and water, else the units themselves.

    `given`: blocks drawn elsewhere, in place of these.
    """
    drawing = read_drawing(conn, found, RedrawPartition(parent))
    above = drawing.unit(parent)
    units, leaves = _units(drawing, above)
    borders = geometry_column(leaf.geom for leaf, _ in leaves)
    box = tuple(map(float, shapely.total_bounds(borders)))
    streets = [each.geometry for each in read_streets(conn, box, now.date())]  # type: ignore[arg-type]
    water = [each.geometry for each in read_obstacles(conn, box, now.date())]  # type: ignore[arg-type]
    lines = [*streets, *(each if each.length and not each.area else each.boundary for each in water)]
    source, shapes, leaf = _shapes(borders, lines if units[0].geom is not None else [], given)
    if len(shapes) > MOST_BLOCKS:
        raise Invalid(
            told(
                "{blocks} blocks are more than {most}: choose a smaller unit",
                blocks=f"{len(shapes):,}",
                most=f"{MOST_BLOCKS:,}",
            )
        )
    holder = np.array([leaves[each][1] for each in leaf.tolist()], dtype=np.int64)
    doors, calls = read_door_counts(conn, borders), read_cases(conn, borders, now)[0]
    counted = _counted(shapes, doors, calls)
    if not counted["households"].sum():
        counted["households"] = _shared_out([each for each, _ in leaves], leaf, counted["area_m2"])
    lowest = [each for each, _ in leaves]
    return Blocks(above, source, shapes, units, holder, streets=lines, leaves=lowest, leaf=leaf, **counted)


def _units(drawing: Drawing, above: Unit) -> tuple[list[Unit], list[tuple[Unit, int]]]:
    """The units right below (the parent itself where nothing divides it), and the lowest ones with whose they are."""
    units = sorted(drawing.children(above.id), key=lambda each: each.code) or [above]
    leaves = [
        (leaf, place)
        for place, unit in enumerate(units)
        for leaf in ([unit] if unit.geom is not None else drawing.children(unit.id))
    ]
    if not leaves or any(leaf.geom is None for leaf, _ in leaves):
        raise Invalid(
            told(
                "{level} {code} stands too high: choose one of the units below it to divide",
                level=above.level,
                code=above.code,
            )
        )
    return units, leaves


def _shapes(
    borders: Objects, lines: Sequence[BaseGeometry], given: Sequence[BaseGeometry]
) -> tuple[str, Objects, Ints]:
    """Blocks and the place of the lowest unit that holds each."""
    if given:
        shapes = geometry_column(given)
        block, leaf = shapely.STRtree(borders).query(shapely.point_on_surface(shapes), predicate="within")
        block, first = np.unique(block, return_index=True)
        return "given", shapes[block], leaf[first]
    if not lines:
        return "units", borders, np.arange(len(borders))
    shapes, leaf = carve(borders, lines)
    few = len(shapes) <= len(borders)
    return ("units", borders, np.arange(len(borders))) if few else ("streets", shapes, leaf)


def read_cases(conn: Connection, borders: Objects, now: datetime) -> tuple[Floats, NDArray[np.bool_]]:
    """Places of the cases of the last ninety days in the box of the borders, and which of them are open."""
    west, south, east, north = map(float, shapely.total_bounds(borders))
    since = now - timedelta(days=CASES_DAYS)
    is_open = case.c.owner_unit_id.is_not(None)
    query = select(func.ST_X(case.c.point), func.ST_Y(case.c.point), is_open).where(
        case.c.point.op("&&")(func.ST_MakeEnvelope(west, south, east, north, 4326)),
        case.c.occurred_at >= since,
        case.c.occurred_at < now,
        case.c.state.not_in(("rejected", "duplicate")),
    )
    rows = np.array([tuple(row) for row in conn.execute(query)], dtype=np.float64).reshape(-1, 3)
    return rows[:, :2], rows[:, 2] > 0


def _counted(shapes: Objects, doors: DoorCounts, calls: Floats) -> dict[str, Floats]:
    tree = shapely.STRtree(shapes)
    count = len(shapes)
    door, block = first_within(tree, doors.lon_lat)
    _, struck = first_within(tree, calls)
    return {
        "households": np.bincount(block, doors.households[door], minlength=count).astype(np.float64),
        "residents": np.bincount(block, doors.residents[door], minlength=count).astype(np.float64),
        "cases": np.bincount(struck, minlength=count).astype(np.float64),
        "area_m2": area_m2(shapes),
    }


def first_within(tree: shapely.STRtree, lon_lat: Floats) -> tuple[Ints, Ints]:
    """Points that lie in a shape, each with one: of several that share a border, the first."""
    point, shape = tree.query(shapely.points(lon_lat), predicate="intersects")
    point, first = np.unique(point, return_index=True)
    return point, shape[first]


def _shared_out(leaves: Sequence[Unit], leaf: Ints, area: Floats) -> Floats:
    """Where no door is known: the households of each lowest unit over its blocks, by area."""
    known = np.array([each.households or 0 for each in leaves], dtype=np.float64)
    whole = np.bincount(leaf, area, minlength=len(leaves))
    return known[leaf] * area / np.where(whole > 0, whole, 1)[leaf]
