"""What lies in each unit of a list: households and residents, ground, cases, places to be visited, streets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from analysis.redraw.blocks import first_within, read_cases
from analysis.redraw.graph import Floats, Ints, Objects
from geo.addresses import read_door_counts
from geo.metric import metric_crs_of, to_metres
from geo.networks import Network
from geo.operations import Unit
from geo.operations.effects import Measures, measure
from geo.plans import geometry_column
from geo.walkable.standing import Box, read_sites, read_streets


@dataclass(frozen=True)
class Figures:
    """Of one unit on one side. `cases`: of ninety days; `places`: to be visited; `size`: fits, small, large or None.

    `people`: who is assigned to it now, in tracked roles; a born unit has nobody yet.
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


@dataclass(frozen=True)
class Ground:
    """What stands and happens in a box: read once, counted in the units before and after."""

    doors: Floats
    households: Floats
    residents: Floats
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
    return Ground(
        doors.lon_lat, doors.households, doors.residents, cases, is_open, middles, geometry_column(streets)
    )


def count_figures(
    network: Network, ground: Ground, units: Sequence[Unit], people: dict[object, int]
) -> list[Figures]:
    """Of units with a border each, in their order."""
    if not units:
        return []
    shapes = geometry_column(unit.geom for unit in units)
    tree, count = shapely.STRtree(shapes), len(units)
    door, home = first_within(tree, ground.doors)
    struck, where = first_within(tree, ground.cases)
    _, visited = first_within(tree, shapely.get_coordinates(ground.sites))
    residents = np.bincount(home, ground.residents[door], minlength=count)
    cases = np.bincount(where, minlength=count)
    open_cases = np.bincount(where, ground.is_open[struck], minlength=count)
    places = np.bincount(visited, minlength=count)
    streets = _streets_m(shapes, ground.streets)
    shape = measure(units)
    return [
        _figures(network, unit, shape[unit.id], people.get(unit.id, 0), row)
        for unit, row in zip(
            units, zip(residents, cases, open_cases, places, streets, strict=True), strict=True
        )
    ]


def _figures(network: Network, unit: Unit, shape: Measures, people: int, row: tuple[Any, ...]) -> Figures:
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
        people,
        _size(network, unit),
    )


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


def moved(before: Sequence[Unit], after: Sequence[Unit], points: Floats) -> NDArray[np.bool_]:
    """Which points lie in another unit than before; a point that lay or lies in none of them did not move."""
    sides: list[Ints] = []
    names = {unit.id: row for row, unit in enumerate({each.id: each for each in (*before, *after)}.values())}
    for units in (before, after):
        found = np.full(len(points), -1, dtype=np.int64)
        tree = shapely.STRtree(geometry_column(unit.geom for unit in units))
        point, shape = first_within(tree, points)
        numbers = np.array([names[unit.id] for unit in units], dtype=np.int64)
        found[point] = numbers[shape] if len(point) else found[point]
        sides.append(found)
    return np.asarray((sides[0] != sides[1]) & (sides[0] >= 0) & (sides[1] >= 0))
