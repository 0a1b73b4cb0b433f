"""How often and how accurately the phones spoke that served a unit: what a percentage of its ground can be claimed on.

Told in whole seconds and metres, so that a day's millions of steps are a few numbers a unit, in whatever order they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.coverage.fixes import Ints

_WIDTH = 1 << 32


@dataclass(frozen=True)
class Tally:
    """How often each whole number was told in each unit: one row a unit and number, ascending."""

    unit: Ints
    value: Ints
    count: Ints


@dataclass(frozen=True)
class Sampling:
    """Seconds from fix to fix and metres of accuracy, in the units where the fixes lie."""

    steps_s: Tally
    accuracy_m: Tally


def tally(unit: Ints, value: Ints) -> Tally:
    """Of those in a unit at all (not -1)."""
    there = unit >= 0
    keys, count = np.unique(unit[there] * _WIDTH + np.clip(value[there], 0, _WIDTH - 1), return_counts=True)
    return Tally(keys // _WIDTH, keys % _WIDTH, count)


def join_samplings(parts: Sequence[Sampling]) -> Sampling:
    return Sampling(
        join_tallies([each.steps_s for each in parts]), join_tallies([each.accuracy_m for each in parts])
    )


def join_tallies(parts: Sequence[Tally]) -> Tally:
    unit, value, count = (
        np.concatenate([getattr(each, name) for each in parts]) for name in ("unit", "value", "count")
    )
    keys, row = np.unique(unit * _WIDTH + value, return_inverse=True)
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, row, count)
    return Tally(keys // _WIDTH, keys % _WIDTH, total)


def middle_of(groups: Sequence[tuple[Ints, Ints]]) -> float | None:
    """The median of values told with how often each is there, exactly numpy's of them all; None of none."""
    values = np.concatenate([each for each, _ in groups])
    counts = np.concatenate([each for _, each in groups])
    if not len(values):
        return None
    order = np.argsort(values, kind="stable")
    until = np.cumsum(counts[order])
    total = int(until[-1])
    low, high = (
        values[order[np.searchsorted(until, place, side="right")]] for place in ((total - 1) // 2, total // 2)
    )
    return float(np.mean([low, high]))


def middles(told: Tally, units: int) -> Ints:
    """The median of each unit, of two middle ones the larger; -1 where nothing was told."""
    found = np.full(units, -1)
    if not len(told.unit):
        return found
    until = np.cumsum(told.count)
    opens = np.flatnonzero(np.concatenate([[True], told.unit[1:] != told.unit[:-1]]))
    before = np.concatenate([[0], until[opens[1:] - 1]])
    total = np.add.reduceat(told.count, opens)
    found[told.unit[opens]] = told.value[np.searchsorted(until, before + total // 2, side="right")]
    return found
