"""What comes to lie in another unit of each level: ground, and the households and residents that live on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import shapely

from analysis.redraw.blocks import first_within
from analysis.redraw.graph import Floats, Ints
from analysis.redraw.impact.trees import branches
from geo.addresses import DoorCounts
from geo.flows import Doors, Flow, flow
from geo.networks import Network
from geo.operations import Unit
from geo.plans import geometry_column
from geo.plans.succession import CRUMB_M2, Chain, Side, Succession


@dataclass(frozen=True)
class Stream:
    """Ground of one cover before and after: lowest units, what stands above each, and what goes from which to which."""

    old: Sequence[Unit]
    new: Sequence[Unit]
    was: Sequence[Chain]
    will_be: Sequence[Chain]
    moved: Flow

    @property
    def levels(self) -> set[str]:
        return set().union(*(set(chain) for chain in (*self.was, *self.will_be)))


@dataclass(frozen=True)
class Moved:
    """Households and residents that change unit at a level; None: nobody knows how many there are."""

    households: int | None
    residents: int | None


def read_streams(network: Network, follows: Succession) -> list[Stream]:
    """Of the lowest units that the plan changes, and of those that come below another unit with what stands above them."""
    left = branches(network, follows.before.leaves)
    right = branches(network, follows.after.leaves)
    return [
        _stream(follows, old, new)
        for old in left
        for new in right
        if _same_cover(network, old[0].level, new[0].level)
    ]


def _same_cover(network: Network, one: str, other: str) -> bool:
    return any({one, other} <= set(network.chain(level.code)) for level in network.levels)


def _stream(follows: Succession, old: list[Unit], new: list[Unit]) -> Stream:
    shapes = [geometry_column(each.geom for each in side) for side in (old, new)]
    return Stream(
        old, new, _chains(follows.before, old), _chains(follows.after, new), flow(shapes[0], shapes[1], Doors())
    )  # fmt: skip


def _chains(side: Side, leaves: Sequence[Unit]) -> list[Chain]:
    return [side.chain(each.id) for each in leaves]


def crossed(streams: Sequence[Stream]) -> set[UUID]:
    """Units of every level that lose or gain ground."""
    found: set[UUID] = set()
    for each in streams:
        for old, new, area in zip(each.moved.old, each.moved.new, each.moved.area_m2, strict=True):
            if area >= CRUMB_M2:
                found |= set(each.was[old].values()) ^ set(each.will_be[new].values())
    return found


def count_moved(streams: Sequence[Stream], doors: DoorCounts) -> dict[str, Moved]:
    """By level, at doors; where no door is known, the units' households by the ground that goes elsewhere."""
    found: dict[str, Moved] = {}
    for each in streams:
        counted = _by_shares(each) if not len(doors.households) else _by_doors(each, doors)
        found = {**counted, **found}
    return found


def _by_doors(stream: Stream, doors: DoorCounts) -> dict[str, Moved]:
    before, after = _at(stream.old, doors.lon_lat), _at(stream.new, doors.lon_lat)
    there = (before >= 0) & (after >= 0)
    homes, people = doors.households[there], doors.residents[there]
    found = {}
    for level in stream.levels:
        was, now = _numbers(level, stream.was, stream.will_be)
        one, other = was[before[there]], now[after[there]]
        away = (one != other) & (one >= 0) & (other >= 0)
        found[level] = Moved(int(homes[away].sum()), int(people[away].sum()))
    return found


def _at(leaves: Sequence[Unit], lon_lat: Floats) -> Ints:
    """The place of the leaf that holds each point; -1 for none."""
    found = np.full(len(lon_lat), -1, dtype=np.int64)
    point, leaf = first_within(shapely.STRtree(geometry_column(each.geom for each in leaves)), lon_lat)
    found[point] = leaf
    return found


def _numbers(level: str, *sides: Sequence[Mapping[str, UUID]]) -> list[Ints]:
    """The unit of the level above each leaf, as a number that is the same on all sides; -1 for none."""
    ids = {chain[level] for side in sides for chain in side if level in chain}
    numbers = {unit_id: number for number, unit_id in enumerate(ids)}
    return [
        np.array([numbers[chain[level]] if level in chain else -1 for chain in side], dtype=np.int64)
        for side in sides
    ]


def _by_shares(stream: Stream) -> dict[str, Moved]:
    known = np.array([np.nan if each.households is None else each.households for each in stream.old])
    homes = known[stream.moved.old] * stream.moved.households_share
    found = {}
    for level in stream.levels:
        was, now = _numbers(level, stream.was, stream.will_be)
        one, other = was[stream.moved.old], now[stream.moved.new]
        away = float(homes[(one != other) & (one >= 0) & (other >= 0)].sum())
        found[level] = Moved(None if np.isnan(away) else round(away), None)
    return found
