"""What lies in each unit: households and residents, ground, cases, places to be visited, streets.

It is counted in the lowest units and summed for those above them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from analysis.redraw.blocks import first_within, read_cases
from analysis.redraw.graph import Floats, Objects
from analysis.redraw.impact.trees import Tree, branches
from geo.addresses import DoorCounts, read_door_counts
from geo.metric import metric_crs_of, to_metres
from geo.networks import Network
from geo.operations import Unit
from geo.operations.effects import Measures, measure
from geo.plans import as_multipolygons, geometry_column
from geo.walkable.standing import Box, read_sites, read_streets


@dataclass(frozen=True)
class Figures:
    """Of one unit on one side. `cases`: of ninety days; `places`: to be visited; `size`: fits, small, large or None.

    `people`: who is assigned to it or below it now, in tracked roles, each counted once; a born unit has nobody of its own yet.
    `units`: how many stand right below it.
    """

    households: int | None
    residents: int
    area_m2: float
    cases: int
    open_cases: int
    places: int
    streets_m: float
    compactness: float
    parts: int
    people: int
    size: str | None
    units: int = 0


@dataclass(frozen=True)
class Ground:
    """What stands and happens in a box: read once, counted in the units before and after."""

    doors: DoorCounts
    cases: Floats
    is_open: NDArray[np.bool_]
    sites: Objects
    streets: Objects


def read_ground(conn: Connection, shapes: Objects, now: datetime) -> Ground:
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    box: Box = (west, south, east, north)
    doors = read_door_counts(conn, shapes)
    cases, is_open = read_cases(conn, shapes, now)
    sites = [each.geometry for each in read_sites(conn, box, now.date())]
    streets = [each.geometry for each in read_streets(conn, box, now.date())]
    middles = shapely.point_on_surface(geometry_column(sites)) if sites else np.empty(0, dtype=object)
    return Ground(doors, cases, is_open, middles, geometry_column(streets))


def count_figures(network: Network, ground: Ground, leaves: Sequence[Unit]) -> dict[UUID, Figures]:
    """Of units with a border each, without people; each cover is counted by itself."""
    found: dict[UUID, Figures] = {}
    for units in branches(network, leaves):
        found |= zip((each.id for each in units), _count(network, ground, units), strict=True)
    return found


def _count(network: Network, ground: Ground, units: Sequence[Unit]) -> list[Figures]:
    shapes = geometry_column(unit.geom for unit in units)
    tree, count = shapely.STRtree(shapes), len(units)
    door, home = first_within(tree, ground.doors.lon_lat)
    struck, where = first_within(tree, ground.cases)
    _, visited = first_within(tree, shapely.get_coordinates(ground.sites))
    residents = np.bincount(home, ground.doors.residents[door], minlength=count)
    cases = np.bincount(where, minlength=count)
    open_cases = np.bincount(where, ground.is_open[struck], minlength=count)
    places = np.bincount(visited, minlength=count)
    streets = _streets_m(shapes, ground.streets)
    shape = measure(units)
    return [
        _figures(network, unit, shape[unit.id], row)
        for unit, row in zip(
            units, zip(residents, cases, open_cases, places, streets, strict=True), strict=True
        )
    ]


def _figures(network: Network, unit: Unit, shape: Measures, row: tuple[Any, ...]) -> Figures:
    residents, cases, open_cases, places, streets_m = row
    return Figures(
        unit.households,
        int(residents),
        shape.area_m2,
        int(cases),
        int(open_cases),
        int(places),
        float(streets_m),
        shape.compactness,
        shape.parts,
        0,
        _size(network, unit),
    )


def figures_of(
    tree: Tree, unit_id: UUID, counted: Mapping[UUID, Figures], people: Mapping[UUID, set[int]]
) -> Figures | None:
    """A unit's figures: the sums of those of the lowest units that make it up; None where it is not on this side.

    `people`: who is assigned to each unit.
    """
    unit = tree.units.get(unit_id)
    leaves = tree.leaves(unit_id)
    if unit is None or not leaves:
        return None
    parts = [counted[each.id] for each in leaves]
    known = [each.households for each in parts if each.households is not None]
    here = replace(unit, geom=_union(leaves), households=sum(known) if known else None)
    shape = measure([here])[unit_id]
    return Figures(
        here.households,
        sum(each.residents for each in parts),
        sum(each.area_m2 for each in parts),
        sum(each.cases for each in parts),
        sum(each.open_cases for each in parts),
        sum(each.places for each in parts),
        sum(each.streets_m for each in parts),
        shape.compactness,
        shape.parts,
        len(set().union(*(people.get(each, ()) for each in tree.within(unit_id)))),
        _size(tree.network, here),
        0 if unit.geom is not None else len(tree.children(unit_id)),
    )


def _union(leaves: Sequence[Unit]) -> BaseGeometry | None:
    """The ground of several; where they do not fit together as a cover does, the slow way."""
    if len(leaves) == 1:
        return leaves[0].geom
    shapes = geometry_column(each.geom for each in leaves)
    fits = shapely.coverage_is_valid(shapes)
    union = shapely.coverage_union_all(shapes) if fits else shapely.union_all(shapes)
    return as_multipolygons(geometry_column([union]))[0]  # type: ignore[no-any-return]


def _size(network: Network, unit: Unit) -> str | None:
    rule = network.rules.get("size", {}).get(unit.level)
    if not rule or unit.households is None:
        return None
    least, most = rule["households"]
    return "small" if unit.households < least else "large" if unit.households > most else "fits"


def _streets_m(shapes: Objects, streets: Objects) -> Floats:
    """Metres of street in each; along a border they count on the side where the street's middle lies."""
    if not len(streets):
        return np.zeros(len(shapes))
    lines = geometry_column(shapely.get_parts(streets))
    unit, line = shapely.STRtree(lines).query(shapes, predicate="intersects")
    inside = shapely.intersection(shapes[unit], lines[line])
    crs = metric_crs_of(shapes)
    return np.bincount(unit, shapely.length(to_metres(inside, crs)), minlength=len(shapes)).astype(np.float64)
