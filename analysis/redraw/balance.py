"""How even a division is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Balance:
    """`max_deviation`: how far the farthest is from the mean, as a share of it; `gini`: 0 all alike, 1 one has it all."""

    max_deviation: float
    gini: float


def balance_of(loads: ArrayLike) -> Balance | None:
    """None where there is nothing to be even: no unit, or all of them empty."""
    values = np.sort(np.asarray(loads, dtype=np.float64))
    total = float(values.sum())
    if not len(values) or total <= 0:
        return None
    mean = total / len(values)
    rank = np.arange(1, len(values) + 1)
    gini = float(2 * (rank * values).sum() / (len(values) * total) - (len(values) + 1) / len(values))
    return Balance(float(np.abs(values - mean).max() / mean), max(gini, 0.0))
