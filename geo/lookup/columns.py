"""What placement adds to a file of points: a code per level, a status and more for every network."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid
from geo.lookup.answers import STATUSES, Placements
from geo.lookup.lookup import Lookup
from geo.lookup.rows import PointRows
from geo.lookup.units import Network


@dataclass(frozen=True)
class PlacedRows:
    """New columns, in order, beside the rows as read; and how many rows of each network have each status."""

    columns: dict[str, list[str]]
    statuses: dict[str, dict[str, int]]


def place_rows(
    lookup: Lookup, rows: PointRows, *, networks: Iterable[str], now: datetime, border: bool = False
) -> PlacedRows:
    """Place every row in these networks at its own instant, or `now` where the file has no times.

    Per network: `<network>_<level>` codes from the top level down (dedicated grids where no territorial unit is of
    the level), `<network>_dedicated` where it has dedicated grids, `<network>_several` where units may overlap, `<network>_status` and, with `border`, `<network>_border_m`.
    Invalid when the file has one of these columns already.
    """
    at = rows.at if rows.at is not None else np.full(len(rows.cells), np.datetime64(_plain(now), "us"))
    columns: dict[str, list[str]] = {}
    statuses: dict[str, dict[str, int]] = {}
    for code in networks:
        network = lookup.network(code)
        placements = lookup.place_many(code, rows.lon, rows.lat, at, accuracy_m=rows.accuracy_m)
        status = np.where(rows.trouble == "", placements.status.astype(object), rows.trouble)
        statuses[code] = {str(name): int((status == name).sum()) for name in _present(status)}
        columns |= _columns(network, placements, status, border=border)
    taken = [name for name in columns if name in rows.columns]
    if taken:
        raise Invalid(f"the file has a column {', '.join(taken)} already; rename or remove it")
    return PlacedRows(columns, statuses)


def _plain(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None) - (instant.utcoffset() or instant - instant)


def _present(status: NDArray[np.object_]) -> list[object]:
    """The statuses there are, placed ones first."""
    known = [name for name in STATUSES if (status == name).any()]
    return [*known, *sorted(set(status) - set(known))]


def _columns(
    network: Network, placements: Placements, status: NDArray[np.object_], *, border: bool
) -> dict[str, list[str]]:
    found = {f"{network.code}_{level}": _codes(placements, level) for level in _levels(network)}
    if (dedicated := f"{network.code}_dedicated") not in found and placements.has_dedicated:
        found[dedicated] = _joined(placements.dedicated())
    if network.coverage == "partial":
        found[f"{network.code}_several"] = _joined(placements.several)
    found[f"{network.code}_status"] = list(status)
    if border:
        found[f"{network.code}_border_m"] = [_metres(value) for value in placements.border_m]
    return found


def _levels(network: Network) -> list[str]:
    return [level["code"] for level in network.levels]


def _codes(placements: Placements, level: str) -> list[str]:
    """The territorial unit's code, else those of the dedicated grids of the level."""
    pairs = zip(placements.codes(level), _joined(placements.dedicated(level)), strict=True)
    return [dedicated if code is None else code for code, dedicated in pairs]


def _joined(codes: NDArray[np.object_]) -> list[str]:
    return [";".join(each) for each in codes]


def _metres(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"
