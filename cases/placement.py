"""Where cases lie: in every network as of the time they occurred, and which unit holds them first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from core.db import sql_file
from geo.codes import natural_key
from geo.lookup import Lookup
from geo.tables import network, unit, unit_version

MAIN_NETWORK: Final = "governance"
"""Owners are units of this network; where there is none of that code, of the one that was made first."""
STREET_FROM_LEVEL: Final = 3
LOW_LEVELS: Final = ("grid", "community")
HIGH_LEVELS: Final = ("street",)


@dataclass(frozen=True)
class Spots:
    """Where and when cases occurred, WGS-84; NaN where a case has no coordinates."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    occurred_at: NDArray[np.datetime64]
    accuracy_m: NDArray[np.float64]


@dataclass(frozen=True)
class PlacedIn:
    """A case's place in one network; `unit_version_id` None: outside."""

    network_id: int
    unit_version_id: int | None
    edition_id: int
    status: str
    border_m: float | None


def main_network(lookup: Lookup) -> str | None:
    """The code of the network whose units own cases; None while no network is published."""
    published = [code for code, each in lookup.networks.items() if each.editions]
    return MAIN_NETWORK if MAIN_NETWORK in published else next(iter(published), None)


def place_cases(lookup: Lookup, spots: Spots) -> dict[str, list[PlacedIn | None]]:
    """By network, the place of each case; None where it has no coordinates or the network had no edition then."""
    return {code: _place_in(lookup, code, spots) for code in lookup.networks}


def _place_in(lookup: Lookup, code: str, spots: Spots) -> list[PlacedIn | None]:
    known = np.flatnonzero(np.isfinite(spots.lon))
    placed: list[PlacedIn | None] = [None] * len(spots.lon)
    if not len(known):
        return placed
    network_id = lookup.network(code).id
    found = lookup.place_many(
        code, spots.lon[known], spots.lat[known], spots.occurred_at[known], accuracy_m=spots.accuracy_m[known]
    )
    columns = (
        found.unit_version_id.tolist(),
        found.edition_id.tolist(),
        found.status,
        found.border_m.tolist(),
    )
    for position, version, edition, status, border_m in zip(known.tolist(), *columns, strict=True):
        if edition >= 0:
            placed[position] = PlacedIn(
                network_id,
                version if version >= 0 else None,
                edition,
                str(status),
                border_m if np.isfinite(border_m) else None,
            )
    return placed


Chain = tuple[tuple[UUID, str], ...]
"""A unit and those above it as (unit, level), the deepest first."""


def read_chains(conn: Connection, version_ids: Sequence[int]) -> dict[int, Chain]:
    """The chain of each unit version, by its path."""
    rows = conn.execute(sql_file("cases", "chains"), {"version_ids": list(version_ids)})
    chains: dict[int, list[tuple[UUID, str]]] = {}
    for row in rows:
        chains.setdefault(row.id, []).append((row.unit_id, row.level))
    return {version_id: tuple(chain) for version_id, chain in chains.items()}


def choose_owner(chain: Chain, level: int, rules: Mapping[str, object]) -> UUID:
    """The unit that holds a new case: from issue level 3 on the street, below it the grid or the community.

    A network's rules may name other levels: {"case_owner": {"low": [...], "high": [...], "high_from": 3}}.
    Where no unit above the case has such a level: the deepest one, or the one above it from level 3 on.
    """
    given = rules.get("case_owner")
    owner: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    high = level >= int(str(owner.get("high_from", STREET_FROM_LEVEL)))
    wanted = owner.get("high", HIGH_LEVELS) if high else owner.get("low", LOW_LEVELS)
    for unit_id, unit_level in chain:
        if isinstance(wanted, Sequence) and unit_level in wanted:
            return unit_id
    return chain[min(1, len(chain) - 1) if high else 0][0]


def read_rules(conn: Connection, network_code: str) -> dict[str, object]:
    rules: dict[str, object] = conn.execute(
        select(network.c.rules).where(network.c.code == network_code)
    ).scalar_one()
    return rules


def find_root(conn: Connection, network_code: str, now: datetime) -> UUID | None:
    """A root of the network now, the lowest code where there are several; it holds what lies in no unit."""
    rows = conn.execute(
        select(unit_version.c.unit_id, unit_version.c.code)
        .join_from(unit_version, network, network.c.id == unit_version.c.network_id)
        .join(unit, unit.c.id == unit_version.c.unit_id)
        .where(
            network.c.code == network_code,
            unit_version.c.parent_unit_id.is_(None),
            unit.c.kind == "territorial",
            unit_version.c.valid.contains(now),
            func.upper_inf(unit_version.c.recorded),
        )
    ).all()
    return min(rows, key=lambda row: natural_key(row.code)).unit_id if rows else None
