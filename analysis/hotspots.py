"""Hotspots of cases: H3 cells with more cases around them than chance and households explain.

`compute_hotspots(conn, question, now=…) -> Hotspots`. What a `Hotspots` holds, one entry a cell of the
whole study area (empty cells included, ascending by cell id):

    cells             uint64 H3 indexes           geo.cells.cell_polygons(cells) draws them
    cases             int64, cases in the cell
    around            int64, cases in the cell and its neighbours inside the study area: what is judged
    expected          float64, cases expected there (cell and neighbours) under the null
    gi_star           float64, standard score of `around`: the Getis-Ord Gi* z value
    p_value, q_value  float64, two-sided permutation p, and the same after Benjamini-Hochberg over all cells
    classes           one of CLASSES: hot_99 hot_95 hot_90 none few cold_90 cold_95 cold_99
    stacked           int64, most cases of the cell on one exact coordinate (one address may be the hotspot)

and `facts` (a `Facts`): how many cases were used, which were left out and why, permutations, seed, alpha, as-of.
`points` are lon, lat of the cases used. CLASS_NAMES gives each class in Chinese and English.
"""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

CLASSES = ("hot_99", "hot_95", "hot_90", "none", "few", "cold_90", "cold_95", "cold_99")
CLASS_NAMES: dict[str, tuple[str, str]] = {
    "hot_99": ("热点（99%）", "hot, 99 % after correction"),
    "hot_95": ("热点（95%）", "hot, 95 % after correction"),
    "hot_90": ("热点（90%）", "hot, 90 % after correction"),
    "none": ("无显著差异", "not significant"),
    "few": ("案件太少，无法判断", "too few to tell"),
    "cold_90": ("冷点（90%）", "cold, 90 % after correction"),
    "cold_95": ("冷点（95%）", "cold, 95 % after correction"),
    "cold_99": ("冷点（99%）", "cold, 99 % after correction"),
}
"""Each class in Chinese and English. "After correction": of the cells called so, at most 1 (5, 10) % are expected false."""


@dataclass(frozen=True)
class Question:
    """What is asked. `since` ≤ occurred < `until`; None for network: the main one; None for unit: all of the network."""

    since: datetime
    until: datetime
    network_code: str | None = None
    unit_code: str | None = None
    category: str | None = None
    resolution: int = 10
    permutations: int | None = None
    seed: int = 20260601


@dataclass(frozen=True)
class PileUp:
    """Many cases on exactly one coordinate of low precision (`decimals` places): a default, not a place."""

    lon: float
    lat: float
    cases: int
    decimals: int


@dataclass(frozen=True)
class Facts:
    """What stands behind the classes: to be printed wherever they are."""

    as_of: datetime
    network_code: str
    unit_code: str | None
    unit_name: str
    cases_seen: int
    cases_used: int
    left_out: dict[str, int]
    pile_ups: tuple[PileUp, ...]
    expected_by: str
    households: int
    study_cells: int
    cells_few: int
    minimum_expected: float
    permutations: int
    permutations_most: int
    permutations_enough: bool
    seed: int
    alpha: float
    definition: str = "Gi* on H3 cells, cell and neighbours, permutation p two-sided, Benjamini-Hochberg"
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Hotspots:
    """The answer; see the module's text for the fields. `study_area` is WGS-84."""

    question: Question
    facts: Facts
    study_area: BaseGeometry = field(repr=False)
    cells: NDArray[np.uint64]
    cases: NDArray[np.int64]
    around: NDArray[np.int64]
    expected: NDArray[np.float64]
    gi_star: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    classes: NDArray[np.str_]
    stacked: NDArray[np.int64]
    points: NDArray[np.float64] = field(repr=False)
