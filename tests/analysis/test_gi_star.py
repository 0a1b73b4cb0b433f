"""Gi* against a plain slow reading of its definition, its p-values against theory, and its calibration."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from analysis.gi_star import Households, correct_for_many, score_cells, sum_around
from analysis.hotspots import classify


def hex_grid(width: int, height: int) -> NDArray[np.int64]:
    """Neighbours on a field of hexagons in axial coordinates."""
    index = np.full((height + 2, width + 2), -1, np.int64)
    index[1:-1, 1:-1] = np.arange(width * height).reshape(height, width)
    rows, columns = np.divmod(np.arange(width * height), width)
    around = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)]
    return np.stack([index[rows + 1 + down, columns + 1 + right] for right, down in around], axis=1)


def at_doors(households: NDArray[np.float64]) -> Households:
    return Households(households, households)


def town_of(seed: int, size: int = 25) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A field with a dense middle: neighbours, and households of each cell."""
    generator = np.random.default_rng([seed, 5])
    rows, columns = np.divmod(np.arange(size * size), size)
    middle = np.exp(-((columns - size / 2) ** 2 + (rows - size / 2) ** 2) / (size * 3))
    return hex_grid(size, size), generator.poisson(80 * middle + 1).astype(np.float64)


# A plain reading of the definitions


def slow_gi_star(counts: list[int], neighbours: NDArray[np.int64]) -> Iterator[float]:
    """Ord and Getis (1995), formula for G*(d) with binary weights, the cell itself included; one cell at a time."""
    n = len(counts)
    mean = sum(counts) / n
    s = math.sqrt(sum(value**2 for value in counts) / n - mean**2)
    for cell in range(n):
        members = [cell, *[int(other) for other in neighbours[cell] if other >= 0]]
        total = sum(counts[member] for member in members)
        w = len(members)
        yield (total - mean * w) / (s * math.sqrt((n * w - w**2) / (n - 1)))


def slow_p_hot(counts: list[int], neighbours: NDArray[np.int64], cell: int, draws: int) -> float:
    """Conditional permutation, one shuffle at a time: the cell keeps its value, the others are dealt to its neighbours."""
    generator = np.random.default_rng(11)
    others = counts[:cell] + counts[cell + 1 :]
    degree = sum(1 for other in neighbours[cell] if other >= 0)
    observed = counts[cell] + sum(counts[int(other)] for other in neighbours[cell] if other >= 0)
    reached = sum(
        counts[cell] + sum(generator.choice(others, degree, replace=False)) >= observed for _ in range(draws)
    )
    return (reached + 1) / (draws + 1)


def test_gi_star_equals_the_plain_reading_of_its_definition() -> None:
    neighbours = hex_grid(9, 7)
    counts = np.random.default_rng(1).poisson(2, 63).astype(np.int64)
    scores = score_cells(counts, neighbours, households=None, seed=1)
    assert scores.gi_star == pytest.approx(list(slow_gi_star(counts.tolist(), neighbours)))
    assert scores.around.tolist() == [
        counts[cell] + sum(counts[other] for other in neighbours[cell] if other >= 0) for cell in range(63)
    ]


def test_permutation_p_values_equal_those_of_plain_shuffles() -> None:
    neighbours = hex_grid(8, 8)
    counts = np.random.default_rng(2).poisson(3, 64).astype(np.int64)
    scores = score_cells(counts, neighbours, households=None, seed=2, permutations=20_000)
    for cell in (0, 7, 20, 36, 63):
        slow = slow_p_hot(counts.tolist(), neighbours, cell, 3_000)
        if scores.hot[cell]:
            assert scores.p_value[cell] == pytest.approx(min(1, 2 * slow), abs=0.08)
        else:
            assert slow > 0.4


def test_under_households_the_p_values_are_binomial_tails() -> None:
    neighbours, households = town_of(1, 12)
    counts = np.random.default_rng(3).multinomial(600, households / households.sum())
    scores = score_cells(counts, neighbours, households=at_doors(households), seed=3, permutations=50_000)
    share = sum_around(households, neighbours) / households.sum()
    upper, lower = stats.binom.sf(scores.around - 1, 600, share), stats.binom.cdf(scores.around, 600, share)
    exact = np.minimum(1, 2 * np.minimum(upper, lower))
    told = share * 600 > 3
    assert scores.p_value[told] == pytest.approx(exact[told], rel=0.25, abs=0.06)
    assert (scores.p_value[told] - exact[told]).mean() >= 0  # where they differ, they lean to the safe side
    assert scores.expected == pytest.approx(600 * share)


def test_the_correction_is_that_of_benjamini_and_hochberg() -> None:
    """The example of their paper of 1995: four of fifteen are called at 5 %."""
    told = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    q_value = correct_for_many(np.array(told[::-1]))[::-1]
    assert (q_value <= 0.05).sum() == 4
    assert q_value == pytest.approx(stats.false_discovery_control(told))


# Permutations


@pytest.mark.parametrize(("cells", "least"), [(625, 9_999), (40_000, 20_000)])
def test_there_are_permutations_enough_for_the_number_of_cells(cells: int, least: int) -> None:
    side = math.isqrt(cells)
    counts = np.random.default_rng(4).poisson(1, cells).astype(np.int64)
    scores = score_cells(counts, hex_grid(side, side), households=None, seed=4)
    assert scores.permutations == least
    assert scores.permutations_enough


