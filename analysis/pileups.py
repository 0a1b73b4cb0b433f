"""Pile-ups: many cases on exactly one coordinate of low precision, left by a form's default or a cut-off number.

A place somebody pointed at or a geocoder found has five decimals or more; both coordinates of such a place end
in four zeros once in a hundred million. A coordinate of at most three decimals (about 100 m, the width of a cell)
that holds five cases or more is therefore no place, and its cases say nothing of where they happened.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_DECIMALS: Final = 3
FEWEST_CASES: Final = 5


@dataclass(frozen=True)
class PileUp:
    """`cases` on the one coordinate `lon`, `lat` (WGS-84), which has `decimals` places."""

    lon: float
    lat: float
    cases: int
    decimals: int


def find_pile_ups(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[list[PileUp], NDArray[np.bool_]]:
    """The pile-ups among positions (none NaN), largest first, and which positions belong to one."""
    decimals = np.maximum(count_decimals(lon), count_decimals(lat))
    coarse = np.flatnonzero(decimals <= MOST_DECIMALS)
    places = np.stack([lon[coarse], lat[coarse]], axis=1)
    spots, first, spot, counts = np.unique(
        places, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    piled = np.zeros(len(lon), np.bool_)
    piled[coarse] = counts[spot.ravel()] >= FEWEST_CASES
    found = [
        PileUp(
            float(spots[one, 0]), float(spots[one, 1]), int(counts[one]), int(decimals[coarse[first[one]]])
        )
        for one in np.flatnonzero(counts >= FEWEST_CASES)
    ]
    return sorted(found, key=lambda pile: (-pile.cases, pile.lon, pile.lat)), piled


def count_decimals(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
    """Decimal places that a coordinate on the 1e-7° grid needs, 0 to 7."""
    steps = np.rint(degrees * 1e7).astype(np.int64)
    decimals = np.full(len(degrees), 7, np.int64)
    for places in range(6, -1, -1):
        decimals[steps % 10 ** (7 - places) == 0] = places
    return decimals


def count_stacked(
    lon: NDArray[np.float64], lat: NDArray[np.float64], cell: NDArray[np.int64], cells: int
) -> NDArray[np.int64]:
    """For each of `cells` cells the most positions on one exact coordinate; `cell` is each position's cell index."""
    most = np.zeros(cells, np.int64)
    if len(lon):
        spots, counts = np.unique(np.stack([cell, lon, lat], axis=1), axis=0, return_counts=True)
        np.maximum.at(most, spots[:, 0].astype(np.int64), counts)
    return most
