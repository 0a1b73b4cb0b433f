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
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from analysis.gi_star import Households, Scores, score_cells, sum_around
from analysis.pileups import PileUp, count_stacked, find_pile_ups
from analysis.study import (
    CasesSeen,
    StudyArea,
    count_households,
    find_cells,
    find_study_area,
    list_cells,
    neighbour_table,
    read_cases,
    read_households,
)
from core.errors import Invalid
from geo.cells import cells_of

ALPHA: Final = 0.05
MINIMUM_EXPECTED: Final = 1.0
_LEVELS: Final = ((0.10, "90"), (0.05, "95"), (0.01, "99"))

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
    """What is asked. `since` ≤ occurred < `until`; None for network: the main one; None for unit: all of the network.

    `at`: by the borders in force at this instant; None: by those of now.
    """

    since: datetime
    until: datetime
    network_code: str | None = None
    unit_code: str | None = None
    category: str | None = None
    resolution: int = 10
    permutations: int | None = None
    seed: int = 20260601
    at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What stands behind the classes: to be printed wherever they are."""

    as_of: datetime
    borders_at: datetime
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


def compute_hotspots(conn: Connection, question: Question, *, now: datetime) -> Hotspots:
    """Judge every cell of the study area as it was at the instant. Takes seconds for 60,000 cells; the same inputs, the same answer.

    NotFound for an unknown network or unit; Invalid for a period that is empty or an area of too many cells.
    """
    if question.since >= question.until:
        raise Invalid(
            f"the period ends ({question.until:%F %R}) before it begins ({question.since:%F %R} UTC)"
        )
    study = _read_study(conn, question, now)
    scores = score_cells(
        study.counts,
        study.around,
        households=study.living if study.by_households else None,
        seed=question.seed,
        minimum_expected=MINIMUM_EXPECTED,
        permutations=question.permutations,
    )
    used = study.used
    return Hotspots(
        question=question,
        facts=_facts(study, scores, question, now=now),
        study_area=study.area.geometry,
        cells=study.cells,
        cases=study.counts,
        around=scores.around,
        expected=scores.expected,
        gi_star=scores.gi_star,
        p_value=scores.p_value,
        q_value=scores.q_value,
        classes=classify(scores),
        stacked=count_stacked(used.lon, used.lat, used.cell, len(study.cells)),
        points=np.stack([used.lon, used.lat], axis=1),
    )


@dataclass(frozen=True)
class _Study:
    """Everything that is read before anything is judged; `homeless`: cases with no household in their cells."""

    area: StudyArea
    cells: NDArray[np.uint64]
    around: NDArray[np.int64]
    seen: CasesSeen
    used: "_Used"
    counts: NDArray[np.int64]
    living: Households
    homeless: int

    @property
    def by_households(self) -> bool:
        """Whether households say where cases are to be expected: some are known, around half of the cases at least."""
        return bool(self.living.at_doors.sum() > 0 and 2 * self.homeless <= len(self.used.cell))


def _read_study(conn: Connection, question: Question, now: datetime) -> _Study:
    area = find_study_area(conn, question.network_code, question.unit_code, at=question.at or now)
    cells = list_cells(area, question.resolution)
    seen = read_cases(conn, area, since=question.since, until=question.until, category=question.category)
    used = _sort_out(seen, area, cells, question.resolution)
    around = neighbour_table(cells)
    living = count_households(cells, read_households(conn, area), question.resolution)
    homeless = int((sum_around(living.at_doors, around)[used.cell] == 0).sum())
    counts = np.bincount(used.cell, minlength=len(cells)).astype(np.int64)
    return _Study(area, cells, around, seen, used, counts, living, homeless)


def _facts(study: _Study, scores: Scores, question: Question, *, now: datetime) -> Facts:
    return Facts(
        as_of=now,
        borders_at=question.at or now,
        network_code=study.area.network_code,
        unit_code=study.area.unit_code,
        unit_name=study.area.name,
        cases_seen=len(study.seen),
        cases_used=len(study.used.cell),
        left_out=study.used.left_out,
        pile_ups=study.used.pile_ups,
        expected_by="households" if study.by_households else "even",
        households=int(study.living.at_doors.sum()),
        study_cells=len(study.cells),
        cells_few=int((scores.expected < MINIMUM_EXPECTED).sum()),
        minimum_expected=MINIMUM_EXPECTED,
        permutations=scores.permutations,
        permutations_most=scores.permutations_most,
        permutations_enough=scores.permutations_enough,
        seed=question.seed,
        alpha=ALPHA,
        notes=_notes(study, scores),
    )


@dataclass(frozen=True)
class _Used:
    """The cases that are counted: where, and in which of the area's cells; and what became of the others."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    cell: NDArray[np.int64]
    left_out: dict[str, int]
    pile_ups: tuple[PileUp, ...]


def _sort_out(seen: CasesSeen, area: StudyArea, cells: NDArray[np.uint64], resolution: int) -> _Used:
    """Every case is counted once: used, or left out for the first reason that holds."""
    cell = find_cells(cells, cells_of(seen.lon, seen.lat, resolution))
    pile_ups, piled = find_pile_ups(seen.lon, seen.lat)
    outside = (cell < 0) | ~shapely.intersects_xy(area.geometry, seen.lon, seen.lat)
    rest = np.ones(len(seen.lon), np.bool_)
    left_out = {"no_coordinates": seen.no_coordinates}
    for reason, holds in (
        ("pile_up", piled),
        ("outside", outside),
        ("rejected", seen.state == "rejected"),
        ("duplicate", seen.state == "duplicate"),
    ):
        left_out[reason] = int((rest & holds).sum())
        rest &= ~holds
    return _Used(seen.lon[rest], seen.lat[rest], cell[rest], left_out, tuple(pile_ups))


def classify(scores: Scores) -> NDArray[np.str_]:
    """The class of each cell. Cells are called at 90 % only on a map where some pass at 95 %: so that of twenty maps
    on which nothing is going on, one shows a cell, and not two.
    """
    classes = np.where(scores.expected < MINIMUM_EXPECTED, "few", "none").astype("<U7")
    if not (scores.q_value <= ALPHA).any():
        return classes
    for level, name in _LEVELS:
        called = scores.q_value <= level
        classes[called & scores.hot] = f"hot_{name}"
        classes[called & ~scores.hot] = f"cold_{name}"
    return classes


def _notes(study: _Study, scores: Scores) -> tuple[str, ...]:
    """What a reader must know beside the numbers."""
    notes = []
    if not study.by_households:
        notes.append(
            "no or too few households are recorded here, so cases are held against an even spread: "
            "dense areas may be hot for being dense"
        )
    elif study.homeless * 20 > len(study.used.cell):
        notes.append(
            f"{study.homeless} of {len(study.used.cell)} cases lie where no household is recorded; "
            f"there {MINIMUM_EXPECTED:g} is taken as expected"
        )
    if not scores.permutations_enough:
        notes.append(
            f"{scores.permutations_most:,} permutations are too few for the correction: "
            "a cell can be missed that more of them would call"
        )
    return tuple(notes)
