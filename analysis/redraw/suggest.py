"""Suggestions: how a parent's ground could be divided into even parts, as several alternatives that really differ.

`suggest` is asked by the planner's page; what is adopted is one operation of the plan, edited by hand afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Literal
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from analysis.redraw.balance import Balance, balance_of
from analysis.redraw.blocks import Blocks, read_blocks
from analysis.redraw.divide import Bounds, Wish, difference, divide, match_holders
from analysis.redraw.graph import Floats, Graph, Ints, Objects, graph_of
from core.errors import Invalid, Text, told
from geo.operations import RedrawPartition
from geo.plans import Plan
from geo.plans.codec import write_operation
from geo.validation.ground import metres_per_degree

By = Literal["households", "area", "cases", "workload"]

WISHES = (
    Wish("even", short=0.5, streets=0.3, stable=0.1),
    Wish("compact", short=1.6, streets=0.2, stable=0.0),
    Wish("stable", short=0.3, streets=0.2, stable=2.5),
    Wish("streets", short=0.3, streets=1.6, stable=0.0),
    Wish("balanced", short=0.8, streets=0.6, stable=0.6),
)
DIFFERENT = 0.15
"""Two alternatives differ when at least this share of what is to be even lies in another part."""
ROUNDS = 6


@dataclass(frozen=True)
class Wanted:
    """What to divide and how: `count` parts of `parent` that are even `by` something, each within `tolerance` of the mean.

    `blocks`: drawn elsewhere; empty: between streets and water, or the lowest units. The same seed gives the same answer
    as long as the time limit does not strike.
    """

    parent: UUID
    count: int
    by: By = "households"
    alternatives: int = 4
    tolerance: float = 0.05
    seed: int = 1
    time_limit_s: float = 5.0
    blocks: tuple[BaseGeometry, ...] = ()


@dataclass(frozen=True)
class Part:
    """`unit`: the present unit that goes on in it; None: it would be born."""

    unit: UUID | None
    load: float
    households: float
    residents: float
    cases: float
    area_m2: float
    compactness: float
    is_whole: bool
    """Whether it hangs together."""
    border: BaseGeometry


@dataclass(frozen=True)
class Alternative:
    """One division. `part_of`: of each block its part. Shares are 0 to 1; `on_streets`: of the borders between parts.

    `operation`: adopts it, as `geo.plans.codec.read_operation` reads it.
    """

    name: str
    part_of: Ints
    parts: list[Part]
    balance: Balance
    inner_borders_m: float
    on_streets: float
    households_moved: float
    households_moved_share: float
    operation: tuple[str, dict[str, object]]


@dataclass(frozen=True)
class Unmet:
    """What could not be met: a `code` for the page's words, the alternative it concerns (None: all), and a sentence."""

    code: str
    alternative: str | None
    text: Text


@dataclass(frozen=True)
class Suggested:
    blocks: Blocks
    alternatives: list[Alternative]
    unmet: list[Unmet]
    seconds: float


def suggest(conn: Connection, found: Plan, wanted: Wanted, *, now: datetime) -> Suggested:
    """Divisions of a parent's ground, as the plan has it now; nothing is changed. Invalid where nothing can be divided."""
    began = perf_counter()
    if not 2 <= wanted.count <= 200 or not 1 <= wanted.alternatives <= 5:
        raise Invalid(told("give 2 to 200 parts and 1 to 5 alternatives"))
    if not 0.001 <= wanted.tolerance <= 0.5 or not 0 < wanted.time_limit_s <= 60:
        raise Invalid(told("give a tolerance of 0.001 to 0.5 and a time limit of up to 60 seconds"))
    blocks = read_blocks(conn, found, wanted.parent, now=now, given=wanted.blocks)
    if len(blocks.shapes) < wanted.count:
        raise Invalid(
            told("{blocks} blocks cannot make {count} parts", blocks=len(blocks.shapes), count=wanted.count)
        )
    return suggest_from(blocks, wanted, began)


def suggest_from(blocks: Blocks, wanted: Wanted, began: float) -> Suggested:
    """The same for blocks at hand; `began` on the clock of `perf_counter`."""
    plane, lines = _in_plane(blocks)
    load = blocks.weight(wanted.by)
    unmet = []
    if not load.sum():
        load = blocks.area_m2
        text = told("nothing is known of {measure} here: even by area", measure=wanted.by)
        unmet.append(Unmet("nothing_counted", None, text))
    graph = graph_of(plane, load, blocks.holder, lines)
    bounds = Bounds(wanted.tolerance, began + wanted.time_limit_s)
    chosen = _different(graph, wanted, bounds)
    alternatives = [_describe(blocks, (graph, plane), name, part) for name, part in chosen]
    unmet += _unmet(graph, wanted, bounds, alternatives)
    return Suggested(blocks, alternatives, unmet, perf_counter() - began)


def _in_plane(blocks: Blocks) -> tuple[Objects, list[BaseGeometry]]:
    """Blocks and streets in metres at the scale of their middle latitude."""
    west, south, east, north = shapely.total_bounds(blocks.shapes)
    middle = np.array([(west + east) / 2, (south + north) / 2])
    scale = np.array(metres_per_degree(middle[1]))

    def flat(xy: Floats) -> Floats:
        return np.asarray((xy - middle) * scale)

    return shapely.transform(blocks.shapes, flat), [shapely.transform(each, flat) for each in blocks.streets]


