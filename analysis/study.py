"""What a study of an area reads: its ground, the cases that occurred there, the households that live there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select, true

from analysis.gi_star import Households
from cases.placement import MAIN_NETWORK
from cases.tables import case
from cases.views import within
from core.errors import Conflict, Invalid, NotFound
from geo.cells import cells_covering, cells_of, neighbours
from geo.tables import address_point, edition, network, unit, unit_version
from people.access import Scope

MOST_CELLS: Final = 500_000
CELL_AREA_M2: Final = 15_047.5
"""Of an H3 cell of resolution 10, on average; each resolution is a seventh of the one before."""
PIN_ERROR_M: Final = 25.0
"""How far from the door a report is pinned, in one direction: a standard deviation."""


@dataclass(frozen=True)
class StudyArea:
    """The ground of one unit with all below it, or of a whole network (`unit_code` None). WGS-84."""

    network_code: str
    unit_code: str | None
    name: str
    scope: Scope
    geometry: BaseGeometry = field(repr=False)


@dataclass(frozen=True)
class CasesSeen:
    """Cases of a time and category: position (WGS-84) and state of those with coordinates, the number of the others."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    state: NDArray[np.str_]
    no_coordinates: int

    def __len__(self) -> int:
        return len(self.lon) + self.no_coordinates


def find_study_area(
    conn: Connection, network_code: str | None, unit_code: str | None, *, at: datetime
) -> StudyArea:
    """The area as it was at an instant, as far as is known now. NotFound when there is no such network or unit, or no network at all."""
    row = conn.execute(
        select(network.c.id, network.c.code, network.c.name)
        .where(network.c.id.in_(select(edition.c.network_id)))
        .where(network.c.code == network_code if network_code is not None else true())
        .order_by(network.c.code != MAIN_NETWORK, network.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no published network{f' {network_code}' if network_code else ''}")
    wanted: ColumnElement[bool] = unit_version.c.code == unit_code
    if unit_code is None:
        wanted = unit_version.c.parent_unit_id.is_(None) & (unit.c.kind == "territorial")
    units = conn.execute(
        select(
            unit_version.c.name,
            cast(unit_version.c.path, Text).label("path"),
            func.ST_AsBinary(unit_version.c.geom).label("wkb"),
        )
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(
            unit_version.c.network_id == row.id,
            unit_version.c.valid.contains(at),
            func.upper_inf(unit_version.c.recorded),
            wanted,
        )
    ).all()
    if not units:
        raise NotFound(
            f"the network {row.code} had no unit{f' {unit_code}' if unit_code else 's'} at {at.isoformat()}"
        )
    if unit_code is not None and len(units) > 1:
        raise Conflict(f"the network {row.code} has {len(units)} units {unit_code} on different levels")
    return StudyArea(
        row.code,
        unit_code,
        row.name if unit_code is None else units[0].name,
        Scope(unit_code is None, tuple(each.path for each in units) if unit_code is not None else ()),
        shapely.union_all(shapely.from_wkb([bytes(each.wkb) for each in units])),
    )


def read_cases(
    conn: Connection, area: StudyArea, *, since: datetime, until: datetime, category: str | None
) -> CasesSeen:
    """The cases with since ≤ occurred < until: all of the city's for a whole network, else those of the unit.

    A case without coordinates belongs to the unit that holds or held it.
    """
    period = [case.c.occurred_at >= since, case.c.occurred_at < until]
    if category is not None:
        period.append(case.c.category == category)
    located = select(func.ST_X(case.c.point), func.ST_Y(case.c.point), case.c.state).where(
        case.c.point.is_not(None), *period
    )
    if area.unit_code is not None:
        located = located.where(case.c.point.op("&&")(func.ST_MakeEnvelope(*area.geometry.bounds, 4326)))
    lon, lat, state = _columns(conn.execute(located.order_by(case.c.id)).all(), 3)
    if area.unit_code is not None:
        there = shapely.intersects_xy(area.geometry, lon, lat)
        lon, lat, state = lon[there], lat[there], state[there]
    nowhere = (
        select(func.count()).select_from(case).where(case.c.point.is_(None), within(area.scope), *period)
    )
    return CasesSeen(lon, lat, state.astype(np.str_), conn.execute(nowhere).scalar_one())


def read_households(
    conn: Connection, area: StudyArea
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lon, lat and households of the address points in the area."""
    shapely.prepare(area.geometry)
    rows = conn.execute(
        select(func.ST_X(address_point.c.point), func.ST_Y(address_point.c.point), address_point.c.households)
        .where(address_point.c.active, address_point.c.households > 0)
        .where(address_point.c.point.op("&&")(func.ST_MakeEnvelope(*area.geometry.bounds, 4326)))
    ).all()
    lon, lat, households = _columns(rows, 3)
    there = shapely.intersects_xy(area.geometry, lon, lat)
    return lon[there], lat[there], households[there].astype(np.float64)


def _columns(rows: Sequence[Any], width: int) -> tuple[NDArray[Any], ...]:
    """Rows as arrays: numbers as float64, the rest as text."""
    if not rows:
        return tuple(np.empty(0) for _ in range(width))
    return tuple(
        np.array(column, np.float64 if not isinstance(column[0], str) else np.str_)
        for column in zip(*rows, strict=True)
    )


def neighbour_table(cells: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(cells, 6) indexes of each cell's neighbours among `cells`, -1 where there is none."""
    start, end = neighbours(cells)
    table = np.full((len(cells), 6), -1, np.int64)
    table[start, np.arange(len(start)) - np.searchsorted(start, start)] = end
    return table


def list_cells(area: StudyArea, resolution: int) -> NDArray[np.uint64]:
    _, south, _, north = area.geometry.bounds
    square_m = 111_320.0**2 * math.cos(math.radians((south + north) / 2))
    likely = area.geometry.area * square_m / (CELL_AREA_M2 * 7.0 ** (10 - resolution))
    if likely > MOST_CELLS:
        raise Invalid(
            f"{area.name} has about {likely:,.0f} cells at resolution {resolution}, more than {MOST_CELLS:,}: "
            "choose a smaller unit or a lower resolution"
        )
    shapely.prepare(area.geometry)
    return cells_covering(area.geometry, resolution)


def find_cells(cells: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Index in `cells` (ascending, at least one) of each wanted cell, -1 where it is not among them."""
    index = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1).astype(np.int64)
    return np.where(cells[index] == wanted, index, -1)


def count_households(
    cells: NDArray[np.uint64], doors: tuple[NDArray[np.float64], ...], resolution: int
) -> Households:
    """Households of each cell from lon, lat and households of doors; spread by a normal distribution of PIN_ERROR_M.

    The distribution is taken at nine points (Gauss-Hermite quadrature of third order in both directions).
    """
    lon, lat, households = doors
    north = math.sqrt(3) * PIN_ERROR_M / 111_320.0
    east = north / np.cos(np.radians(lat))
    spread, at_doors = np.zeros(len(cells)), np.zeros(len(cells))
    for across, x in ((0, 2 / 3), (-1, 1 / 6), (1, 1 / 6)):
        for up, y in ((0, 2 / 3), (-1, 1 / 6), (1, 1 / 6)):
            cell = find_cells(cells, cells_of(lon + across * east, lat + up * north, resolution))
            known = cell >= 0
            there = np.bincount(cell[known], households[known], len(cells)).astype(np.float64)
            spread += x * y * there
            if across == up == 0:
                at_doors = there
    return Households(at_doors, spread)
