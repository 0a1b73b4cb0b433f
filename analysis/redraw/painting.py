"""Painting: blocks of a parent's ground are given to one of its units, as the operations that do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from analysis.redraw.blocks import Blocks
from analysis.redraw.graph import Floats
from core.errors import Invalid, told
from geo.operations import Merge, Operation, Reparent, Transfer, Unit
from geo.plans.codec import write_operation


@dataclass(frozen=True)
class Stroke:
    """What was painted: a place inside of each block (lon, lat), and the unit that gets them."""

    taker: UUID
    places: Floats


def read_paint(blocks: Blocks, stroke: Stroke) -> list[tuple[str, dict[str, object]]]:
    """Operations that give the painted blocks to the unit, one for each giver that keeps some: these go on being themselves.

    Givers that keep nothing are merged with the unit at the end: of all of them, the largest goes on.
    """
    taker = next((each for each in blocks.units if each.id == stroke.taker), None)
    if taker is None:
        raise Invalid(
            told("{unit} is not one of the units below {code}", unit=stroke.taker, code=blocks.parent.code)
        )
    painted = _painted(blocks, stroke.places)
    given = [place for place in painted if blocks.units[blocks.holder[place]].id != taker.id]
    if not given:
        raise Invalid(
            told("{level} {code} has all of these blocks already", level=taker.level, code=taker.code)
        )
    whole = _whole(blocks, given, taker)
    parts = [place for place in given if int(blocks.holder[place]) not in whole]
    operations = _give_parts(blocks, parts, taker)
    if whole:
        operations.append(Merge((taker.id, *(blocks.units[holder].id for holder in whole))))
    return [write_operation(each) for each in operations]


def _whole(blocks: Blocks, given: Sequence[int], taker: Unit) -> list[int]:
    """Places of the units of the taker's level that would keep nothing."""
    left = set(np.delete(blocks.holder, given).tolist())
    givers = sorted({int(blocks.holder[place]) for place in given})
    return [holder for holder in givers if holder not in left and blocks.units[holder].level == taker.level]


def _give_parts(blocks: Blocks, parts: Sequence[int], taker: Unit) -> list[Operation]:
    if taker.geom is None:  # its border follows from the units below it: nothing is cut
        lowest = {blocks.leaves[blocks.leaf[place]].id: None for place in parts}
        return [Reparent(tuple(lowest), taker.id)] if lowest else []
    return [
        Transfer(blocks.units[holder].id, taker.id, _union(blocks, parts, holder))
        for holder in sorted({int(blocks.holder[place]) for place in parts})
    ]


def _painted(blocks: Blocks, places: Floats) -> list[int]:
    tree = shapely.STRtree(blocks.shapes)
    place, block = tree.query(shapely.points(places), predicate="within")
    if len(np.unique(place)) < len(places):
        raise Invalid(told("a painted place lies in none of the blocks: read them again"))
    return sorted(set(block.tolist()))


def _union(blocks: Blocks, given: Sequence[int], holder: int) -> BaseGeometry:
    mine = [place for place in given if blocks.holder[place] == holder]
    union: BaseGeometry = shapely.coverage_union_all(blocks.shapes[mine])
    return union
