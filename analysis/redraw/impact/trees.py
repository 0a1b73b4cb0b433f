"""Units with what stands below them, before and after a plan: what the figures of every level are summed from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection

from geo.codes import natural_key
from geo.networks import Network
from geo.operations import Unit
from geo.plans.redraw import Redraw
from geo.plans.working import read_siblings


@dataclass(frozen=True)
class Tree:
    """Territorial units of one side; of each that is asked about, everything below is there."""

    network: Network
    units: Mapping[UUID, Unit]

    @cached_property
    def _families(self) -> dict[UUID, list[Unit]]:
        families: dict[UUID, list[Unit]] = {}
        for each in self.units.values():
            if each.parent is not None:
                families.setdefault(each.parent, []).append(each)
        return families

    def children(self, unit_id: UUID) -> list[Unit]:
        """The units right below; where several levels divide the same ground, those of the first of them."""
        below = self._families.get(unit_id, [])
        levels = {each.level for each in below}
        first = next((each.code for each in self.network.levels if each.code in levels), None)
        return [each for each in below if each.level == first]

    def leaves(self, unit_id: UUID) -> list[Unit]:
        """The units with a border of their own that make up a unit: itself, where nothing divides it."""
        here = self.units.get(unit_id)
        if here is None:
            return []
        if here.geom is not None:
            return [here]
        return [leaf for child in self.children(unit_id) for leaf in self.leaves(child.id)]

    def within(self, unit_id: UUID) -> list[UUID]:
        """A unit and everything below it, of whatever level."""
        below = self._families.get(unit_id, [])
        return [unit_id, *(each for child in below for each in self.within(child.id))]


def read_trees(
    conn: Connection, found: Redraw, tops: Collection[UUID], known: tuple[Mapping[UUID, Unit], Mapping[UUID, Unit]]
) -> tuple[Tree, Tree]:  # fmt: skip
    """All below these units, as the newest edition has it and as the plan does; `known`: the units themselves."""
    sides = tuple({each: side[each] for each in tops if each in side} for side in known)
    frontier, seen = set(tops), set(tops)
    while frontier:
        both = read_siblings(conn, found, frontier)
        frontier = set()
        for side, units in zip(sides, both, strict=True):
            side |= {each.id: each for each in units if each.kind == "territorial"}
            frontier |= {each.id for each in units if each.kind == "territorial" and each.geom is None}
        frontier -= seen
        seen |= frontier
    return Tree(found.network, sides[0]), Tree(found.network, sides[1])


def branches(network: Network, units: Iterable[Unit]) -> list[list[Unit]]:
    """Units with a border of their own, told apart by the levels that cover the ground together."""
    chains = [set(network.chain(each.code)) for each in network.levels]
    groups: list[tuple[set[str], list[Unit]]] = []
    for unit in units:
        mine = set().union(*(chain for chain in chains if unit.level in chain))
        group = next((rows for levels, rows in groups if unit.level in levels), None)
        if group is None:
            groups.append((mine, [unit]))
        else:
            group.append(unit)
    return [rows for _, rows in groups]


def leaves_below(tree: Tree, unit_ids: Iterable[UUID]) -> list[Unit]:
    """Each once, in the order of the units."""
    found = {leaf.id: leaf for unit_id in unit_ids for leaf in tree.leaves(unit_id)}
    return list(found.values())


def by_level(network: Network, units: Sequence[Unit]) -> dict[str, list[Unit]]:
    """The highest level first, as the network has them; by code."""
    found: dict[str, list[Unit]] = {level.code: [] for level in network.levels}
    for each in sorted(units, key=lambda unit: natural_key(unit.code)):
        found[each.level].append(each)
    return {level: here for level, here in found.items() if here}
