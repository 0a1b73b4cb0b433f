"""The differences of a file that comes back, each tried on the plan before it is offered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from core.errors import Invalid, NotFound, Text
from geo.operations import Drawing, Impossible, NothingToDo, Operation, Unit, apply
from geo.operations.returned import Incoming, ReplaceFromFile
from geo.plans import geometry_column
from geo.plans.codec import write_operation
from geo.plans.neighbourhood import read_drawing
from geo.plans.packages.comparing import Difference, compare_with_file
from geo.plans.packages.matching import match_features
from geo.plans.packages.reading import Feature, read_package
from geo.plans.redraw import Redraw, is_within, only_noded, refuse_outside
from geo.plans.scene import EVERYTHING, read_scene

TRIED_MOST: Final = 100
"""Differences after these are offered untried, so that the first ones need not wait: `try_operations` tries them."""


@dataclass(frozen=True)
class Offered:
    """One difference of a file. `code`: the unit's; `operation`: name and arguments of what takes it over; None: nothing does.

    `tried`: false while nobody knows yet whether the operation would be refused.
    """

    difference: Difference
    code: str | None
    operation: tuple[str, dict[str, Any]] | None
    tried: bool


@dataclass(frozen=True)
class Trial:
    """What an operation would do now. `changes`: false where all is so already; `born`: codes of new units; `why`: it is refused."""

    changes: bool
    born: tuple[str, ...] = ()
    why: Text | None = None
    where: tuple[float, float] | None = None


def compare_package(conn: Connection, found: Redraw, data: bytes) -> list[Offered]:
    """What the file has different from the plan, one by one; nothing is changed. Invalid for one that cannot be opened."""
    features = read_package(data)
    scene = read_scene(conn, found, limit=EVERYTHING)
    own = [each.unit.id for each in scene.units if each.editable]
    drawing = read_drawing(conn, found, _naming(features, own))
    inside = [each for each in drawing.units if is_within(drawing, each, found.scope_unit_id)]
    differences = compare_with_file(match_features(drawing, features, own, inside))
    key = UUID(int=found.id)
    return [
        _offered(drawing, _tried(found, drawing, each, key), tried=True)
        if place < TRIED_MOST
        else _offered(drawing, each, tried=each.operation is None)
        for place, each in enumerate(differences)
    ]


def _naming(features: Sequence[Feature], own: Sequence[UUID]) -> ReplaceFromFile:
    """What names every unit, place and code of the file and of the plan, so that all of that is read."""
    named = {each.unit_id: Incoming(each.unit_id) for each in features if each.unit_id is not None}
    named |= {unit_id: Incoming(unit_id) for unit_id in own}
    nobody = UUID(int=0)
    asked = [Incoming(nobody, each.geom, code=each.code) for each in features]
    return ReplaceFromFile((*named.values(), *asked))


def _tried(found: Redraw, drawing: Drawing, each: Difference, key: UUID) -> Difference:
    """The difference without its operation where that is refused, and why; a new unit with the code that it would get."""
    if each.operation is None:
        return each
    trial = _try(found, _around(drawing, each.operation, each.where), each.operation, key)
    if trial.why is not None:
        where = shapely.Point(trial.where) if each.where is None and trial.where is not None else each.where
        return replace(each, operation=None, why=trial.why, where=where)
    return replace(each, after="、".join(trial.born)) if trial.born else each


def try_operations(conn: Connection, found: Redraw, operations: Sequence[Operation]) -> list[Trial]:
    """What each would do to the plan as it is, by itself; nothing is changed."""
    key = UUID(int=found.id)
    return [_try(found, read_drawing(conn, found, each), each, key) for each in operations]


def _try(found: Redraw, drawing: Drawing, operation: Operation, key: UUID) -> Trial:
    try:
        applied = apply(drawing, operation, key)
        refuse_outside(found, applied)
    except NothingToDo:
        return Trial(changes=False)
    except (Impossible, Invalid, NotFound) as reason:
        return Trial(changes=False, why=reason.said, where=getattr(reason, "where", None))
    units = drawing.units
    born = (
        unit.code for unit_id, unit in applied.changes.items() if unit is not None and unit_id not in units
    )
    changes = any(not only_noded(units.get(each), unit) for each, unit in applied.changes.items())
    return Trial(changes, tuple(sorted(born)))


def _around(drawing: Drawing, operation: Operation, where: BaseGeometry | None) -> Drawing:
    """What of a large drawing the operation needs: two rings of units around it, their siblings and all that stands above."""
    units = drawing.units
    leaves, borders, tree = drawing.leaves
    near = set(operation.subjects)
    shapes = geometry_column([where, *(units[each].geom for each in near if each in units)])
    for _ in range(2):
        if not np.isnan(shapely.total_bounds(shapes)).any():
            rows = tree.query(shapely.box(*shapely.total_bounds(shapes)))
            shapes, near = borders[rows], near | {leaves[row].id for row in rows.tolist()}
    kept: dict[UUID, Unit] = {}
    while near:
        found = {each: units[each] for each in near if each in units}
        kept |= found
        parents = {unit.parent for unit in found.values() if unit.parent is not None}
        near = (parents | {child.id for parent in parents for child in drawing.children(parent)}) - set(kept)
    return replace(drawing, units=kept)


def _offered(drawing: Drawing, each: Difference, *, tried: bool) -> Offered:
    unit = None if each.unit is None else drawing.units.get(each.unit)
    operation = None if each.operation is None else write_operation(each.operation)
    return Offered(each, None if unit is None else unit.code, operation, tried)
