"""Getis-Ord Gi* with permutation p-values, corrected for many tests. Pure arithmetic on arrays.

Gi* judges each cell with its neighbours: the sum of counts around it, against what chance would put there.
Two kinds of chance (references in docs/hotspots.md):

- even: the counts are permuted among the cells, a cell's own value kept (conditional permutation, as esda does).
  The reference of a cell depends only on its own value and its number of neighbours, so cells alike share draws.
- by households: the cases are dealt out again over the area in proportion to households. The sum around a cell is
  then binomial with the share of households around it; cells whose expected counts agree within 1 % share draws,
  and a class is judged by its least favourable edge. A cell's own cases are dealt out with the rest: were they
  kept, one block with forty cases would mark the ring around itself and not itself.
  A report is rarely pinned to the very door, so households may be given twice, at their doors and spread about
  them; hot cells must stand out against the larger expectation of the two, cold ones against the smaller.

Where fewer than `minimum_expected` cases are expected the reference is topped up to that number, so that two cases
in a wood are no hotspot; such a cell can be hot (with many cases), never cold.
Cells that almost no draw reaches get more draws, until the correction can be passed by as few cells as there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEVELS = (0.01, 0.05, 0.10)
_MAX_DRAWS = 20_000_000
_CHUNK = 500_000
_TABLE = 4_000_000
_FEW_REACHED = 10
_CLASS_WIDTH = 1.01


@dataclass(frozen=True)
class Scores:
    """One entry a cell. `hot` and `expected` decide the side; `permutations_most` is what the most contested cells got."""

    around: Ints
    expected: Floats
    gi_star: Floats
    p_value: Floats
    q_value: Floats
    hot: NDArray[np.bool_]
    permutations: int
    permutations_most: int
    permutations_enough: bool


@dataclass(frozen=True)
class _Reference:
    """What chance gives: `draw(label, size, generator)` is shared by the cells of a label.

    A cell is held against one label for being hot and one for being cold.
    """

    for_hot: Ints
    for_cold: Ints
    draw: Callable[[int, int, np.random.Generator], Ints]


@dataclass(frozen=True)
class Households:
    """Households of each cell: at their doors, and spread about them."""

    at_doors: Floats
    spread: Floats


Number = TypeVar("Number", np.int64, np.float64)


def sum_around(values: NDArray[Number], neighbours: Ints) -> NDArray[Number]:
    """Value of each cell plus its neighbours'. `neighbours` is (cells, 6) indexes, -1 where there is none."""
    padded = np.append(values, np.zeros(1, values.dtype))
    total: NDArray[Number] = values + padded[neighbours].sum(axis=1, dtype=values.dtype)
    return total


