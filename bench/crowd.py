"""A crowd to measure with: people on shift, each with a phone of known credential, in the fictional city."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Table, insert, select, text
from sqlalchemy.dialects.postgresql import Range

from bench.ground import CITY, SEED, own_database
from core.clock import utc_now
from core.settings import Settings
from geo.editions import publish_plan
from geo.received import import_received
from geo.received.folder import read_boundary_folder
from geo.tables import unit_version
from people.tables import assignment, notice, notice_acceptance, person, shift
from tracking.devices import token_hash
from tracking.tables import device, device_holder

ROLE = "grid_worker"
_LONG = timedelta(days=400)
_SHIFT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Crowd:
    """`token[n]` is the credential of the phone whose person starts at `start[n]` (lon, lat), inside the own micro-grid."""

    tokens: tuple[str, ...]
    start: NDArray[np.float64]


@contextmanager
def crowded_city(settings: Settings, count: int) -> Iterator[tuple[Engine, Crowd]]:
    """A database of its own with the city's governance network and `count` people on shift in it; gone afterwards."""
    with own_database(settings) as engine:
        with engine.begin() as conn:
            received = read_boundary_folder(CITY.parent)
            import_received(conn, received, author="bench")
            publish_plan(conn, received.network, by="bench", now=utc_now())
        with engine.begin() as conn:
            crowd = gather_crowd(conn, count, now=utc_now())
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))  # as autovacuum has in any city that is older than a minute
        yield engine, crowd


def gather_crowd(conn: Connection, count: int, *, now: datetime) -> Crowd:
    """`count` people, each serving one micro-grid (in turn), on shift for half a day around `now`."""
    grids = conn.execute(
        select(unit_version.c.unit_id, unit_version.c.geom.ST_PointOnSurface().ST_AsBinary())
        .where(unit_version.c.level == "microgrid")
        .order_by(unit_version.c.code)
    ).all()
    served = [grids[n % len(grids)] for n in range(count)]
    tokens = tuple(f"bench-{SEED}-{n:06d}" for n in range(count))
    since = now - _LONG
    conn.execute(
        insert(notice).values(
            version="bench", text_zh="告知", text_en="Notice", published_at=since, renews=False
        )
    )
    persons = _insert(conn, person, [{"code": f"B{n:06d}", "name": f"李{n}"} for n in range(count)])
    devices = _insert(
        conn, device, [{"code": f"bench-{n:06d}", "token_hash": token_hash(tokens[n])} for n in range(count)]
    )
    told: tuple[tuple[Table, list[dict[str, object]]], ...] = (
        (notice_acceptance, [{"version": "bench", "accepted_at": since, "how": "paper"} for _ in persons]),
        (
            assignment,
            [{"unit_id": grid.unit_id, "role": ROLE, "valid": Range(since, None)} for grid in served],
        ),
        (shift, [{"starts_at": now - _SHIFT, "ends_at": now + _SHIFT} for _ in persons]),
        (device_holder, [{"device_id": held, "valid": Range(since, None)} for held in devices]),
    )
    for table, rows in told:
        whose = [row | {"person_id": one} for row, one in zip(rows, persons, strict=True)]
        conn.execute(insert(table), whose)
    points = shapely.from_wkb([bytes(grid[1]) for grid in served])
    return Crowd(tokens, shapely.get_coordinates(points))


def _insert(conn: Connection, table: Table, rows: list[dict[str, object]]) -> list[int]:
    """Ids of new rows, in their order."""
    found = conn.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows)
    return [row.id for row in found]
