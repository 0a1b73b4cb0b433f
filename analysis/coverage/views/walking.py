"""A round: in which order to walk to places, by straight lines; a suggestion, not a route."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_STOPS: Final = 40


@dataclass(frozen=True)
class Round:
    """`order`: rows of the stops as they are walked; `length_m` of the straight lines between them."""

    order: tuple[int, ...]
    length_m: float


def suggest_round(xy: Floats) -> Round:
    """Open round over stops in metres: begins at the most western, goes to the nearest next, then crossings are untangled.

    At most MOST_STOPS stops; the same stops give the same round.
    """
    if not len(xy):
        return Round((), 0.0)
    if len(xy) > MOST_STOPS:
        raise ValueError(f"a round has at most {MOST_STOPS} stops")
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    order = _untangled(_nearest_next(apart, int(np.lexsort((xy[:, 1], xy[:, 0]))[0])), apart)
    return Round(tuple(order), _length(order, apart))


def _nearest_next(apart: Floats, start: int) -> list[int]:
    order, left = [start], set(range(len(apart))) - {start}
    while left:
        order.append(min(left, key=lambda row: (apart[order[-1], row], row)))
        left.discard(order[-1])
    return order


def _untangled(order: list[int], apart: Floats) -> list[int]:
    """2-opt: a stretch is walked the other way round while that makes the whole shorter."""
    best, shorter = _length(order, apart), True
    while shorter:
        shorter = False
        for first in range(len(order) - 1):
            for last in range(first + 1, len(order)):
                turned = order[:first] + order[first : last + 1][::-1] + order[last + 1 :]
                length = _length(turned, apart)
                if length < best - 1e-6:
                    order, best, shorter = turned, length, True
    return order


def _length(order: list[int], apart: Floats) -> float:
    return float(apart[order[:-1], order[1:]].sum())
