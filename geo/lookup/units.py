"""A network's units at one instant, read from the database into columns; and the editions there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Row,
    Select,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from geo.codes import natural_key
from geo.lookup.answers import PlacedUnit
from geo.tables import edition, holds, network, stands, unit, unit_version

NO_ROW = -1


@dataclass(frozen=True)
class Edition:
    id: int
    effective_from: datetime | None
    """None: since ever."""


@dataclass(frozen=True)
class Network:
    """A network and its published editions, oldest publication first."""

    id: int
    code: str
    name: str
    coverage: str
    levels: tuple[dict[str, Any], ...]
    editions: tuple[Edition, ...]

    @cached_property
    def starts(self) -> tuple[datetime | None, ...]:
        """The instants at which the ground changed, in order; None (since ever) first."""
        known = {each.effective_from for each in self.editions}
        return ((None,) if None in known else ()) + tuple(
            sorted(start for start in known if start is not None)
        )

    def edition_at(self, start: datetime | None) -> Edition:
        """The newest published edition that had taken effect at one of the `starts`."""
        return max(
            (each for each in self.editions if _from(each.effective_from) <= _from(start)),
            key=lambda each: each.id,
        )


def _from(instant: datetime | None) -> float:
    return float("-inf") if instant is None else instant.timestamp()


@dataclass(frozen=True)
class Units:
    """Columns of the units valid at one instant, in natural order of their codes: the lowest row owns a border."""

    version_id: NDArray[np.int64]
    unit_id: NDArray[np.object_]
    level: NDArray[np.str_]
    kind: NDArray[np.str_]
    code: NDArray[np.object_]
    name: NDArray[np.object_]
    parent_row: NDArray[np.int32]
    """Row of the parent unit, NO_ROW for a root."""
    geom: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.version_id)

    def placed(self, row: int) -> PlacedUnit:
        return PlacedUnit(
            unit_version_id=int(self.version_id[row]),
            unit_id=self.unit_id[row],
            level=str(self.level[row]),
            kind=str(self.kind[row]),
            code=self.code[row],
            name=self.name[row],
        )


def read_networks(conn: Connection, *, known_at: datetime | None = None) -> dict[str, Network]:
    """Every network by its code, in the order they were made, with the editions that stand: none that was taken back.

    `known_at`: as was known then; None: now.
    """
    editions: dict[int, list[Edition]] = {}
    for row in conn.execute(
        select(edition.c.id, edition.c.network_id, edition.c.effective_from)
        .where(stands(known_at))
        .order_by(edition.c.id)
    ):
        editions.setdefault(row.network_id, []).append(Edition(row.id, row.effective_from))
    return {
        row.code: Network(
            row.id, row.code, row.name, row.coverage, tuple(row.levels), tuple(editions.get(row.id, ()))
        )
        for row in conn.execute(select(network).order_by(network.c.id))
    }


def units_at(network_id: int, at: datetime | None, *, known_at: datetime | None = None) -> Select[Any]:
    """The unit versions of a network valid at an instant (None: since ever), as far as was known then (None: now)."""
    instant = literal("-infinity") if at is None else bindparam("at", at)
    return select_units(network_id, holds(cast(instant, DateTime(timezone=True)), known_at))


def select_units(network_id: int, chosen: ColumnElement[bool]) -> Select[Any]:
    """Those unit versions of a network, as `as_columns` takes them."""
    return (
        select(
            unit_version.c.id,
            unit_version.c.unit_id,
            unit_version.c.parent_unit_id,
            unit_version.c.level,
            unit.c.kind,
            unit_version.c.code,
            unit_version.c.name,
            func.ST_AsBinary(unit_version.c.geom).label("wkb"),
        )
        .join_from(unit_version, unit, unit.c.id == unit_version.c.unit_id)
        .where(unit_version.c.network_id == network_id, chosen)
    )


def read_units(
    conn: Connection, network_id: int, at: datetime | None, *, known_at: datetime | None = None
) -> Units:
    """The units of a network at an instant."""
    return as_columns(conn.execute(units_at(network_id, at, known_at=known_at)).all())


def as_columns(found: Sequence[Row[Any]]) -> Units:
    """Sorted by natural order of code (then by version, for codes given twice)."""
    rows = sorted(found, key=lambda row: (natural_key(row.code), row.id))
    place_of: dict[UUID, int] = {row.unit_id: place for place, row in enumerate(rows)}
    return Units(
        version_id=np.array([row.id for row in rows], dtype=np.int64),
        unit_id=_objects([row.unit_id for row in rows]),
        level=np.array([row.level for row in rows], dtype=np.str_),
        kind=np.array([row.kind for row in rows], dtype=np.str_),
        code=_objects([row.code for row in rows]),
        name=_objects([row.name for row in rows]),
        parent_row=np.array([place_of.get(row.parent_unit_id, NO_ROW) for row in rows], dtype=np.int32),
        geom=shapely.from_wkb(_objects([bytes(row.wkb) for row in rows])),
    )


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
