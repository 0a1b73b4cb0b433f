"""Figures: a share is a numerator, a denominator, an instant and a definition. Nothing is averaged from averages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means. A change of meaning is a new version; docs/coverage.md tells each under its id."""

    id: str
    version: int
    measure: str
    zh: str
    en: str


DEFINITIONS: Final = {
    one.id: one
    for one in (
        Definition("area", 1, "cm2", "面积覆盖率", "walkable ground visited"),
        Definition("area_by_fixes", 1, "cm2", "定位点面积覆盖率", "walkable ground with a sure fix on it"),
        Definition("streets", 1, "mm", "道路覆盖率", "street length passed"),
        Definition("doors", 1, "count", "户点覆盖率", "address points passed"),
        Definition("households", 1, "count", "户数覆盖率", "households of the address points passed"),
        Definition("required", 2, "count", "应访完成率", "required visits made"),
        Definition("in_grid", 2, "us", "在格率", "duty observed in the own grid"),
        Definition(
            "in_grid_credited",
            2,
            "us",
            "在格率（含核定）",
            "duty in the own grid, with what notes were accepted for",
        ),
        Definition("observability", 2, "us", "可观测率", "duty observed"),
        Definition("response", 1, "count", "到场率", "people sent who were seen within 50 m in 24 hours"),
    )
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`possible`: what may have been visited and is not proven, in the numerator's measure and not in it.

    `not_observed`: what stands outside the denominator because nobody tracked serves there. Whole numbers all.
    """

    definition: Definition
    numerator: int
    denominator: int
    as_of: datetime
    possible: int = 0
    not_observed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """None where there is nothing to be visited, or nobody to be seen visiting it."""
        return self.numerator / self.denominator if self.denominator else None


def sum_figures(figures: Iterable[Figure]) -> Figure:
    """The same figure of several parts or days: numerators and denominators added; as of the earliest of them."""
    given = list(figures)
    if not given:
        raise ValueError("no figures to sum")
    if len({(one.definition.id, one.definition.version) for one in given}) > 1:
        raise ValueError("figures of different definitions cannot be summed")
    return replace(
        given[0],
        numerator=sum(one.numerator for one in given),
        denominator=sum(one.denominator for one in given),
        possible=sum(one.possible for one in given),
        not_observed=sum(one.not_observed for one in given),
        as_of=min(one.as_of for one in given),
        notes=tuple(dict.fromkeys(note for one in given for note in one.notes)),
    )
