"""How even the units below the same parents are, before and after, with what each of them has."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import Connection

from analysis.redraw.balance import Balance, balance_of
from analysis.redraw.blocks import first_within, read_cases
from analysis.redraw.graph import Floats
from analysis.redraw.impact.trees import Tree, branches
from geo.codes import natural_key
from geo.flows import area_m2
from geo.operations import Unit
from geo.plans import geometry_column

MEASURES = ("households", "cases", "area_m2")


@dataclass(frozen=True)
class Load:
    """What a unit has on one side; a unit whose households nobody counted has 0."""

    households: int
    cases: int
    area_m2: float


@dataclass(frozen=True)
class Sibling:
    """A unit among those below the same parents; None: it is not on that side."""

    unit_id: UUID
    code: str
    name: str
    before: Load | None
    after: Load | None


@dataclass(frozen=True)
class Evenness:
    """How even all units below the same parents are by one measure, of MEASURES; None: nothing to be even."""

    measure: str
    before: Balance | None
    after: Balance | None


Loads = tuple[Mapping[UUID, Load], Mapping[UUID, Load]]


def read_loads(conn: Connection, trees: tuple[Tree, Tree], now: datetime) -> Loads:
    """Of every unit with a border of its own on each side."""
    sides = [[each for each in tree.units.values() if each.geom is not None] for tree in trees]
    shapes = geometry_column(each.geom for side in sides for each in side)
    cases = read_cases(conn, shapes, now)[0]
    before, after = (_weigh(tree, side, cases) for tree, side in zip(trees, sides, strict=True))
    return before, after


def _weigh(tree: Tree, leaves: Sequence[Unit], cases: Floats) -> dict[UUID, Load]:
    found: dict[UUID, Load] = {}
    for units in branches(tree.network, leaves):
        shapes = geometry_column(each.geom for each in units)
        struck = np.bincount(first_within(shapely.STRtree(shapes), cases)[1], minlength=len(units))
        for unit, number, area in zip(units, struck.tolist(), area_m2(shapes).tolist(), strict=True):
            found[unit.id] = Load(unit.households or 0, number, area)
    return found


def list_siblings(trees: tuple[Tree, Tree], loads: Loads, chosen: Collection[UUID]) -> list[Sibling]:
    """All below the parents of these units of one level, on either side; of roots these alone. By code."""
    units = [tree.units[each] for tree in trees for each in chosen if each in tree.units]
    parents, level = {each.parent for each in units}, {each.level for each in units}
    sides = [
        {
            each.id: each
            for each in tree.units.values()
            if each.level in level and each.parent in parents and (each.parent is not None or each.id in chosen)
        }
        for tree in trees
    ]  # fmt: skip
    named = {**sides[0], **sides[1]}
    weighed = [
        {unit_id: _sum([load[leaf.id] for leaf in tree.leaves(unit_id)]) for unit_id in side}
        for tree, load, side in zip(trees, loads, sides, strict=True)
    ]
    return [
        Sibling(each.id, each.code, each.name, weighed[0].get(each.id), weighed[1].get(each.id))
        for each in sorted(named.values(), key=lambda unit: natural_key(unit.code))
    ]


def _sum(parts: Sequence[Load]) -> Load:
    return Load(
        sum(each.households for each in parts),
        sum(each.cases for each in parts),
        sum(each.area_m2 for each in parts),
    )


def weigh_evenness(siblings: Sequence[Sibling]) -> list[Evenness]:
    """By each measure."""
    sides = [
        [load for load in side if load is not None]
        for side in ([each.before for each in siblings], [each.after for each in siblings])
    ]
    found = []
    for name in MEASURES:
        before, after = (balance_of([getattr(load, name) for load in side]) for side in sides)
        found.append(Evenness(name, before, after))
    return found
