"""Splitting evenly by cases: where they lie is counted here, so that nobody has to send it."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from analysis.redraw.blocks import CASES_DAYS, read_cases
from analysis.redraw.graph import Floats
from core.errors import Invalid, told
from geo.operations import Operation, SplitEven
from geo.plans import Plan, geometry_column
from geo.plans.working import BY_ID, asking, read_units

CELL_DEG = 0.0005
"""Cases are counted in cells of about fifty metres: a plan's log tells planners no case's own place."""


def with_cases(conn: Connection, found: Plan, operation: Operation, now: datetime) -> Operation:
    """An even split by cases without points gets those of the last ninety days in the unit as the plan has it."""
    if not isinstance(operation, SplitEven) or operation.by != "cases" or operation.points:
        return operation
    for unit in read_units(conn, BY_ID, asking(found, operation.subjects)):
        if unit.geom is None:
            return operation  # refused with its own reason
        points = _count_cells(unit.geom, read_cases(conn, geometry_column([unit.geom]), now)[0])
        if not points:
            text = told(
                "no case of the last {days} days lies in {level} {code}: split it by households or area",
                days=CASES_DAYS,
                level=unit.level,
                code=unit.code,
            )
            raise Invalid(text)
        return replace(operation, points=points)
    return operation


def _count_cells(border: BaseGeometry, cases: Floats) -> tuple[tuple[float, float, float], ...]:
    """lon, lat of a place inside of the border in each cell, and how many cases lie in the cell."""
    inside = cases[shapely.intersects_xy(border, cases)] if len(cases) else cases
    cells, number = np.unique(np.floor(inside / CELL_DEG), axis=0, return_counts=True)
    boxes = shapely.box(*(cells * CELL_DEG).T, *((cells + 1) * CELL_DEG).T)
    places = shapely.get_coordinates(shapely.point_on_surface(shapely.intersection(boxes, border)))
    return tuple(
        (float(lon), float(lat), float(many)) for (lon, lat), many in zip(places, number, strict=True)
    )