def test_a_lone_hotspot_on_a_large_map_gets_the_permutations_it_needs() -> None:
    neighbours = hex_grid(120, 120)
    counts = np.random.default_rng(5).poisson(0.3, 14_400).astype(np.int64)
    counts[[7_260, *neighbours[7_260]]] += 9
    scores = score_cells(counts, neighbours, households=None, seed=5)
    assert scores.permutations_most > scores.permutations
    assert classify(scores)[7_260] == "hot_99"


def test_too_few_permutations_are_said_to_be_too_few() -> None:
    neighbours = hex_grid(60, 60)
    counts = np.ones(3_600, np.int64)
    counts[[1_830, *neighbours[1_830]]] = 30
    scores = score_cells(counts, neighbours, households=None, seed=6, permutations=999)
    assert (scores.permutations, scores.permutations_most, scores.permutations_enough) == (999, 999, False)


def test_the_same_seed_gives_the_same_answer_and_another_seed_another_one() -> None:
    neighbours, households = town_of(2)
    counts = np.random.default_rng(7).multinomial(900, households / households.sum())
    one, again, other = (
        score_cells(counts, neighbours, households=at_doors(households), seed=seed).p_value
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


# Classes


def test_a_dense_quarter_is_not_hot_for_being_dense() -> None:
    neighbours, households = town_of(3)
    counts = np.random.default_rng(8).multinomial(2_000, households / households.sum())
    by_households = classify(score_cells(counts, neighbours, households=at_doors(households), seed=1))
    by_area = classify(score_cells(counts, neighbours, households=None, seed=1))
    assert not np.char.startswith(by_households, "hot").any()
    assert np.char.startswith(by_area, "hot").sum() > 20


def test_one_block_with_many_cases_is_hot_itself_and_not_only_its_ring() -> None:
    neighbours, households = town_of(4)
    counts = np.random.default_rng(9).multinomial(800, households / households.sum())
    counts[312] += 60
    classes = classify(score_cells(counts, neighbours, households=at_doors(households), seed=1))
    assert set(classes[[312, *neighbours[312]]]) == {"hot_99"}


def test_a_handful_of_cases_where_nobody_lives_is_too_few_to_tell_and_a_heap_is_not() -> None:
    neighbours, households = town_of(5)
    empty = np.r_[30, neighbours[30], neighbours[neighbours[30]].ravel()]
    households[empty[empty >= 0]] = 0
    counts = np.random.default_rng(10).multinomial(800, households / households.sum())
    for extra, expected in ((4, "few"), (25, "hot_99")):
        piled = counts.copy()
        piled[30] += extra
        assert (
            classify(score_cells(piled, neighbours, households=at_doors(households), seed=1))[30] == expected
        )


def test_a_place_with_many_households_and_no_case_is_cold() -> None:
    neighbours, households = town_of(6)
    quiet = np.r_[312, neighbours[312], neighbours[neighbours[312]].ravel()]
    shares = households.copy()
    shares[quiet] = 0
    counts = np.random.default_rng(11).multinomial(3_000, shares / shares.sum())
    assert (
        classify(score_cells(counts, neighbours, households=at_doors(households), seed=1))[312] == "cold_99"
    )


def test_no_case_at_all_calls_nothing() -> None:
    neighbours, households = town_of(7)
    for known in (None, at_doors(households)):
        scores = score_cells(np.zeros(625, np.int64), neighbours, households=known, seed=1)
        assert set(classify(scores)) == {"few"}


def test_a_map_of_one_cell_has_an_answer() -> None:
    alone = np.full((1, 6), -1, np.int64)
    assert classify(score_cells(np.array([9]), alone, households=None, seed=1)).tolist() == ["none"]


# Calibration


def called_by_chance(seed: int, cases: int, size: int = 25) -> bool:
    neighbours, households = town_of(seed, size)
    counts = np.random.default_rng([seed, 6]).multinomial(cases, households / households.sum())
    classes = classify(score_cells(counts, neighbours, households=at_doors(households), seed=seed))
    return not np.isin(classes, ("none", "few")).all()


def planted_found(seed: int, extra: int = 30) -> bool:
    neighbours, households = town_of(seed)
    generator = np.random.default_rng([seed, 8])
    counts = generator.multinomial(1_500, households / households.sum())
    inner = np.flatnonzero((neighbours >= 0).all(axis=1) & (households > 2) & (households < 40))
    centre = int(generator.choice(inner))
    counts[generator.choice([centre, *neighbours[centre]], extra)] += 1
    counts[centre] += extra // 2
    classes = classify(score_cells(counts, neighbours, households=at_doors(households), seed=seed))
    return bool(np.char.startswith(classes[[centre, *neighbours[centre]]], "hot").any())


def test_cities_with_cases_by_households_alone_show_nothing() -> None:
    assert sum(called_by_chance(seed, 1_500) for seed in range(15)) <= 3


def test_planted_hotspots_are_found() -> None:
    assert sum(planted_found(seed) for seed in range(10)) >= 9


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("cases", [800, 6_000])
def test_of_200_cities_with_cases_by_households_alone_at_most_18_show_any(cases: int) -> None:
    assert sum(called_by_chance(seed, cases, 40) for seed in range(200)) <= 18


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_of_100_planted_hotspots_at_least_90_are_found() -> None:
    assert sum(planted_found(seed) for seed in range(100)) >= 90
