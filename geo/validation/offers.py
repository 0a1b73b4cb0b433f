"""Which operation of a plan would mend a finding: offered with it, done by nobody but who asks for it.

None where a unit has no id yet (a draft from a file), or where people have to say what is meant.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.validation.ground import NO_PARENT, Ground

Mend = tuple[str, Mapping[str, Any]]


def give_overlap(ground: Ground, one: int, other: int, shape: BaseGeometry) -> Mend | None:
    """Ground that two hold to the one whose own ground borders on more of it, the first where they are even."""
    own = [shapely.difference(ground.shape[index], shape) for index in (one, other)]
    common = [_common_deg(shape, rest) for rest in own]
    taker, giver = (one, other) if common[0] >= common[1] else (other, one)
    return _transferred(ground, giver, taker, shape)


def fill_gap(ground: Ground, parent: int | None, near: Sequence[int], part: BaseGeometry) -> Mend | None:
    """A gap to the neighbour with the longest common border, below the same parent where one is left by it."""
    below = [index for index in near if parent is None or parent in _above(ground, index)]
    common = [_common_deg(part, ground.shape[index]) for index in below]
    if not common or max(common) == 0:
        return None
    return _transferred(ground, None, below[int(np.argmax(common))], part)


def match_borders(ground: Ground, index: int) -> Mend | None:
    unit_id = ground.drafts[index].unit_id
    return None if unit_id is None else ("match_borders", {"units": [str(unit_id)]})


def _above(ground: Ground, index: int) -> Iterable[int]:
    step = int(ground.parent[index])
    while step != NO_PARENT:
        yield step
        step = int(ground.parent[step])


def _transferred(ground: Ground, giver: int | None, taker: int, area: BaseGeometry) -> Mend | None:
    its = None if giver is None else ground.drafts[giver].unit_id
    own = ground.drafts[taker].unit_id
    if own is None or (giver is not None and its is None):
        return None
    drawn = shapely.geometry.mapping(area)
    return "transfer", {"giver": None if its is None else str(its), "taker": str(own), "area": drawn}


def split_along(ground: Ground, index: int, across: BaseGeometry) -> Mend | None:
    """Along a barrier that is one line; an area has two banks, and which one is meant is for people to say."""
    line = shapely.line_merge(across) if across.area == 0 else across
    if line.geom_type != "LineString":
        return None
    return ask("split_by_line", ground, index, line=shapely.geometry.mapping(line))


def fill_hole(ground: Ground, index: int, hole: BaseGeometry) -> Mend | None:
    """With all that lies in the hole, where it is full of units under the same parent."""
    ids = [ground.drafts[index].unit_id]
    inside = [other for other in _beside(ground, index, hole) if hole.covers(ground.shape[other])]
    ids += [ground.drafts[other].unit_id for other in inside]
    area = float(sum(ground.shape[other].area for other in inside))
    if None in ids or not math.isclose(area, hole.area, rel_tol=1e-9):
        return None
    return "merge", {"units": [str(each) for each in ids]}


def give_part(ground: Ground, index: int, part: BaseGeometry) -> Mend | None:
    """The part to the neighbour under the same parent with the longest common border."""
    heirs = _beside(ground, index, part)
    if not heirs:
        return None
    common = [_common_deg(part, ground.shape[other]) for other in heirs]
    heir = heirs[int(np.argmax(common))]
    return _transferred(ground, index, heir, part)


def merge_small(ground: Ground, index: int) -> Mend | None:
    """With the neighbour under the same parent that has the fewest households."""
    others = [other for other in _beside(ground, index, ground.shape[index]) if ground.drafts[other].unit_id]
    own = ground.drafts[index].unit_id
    if own is None or not others:
        return None
    smallest = min(others, key=lambda other: (ground.drafts[other].households or 0, ground.code(other)))
    return "merge", {"units": [str(own), str(ground.drafts[smallest].unit_id)]}


def _beside(ground: Ground, index: int, shape: BaseGeometry) -> list[int]:
    rows, tree = ground.leaf_tree
    met = (int(rows[place]) for place in tree.query(shape, predicate="intersects"))
    same = (each for each in met if each != index and ground.parent[each] == ground.parent[index])
    return [each for each in same if _common_deg(shape, ground.shape[each]) > 0]


def _common_deg(one: BaseGeometry, other: BaseGeometry) -> float:
    return float(shapely.length(shapely.intersection(shapely.boundary(one), shapely.boundary(other))))


def ask(name: str, ground: Ground, index: int, **more: Any) -> Mend | None:
    unit_id = ground.drafts[index].unit_id
    return None if unit_id is None else (name, {"unit": str(unit_id), **more})
