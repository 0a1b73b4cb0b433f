"""The figures of a run: one line each, printed as soon as they are known, the headline first."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from core.errors import Invalid


@dataclass(frozen=True)
class Figure:
    """`ratio` is how many times better than the baseline (or as large as it, where the name says so)."""

    name: str
    value: float
    unit: str
    baseline: str | None = None
    ratio: float | None = None


@dataclass
class Report:
    """Where a bench tells its figures; `failures` are answers that should have agreed and did not."""

    as_json: bool = False
    figures: list[Figure] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def tell(
        self, name: str, value: float, unit: str, *, baseline: str | None = None, ratio: float | None = None
    ) -> None:
        figure = Figure(name, _rounded(value), unit, baseline, None if ratio is None else _rounded(ratio))
        self.figures.append(figure)
        print(json.dumps(asdict(figure), ensure_ascii=False) if self.as_json else _line(figure), flush=True)

    def compare(self, name: str, seconds: float, baseline: str, baseline_s: float) -> None:
        """Our time beside another's for the same work: the ratio is how many times faster we are."""
        told = f"{baseline} {baseline_s:.3g} s"
        self.tell(name, seconds, "s", baseline=told, ratio=baseline_s / seconds)

    def check_equal(self, what: str, different: int) -> None:
        """Answers that must agree: any that does not fails the run."""
        if different:
            self.failures.append(f"{what}: {different:,} answers differ")


def machine() -> str:
    """What the absolute times depend on."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def medians(works: Sequence[Callable[[], object]], *, rounds: int = 5) -> list[float]:
    """Median seconds of each piece of work, the pieces taking turns so that the machine's moods strike all alike."""
    if not works:
        raise Invalid("nothing to measure")
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, spent in zip(works, times, strict=True):
            spent.append(seconds_of(work))
    return [statistics.median(spent) for spent in times]


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _line(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:,.4g} ×"
    baseline = "" if figure.baseline is None else f"  against {figure.baseline}"
    return f"{figure.name:<58} {figure.value:>12,.6g} {figure.unit:<9} {ratio:>10}{baseline}".rstrip()
