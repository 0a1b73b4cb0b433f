"""A synthetic city for the tests of hotspots: one district, a dense middle, address points, cases by chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.db import copy_rows
from geo.cells import cells_covering
from geo.lookup import Lookup
from tests.geo.ground import Drawn, make_network, publish

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
LON, LAT = 113.62, 34.75
METRE = 1 / 111_320.0


@dataclass(frozen=True)
class City:
    border: shapely.Polygon
    homes: NDArray[np.float64]
    households: NDArray[np.int64]


def draw_city(seed: int, *, side_m: float = 4000, homes: int = 1500) -> City:
    """A square city: homes crowd around its middle and thin out; a lake holds none."""
    generator = np.random.default_rng(seed)
    half = side_m * METRE / 2
    border = shapely.box(LON - half * 1.2, LAT - half, LON + half * 1.2, LAT + half)
    spots = generator.normal([LON, LAT], half * 0.45, (homes * 4, 2))
    lake = shapely.Point(LON + half * 0.5, LAT).buffer(half * 0.2)
    good = shapely.contains_xy(border, spots) & ~shapely.contains_xy(lake, spots)
    spots = spots[good][:homes].round(7)
    return City(border, spots, generator.integers(1, 60, len(spots)))


def scatter_cases(city: City, count: int, seed: int) -> NDArray[np.float64]:
    """Positions of cases that happen to households alone, some metres from the address."""
    generator = np.random.default_rng([seed, 7])
    chosen = generator.choice(len(city.homes), count, p=city.households / city.households.sum())
    return (city.homes[chosen] + generator.normal(0, 8 * METRE, (count, 2))).round(7)


def build_city(conn: Connection, city: City) -> None:
    make_network(conn, "governance", ["district"])
    publish(conn, "governance", [Drawn("D1", city.border, "district")])
    rows = [
        (
            f"A{place}",
            "addr",
            f"SRID=4326;POINT({lon} {lat})",
            int(households),
            "test",
            date(2026, 1, 1),
            True,
        )
        for place, ((lon, lat), households) in enumerate(zip(city.homes, city.households, strict=True))
    ]
    copy_rows(
        conn, "address_point", ("code", "address", "point", "households", "source", "as_of", "active"), rows
    )


def put_cases(
    conn: Connection, places: NDArray[np.float64] | Sequence[tuple[float, float]], *, tag: str = "x"
) -> None:
    """Closed past cases at these positions, spread over the period."""
    reports = [
        CaseReport(
            channel="test",
            external_ref=f"{tag}{place}",
            category="noise",
            lon=float(lon),
            lat=float(lat),
            reported_at=SINCE + timedelta(minutes=place),
            state="closed",
        )
        for place, (lon, lat) in enumerate(places)
    ]
    take_in_cases(conn, Lookup(conn), reports, actor=Actor("test", "operator"), now=NOW)


def count_cells(city: City, resolution: int = 10) -> int:
    return len(cells_covering(city.border, resolution))
