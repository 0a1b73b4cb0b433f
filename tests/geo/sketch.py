"""Units drawn as letters: each letter is the union of its unit squares; "." is nobody's."""

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.networks import Level, Network
from geo.plans import UnitDraft

STEP_DEG = 0.001
WEST, NORTH = 116.0, 39.01


def areas(sketch: str) -> dict[str, BaseGeometry]:
    """Letter → area. The top left corner of the sketch is at WEST, NORTH; a letter is STEP_DEG wide and high."""
    rows = [line.strip() for line in sketch.strip().splitlines()]
    squares: dict[str, list[BaseGeometry]] = {}
    for down, row in enumerate(rows):
        for right, letter in enumerate(row):
            if letter != ".":
                squares.setdefault(letter, []).append(square(right, down))
    return {letter: noded(each) for letter, each in squares.items()}


def noded(squares: list[BaseGeometry]) -> BaseGeometry:
    """Their union with every corner kept as a vertex, as neighbours need."""
    return shapely.coverage_union_all(np.array(squares, dtype=object))


def square(right: float, down: float, wide: float = 1, high: float = 1) -> BaseGeometry:
    west, north = WEST + right * STEP_DEG, NORTH - down * STEP_DEG
    box = shapely.box(west, north - high * STEP_DEG, west + wide * STEP_DEG, north)
    return shapely.transform(box, lambda xy: np.round(xy, 7))


def units(sketch: str, level: str = "grid", parent: str | None = None) -> list[UnitDraft]:
    return [UnitDraft(level, code, f"格{code}", area, parent) for code, area in areas(sketch).items()]


def network(*levels: str, coverage: str = "full", natural: str | None = None) -> Network:
    """A chain of levels, the root first."""
    chain = tuple(
        Level(
            code, code, parent=levels[i - 1] if i else None, origin="natural" if code == natural else "drawn"
        )
        for i, code in enumerate(levels)
    )
    return Network(1, "test", "test", "full" if coverage == "full" else "partial", chain)