def _different(graph: Graph, wanted: Wanted, bounds: Bounds) -> list[tuple[str, Ints]]:
    """Divisions that differ from one another, those within the tolerance first of all; one wish after the other."""
    found: list[tuple[str, Ints, float]] = []
    for turn in range(ROUNDS):
        for number, wish in enumerate(WISHES):
            if len(found) >= wanted.alternatives or (found and bounds.is_late):
                return [(name, part) for name, part, _ in found]
            if any(name == wish.name for name, _, _ in found):
                continue
            random = np.random.default_rng([wanted.seed, turn, number])
            part = divide(graph, wanted.count, wish, bounds, random)
            off = _deviation(graph, part, wanted.count)
            good = off <= wanted.tolerance or turn == ROUNDS - 1 or bounds.is_late
            if good and all(difference(part, other, graph.weight) >= DIFFERENT for _, other, _ in found):
                found.append((wish.name, part, off))
    return [(name, part) for name, part, _ in found]


def _deviation(graph: Graph, part: Ints, count: int) -> float:
    balance = balance_of(np.bincount(part, graph.weight, minlength=count))
    return 0.0 if balance is None else balance.max_deviation


def _describe(blocks: Blocks, ground: tuple[Graph, Objects], name: str, part: Ints) -> Alternative:
    graph, plane = ground
    count = int(part.max()) + 1
    label = match_holders(part, graph, count)
    unit_of = {int(to): blocks.units[row].id for row, to in enumerate(label.tolist()) if to >= 0}
    rows = [np.flatnonzero(part == each) for each in range(count)]
    borders = [shapely.normalize(shapely.coverage_union_all(blocks.shapes[each])) for each in rows]
    parts = [
        _part(blocks, graph, plane, (mine, border, unit_of.get(each)))
        for each, (mine, border) in enumerate(zip(rows, borders, strict=True))
    ]
    cut = part[graph.left] != part[graph.right]
    inner = float(graph.common_m[cut].sum())
    home = label[blocks.holder]
    moved = float(blocks.households[home != part].sum())
    operation = write_operation(RedrawPartition(blocks.parent.id, areas=tuple(borders)))
    return Alternative(
        name,
        part,
        parts,
        balance_of([each.load for each in parts]) or Balance(0.0, 0.0),
        inner,
        float((graph.common_m * graph.street)[cut].sum()) / inner if inner else 0.0,
        moved,
        moved / max(float(blocks.households.sum()), 1e-12),
        operation,
    )


def _part(blocks: Blocks, graph: Graph, plane: Objects, of: tuple[Ints, BaseGeometry, UUID | None]) -> Part:
    mine, border, unit = of
    flat = shapely.coverage_union_all(plane[mine])
    return Part(
        unit,
        float(graph.weight[mine].sum()),
        float(blocks.households[mine].sum()),
        float(blocks.residents[mine].sum()),
        float(blocks.cases[mine].sum()),
        float(blocks.area_m2[mine].sum()),
        float(4 * np.pi * flat.area / flat.length**2),
        _hangs_together(graph, mine),
        border,
    )


def _hangs_together(graph: Graph, mine: Ints) -> bool:
    """By common borders alone, not by the ways between places that lie apart."""
    inside = set(mine.tolist())
    seen, waiting = {int(mine[0])}, [int(mine[0])]
    while waiting:
        for other, metres, _ in graph.neighbours[waiting.pop()]:
            if metres > 0 and other in inside and other not in seen:
                seen.add(other)
                waiting.append(other)
    return len(seen) == len(inside)


def _unmet(graph: Graph, wanted: Wanted, bounds: Bounds, alternatives: Sequence[Alternative]) -> list[Unmet]:
    unmet = []
    mean = float(graph.weight.sum()) / wanted.count
    if float(graph.weight.max()) > mean * (1 + wanted.tolerance):
        share = f"{graph.weight.max() / mean:.0%}"
        text = told("one block alone holds {share} of an even part", share=share)
        unmet.append(Unmet("block_too_heavy", None, text))
    if graph.places > 1:
        text = told(
            "the ground lies in {count} places: a part may have to lie in several", count=graph.places
        )
        unmet.append(Unmet("ground_apart", None, text))
    for each in alternatives:
        off = each.balance.max_deviation
        if off > wanted.tolerance:
            text = told(
                "a part is {off} off the mean, more than {tolerance}",
                off=f"{off:.1%}",
                tolerance=f"{wanted.tolerance:.1%}",
            )
            unmet.append(Unmet("uneven", each.name, text))
        if not all(part.is_whole for part in each.parts):
            unmet.append(Unmet("in_pieces", each.name, told("a part does not hang together")))
    if len(alternatives) < wanted.alternatives:
        text = told(
            "{count} divisions that really differ were found, not {wanted}",
            count=len(alternatives),
            wanted=wanted.alternatives,
        )
        unmet.append(Unmet("few_alternatives", None, text))
    if bounds.is_late:
        text = told("the time of {seconds} s was used up", seconds=f"{wanted.time_limit_s:g}")
        unmet.append(Unmet("time", None, text))
    return unmet
