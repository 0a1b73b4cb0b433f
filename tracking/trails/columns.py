"""The accepted fixes of a period as columns: millions of them at once, which no row objects could be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from core.db import driver

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL's binary instants are microseconds since then."""
_HEADER: Final = 19
_FIELDS: Final = (
    ("person", ">i8"),
    ("device", ">i8"),
    ("at", ">i8"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    ("accuracy", ">f8"),
)
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        *(pair for name, kind in _FIELDS for pair in ((f"{name}_bytes", ">i4"), (name, kind))),
    ]
)


@dataclass(frozen=True)
class FixColumns:
    """One row a fix, in any order. `at_us`: microseconds since the beginning asked for; `accuracy_m` NaN: not told."""

    person: NDArray[np.int64]
    device: NDArray[np.int64]
    at_us: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]


def read_columns(
    conn: Connection,
    since: datetime,
    until: datetime,
    *,
    zero: datetime | None = None,
    people: Collection[int] | None = None,
) -> FixColumns:
    """The accepted fixes with since ≤ fixed < until, of everybody or of some; times count from `zero` (None: since)."""
    whose = sql.SQL("") if people is None else sql.SQL("AND person_id = ANY ({})").format([*people])
    statement = sql.SQL(
        "COPY (SELECT person_id, device_id, fixed_at, lon, lat, coalesce(accuracy_m, 'NaN') FROM fix "
        "WHERE fixed_at >= {} AND fixed_at < {} AND flags = 0 {}) TO STDOUT (FORMAT BINARY)"
    ).format(sql.Literal(since), sql.Literal(until), whose)
    with driver(conn).cursor() as cursor, cursor.copy(statement) as copy:
        content = b"".join(copy)
    rows = np.frombuffer(content[_HEADER:-2], _ROW)
    zero_us = ((zero or since) - _EPOCH) // (datetime.resolution)
    return FixColumns(
        person=rows["person"].astype(np.int64),
        device=rows["device"].astype(np.int64),
        at_us=rows["at"].astype(np.int64) - zero_us,
        lon=rows["lon"].astype(np.float64),
        lat=rows["lat"].astype(np.float64),
        accuracy_m=rows["accuracy"].astype(np.float64),
    )