def score_cells(
    counts: Ints,
    neighbours: Ints,
    *,
    households: Households | None,
    seed: int,
    minimum_expected: float = 1.0,
    permutations: int | None = None,
) -> Scores:
    """Judge every cell. `households` of each cell, or None for even chance.

    `permutations` None: at least max(9,999, cells / 2), and more for the cells that need them; a number: just that many.
    """
    around = sum_around(counts, neighbours)
    doors = None if households is None else households.at_doors
    expected, gi_star = _moments(counts, neighbours, around, doors)
    if households is None:
        reference = _permuted_counts(counts, neighbours, top_up=np.maximum(minimum_expected - expected, 0))
    else:
        other = counts.sum() * sum_around(households.spread, neighbours) / households.at_doors.sum()
        reference = _dealt_by_households(int(counts.sum()), expected, other, minimum_expected)
    tally = _Tally(around, reference, seed)
    tally.draw(np.ones(len(counts), bool), permutations or max(9_999, len(counts) // 2))
    first = tally.most
    while permutations is None and tally.most < _MAX_DRAWS and not tally.reachable(LEVELS[0]):
        tally.draw(tally.contested(), tally.wanting(LEVELS[0]))
    p_hot, p_cold = tally.p_values()
    p_cold[expected < minimum_expected] = 1.0
    p_value = np.minimum(1.0, 2 * np.minimum(p_hot, p_cold))
    return Scores(
        around, expected, gi_star, p_value, correct_for_many(p_value), p_hot < p_cold,
        first, tally.most, tally.reachable(LEVELS[1]),
    )  # fmt: skip


def correct_for_many(p_value: Floats) -> Floats:
    """Benjamini-Hochberg (1995): the q-value of each test, the least false discovery rate at which it is called."""
    order = np.argsort(p_value, kind="stable")
    scaled = p_value[order] * len(p_value) / np.arange(1, len(p_value) + 1)
    q_value = np.empty_like(p_value)
    q_value[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(q_value, 1.0)


def _moments(
    counts: Ints, neighbours: Ints, around: Ints, households: Floats | None
) -> tuple[Floats, Floats]:
    """Expected sum around each cell, and the Gi* z (Ord and Getis 1995; binomial variance under households)."""
    cells, total = len(counts), counts.sum()
    if households is None:
        width = 1.0 + (neighbours >= 0).sum(axis=1)
        mean = total / cells
        spread = np.sqrt(np.maximum((counts.astype(float) ** 2).mean() - mean**2, 0))
        expected = mean * width
        deviation = spread * np.sqrt((cells * width - width**2) / max(cells - 1, 1))
    else:
        share = np.minimum(sum_around(households, neighbours) / households.sum(), 1.0)
        expected = total * share
        deviation = np.sqrt(expected * (1 - share))
    gi_star = np.zeros(cells)
    np.divide(around - expected, deviation, out=gi_star, where=deviation > 1e-12)
    return expected, gi_star


def _permuted_counts(counts: Ints, neighbours: Ints, *, top_up: Floats) -> _Reference:
    degree = (neighbours >= 0).sum(axis=1)
    first, label = np.unique(counts * 7 + degree, return_index=True, return_inverse=True)[1:]
    values, cells_with = np.unique(counts, return_counts=True)
    frequent = np.argsort(-cells_with, kind="stable")
    values, cells_with = values[frequent], cells_with[frequent]

    def draw(label: int, size: int, generator: np.random.Generator) -> Ints:
        cell = int(first[label])
        others = cells_with - (values == counts[cell])
        sums: Ints = counts[cell] + _sum_of_dealt(others, values, (int(degree[cell]), size), generator)
        if top_up[cell] > 0:
            sums += generator.poisson(top_up[cell], size)
        return sums

    return _Reference(label.astype(np.int64), label.astype(np.int64), draw)


def _sum_of_dealt(
    cells_with: Ints, values: Ints, shape: tuple[int, int], generator: np.random.Generator
) -> Ints:
    """`shape` is (dealt, times): so often, the sum of so many values dealt without putting back."""
    dealt, times = shape
    sums = np.empty(times, np.int64)
    at_once = max(_TABLE // len(values), 1)
    for start in range(0, times, at_once):
        size = min(at_once, times - start)
        hands = generator.multivariate_hypergeometric(cells_with, dealt, size, method="marginals")
        sums[start : start + size] = hands @ values
    return sums


def _dealt_by_households(total: int, expected: Floats, other: Floats, minimum_expected: float) -> _Reference:
    def steps(expectation: Floats) -> Floats:
        result: Floats = np.log(np.maximum(expectation / minimum_expected, 1.0)) / np.log(_CLASS_WIDTH)
        return result

    def draw(label: int, size: int, generator: np.random.Generator) -> Ints:
        share = minimum_expected * _CLASS_WIDTH**label / max(total, 1)
        return generator.binomial(total, min(share, 1.0), size).astype(np.int64)

    return _Reference(
        np.ceil(steps(np.maximum(expected, other))).astype(np.int64),
        np.floor(steps(np.minimum(expected, other))).astype(np.int64),
        draw,
    )


class _Tally:
    """How often chance reached each cell's sum, upwards and downwards, and out of how many draws."""

    def __init__(self, around: Ints, reference: _Reference, seed: int) -> None:
        self.around, self.reference, self.seed = around, reference, seed
        self.upward = np.zeros(len(around), np.int64)
        self.downward = np.zeros(len(around), np.int64)
        self.size = np.zeros(len(around), np.int64)
        self.most = 0

    def draw(self, chosen: NDArray[np.bool_], size: int) -> None:
        """Draw `size` times more for the chosen cells. The same seed gives the same draws whatever else is chosen."""
        cells = np.flatnonzero(chosen)
        hot, cold = _by_label(self.reference.for_hot, cells), _by_label(self.reference.for_cold, cells)
        none = cells[:0]
        for label in sorted(hot.keys() | cold.keys()):
            up, down = hot.get(label, none), cold.get(label, none)
            for done in range(0, size, _CHUNK):
                generator = np.random.default_rng([self.seed, label, self.most + done])
                drawn = np.sort(self.reference.draw(label, min(_CHUNK, size - done), generator))
                self.upward[up] += len(drawn) - np.searchsorted(drawn, self.around[up], "left")
                self.downward[down] += np.searchsorted(drawn, self.around[down], "right")
        self.size[cells] += size
        self.most += size

    def contested(self) -> NDArray[np.bool_]:
        """Cells that so few draws reached that their p-value is still coarse."""
        fewest = np.minimum(self.upward, self.downward)
        return np.asarray((fewest < _FEW_REACHED) & (self.size == self.most), dtype=np.bool_)

    def needed(self, level: float) -> int:
        """Draws with which the cells that no draw reached would pass the correction at `level`; 0 without such cells."""
        unreached = int((np.minimum(self.upward, self.downward) == 0).sum())
        return int(np.ceil(2 * len(self.around) / unreached / level)) if unreached else 0

    def reachable(self, level: float) -> bool:
        """Whether the cells that no draw reached can pass the correction at `level` with the draws made."""
        return self.most >= self.needed(level)

    def wanting(self, level: float) -> int:
        """Draws to make next: towards what is needed, at least as many as there were and at most nine times as many."""
        return min(max(self.needed(level) - self.most, self.most), self.most * 9, _MAX_DRAWS - self.most)

    def p_values(self) -> tuple[Floats, Floats]:
        return (1 + self.upward) / (1 + self.size), (1 + self.downward) / (1 + self.size)


def _by_label(label: Ints, cells: Ints) -> dict[int, Ints]:
    """The cells of each label."""
    ordered = cells[np.argsort(label[cells], kind="stable")]
    labels, starts = np.unique(label[ordered], return_index=True)
    return dict(zip(labels.tolist(), np.split(ordered, starts[1:]), strict=True))
