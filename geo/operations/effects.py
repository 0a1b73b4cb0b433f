"""An operation applied to a drawing: what changes, what it does to each unit, what is wrong afterwards, the way back."""

from collections.abc import Iterable, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import told
from geo.metric import metric_crs_of, to_metres
from geo.operations.cut import Changes
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.plans import geometry_column
from geo.validation.coverage import OUTLINE_M, wider_than
from geo.validation.ground import Objects, in_metres


class Operation(Protocol):
    """One kind of redraw, a dataclass: its fields are what a planner asks for. `subjects`: the units it names."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def subjects(self) -> tuple[UUID, ...]: ...

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        """Units as it leaves them. The same drawing and key give the same, born ids and codes too."""
        ...


@dataclass(frozen=True)
class Restore:
    """Units as they were: the inverse of any operation. `gone`: units that were not there."""

    units: tuple[Unit, ...]
    gone: tuple[UUID, ...] = ()

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (*(unit.id for unit in self.units), *self.gone)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del drawing, key
        return {**{unit.id: unit for unit in self.units}, **dict.fromkeys(self.gone)}


@dataclass(frozen=True)
class Measures:
    """Of one unit. `compactness`: Polsby and Popper's 4π·area/perimeter², 1 for a circle. `parts`: polygons."""

    area_m2: float
    perimeter_m: float
    compactness: float
    parts: int
    households: int | None


@dataclass(frozen=True)
class Applied:
    """`changes`: units that are not as before, parents that follow left out; `inverse` leads back exactly."""

    drawing: Drawing
    changes: Changes
    before: dict[UUID, Measures]
    after: dict[UUID, Measures]
    inverse: Restore


def apply(drawing: Drawing, operation: Operation, key: UUID) -> Applied:
    """Apply an operation; born units get their ids from `key`. Impossible where the ground does not allow it."""
    changes = _true_changes(drawing, operation.redraw(drawing, key))
    changes |= _emptied_parents(drawing, changes)
    if not isinstance(operation, Restore):
        if not changes:
            raise Impossible(told("nothing would change"))
        _refuse_broken_locks(drawing, drawing.redrawn(changes), changes)
    was = {unit_id: drawing.units.get(unit_id) for unit_id in changes}
    inverse = Restore(
        tuple(unit for unit in was.values() if unit is not None),
        tuple(unit_id for unit_id, unit in was.items() if unit is None),
    )
    return Applied(
        drawing.redrawn(changes),
        changes,
        measure(was.values()),
        measure(changes.values()),
        inverse,
    )


def _true_changes(drawing: Drawing, changes: Changes) -> Changes:
    return {unit_id: unit for unit_id, unit in changes.items() if unit != drawing.units.get(unit_id)}


def _emptied_parents(drawing: Drawing, changes: Changes) -> Changes:
    """Drawn parents that have no unit left below them are no more."""
    after = drawing.redrawn(changes)
    gone: Changes = {}
    lost = [drawing.units.get(unit_id) for unit_id in changes]
    waiting = {unit.parent for unit in lost if unit is not None and unit.parent is not None}
    while waiting:
        parent = after.units.get(waiting.pop())
        if parent is None or parent.geom is not None or after.children(parent.id):
            continue
        if after.is_natural(parent):
            raise Impossible(
                told(
                    "{level} {code} is an official area and would have no unit left",
                    level=parent.level,
                    code=parent.code,
                )
            )
        gone[parent.id] = None
        after = after.redrawn({parent.id: None})
        if parent.parent is not None:
            waiting.add(parent.parent)
    return gone


def _refuse_broken_locks(before: Drawing, after: Drawing, changes: Changes) -> None:
    """No ground goes from one official area to another, nor out of one."""
    holders: dict[UUID, tuple[list[Unit], list[Unit]]] = {}
    for unit_id in changes:
        for drawing, place in ((before, 0), (after, 1)):
            unit = drawing.units.get(unit_id)
            if unit is not None and unit.geom is not None and unit.kind == "territorial":
                for lock in _locks_of(drawing, unit):
                    holders.setdefault(lock, ([], []))[place].append(unit)
    for lock, (was, now) in holders.items():
        old, new = (shapely.union_all(geometry_column(unit.geom for unit in units)) for units in (was, now))
        moved = shapely.get_parts(shapely.symmetric_difference(old, new))
        moved = geometry_column(part for part in moved if part.area > 0)
        if len(moved) and (wide := wider_than(in_metres(moved), OUTLINE_M)).any():
            wrong = _away_from(
                before.outlines.get(lock), (old, new), _others(after, lock, changes), moved[wide]
            )
            unit = before.units.get(lock) or after.unit(lock)
            if len(wrong):
                text = told(
                    "the official outline of {level} {code} is locked and would be left",
                    level=unit.level,
                    code=unit.code,
                )
                raise Impossible(text, wrong[0])


def _others(drawing: Drawing, lock: UUID, changes: Changes) -> Objects:
    """Units below the lock that do not change."""
    return geometry_column(
        unit.geom for unit in drawing.leaves[0] if unit.id not in changes and lock in _locks_of(drawing, unit)
    )


def _away_from(
    outline: BaseGeometry | None, sides: tuple[BaseGeometry, BaseGeometry], others: Objects, moved: Objects
) -> Objects:
    """Moved ground that the outline did not ask for: given to nobody inside of it, or taken beyond it."""
    spots = shapely.point_on_surface(moved)
    was, now = (shapely.contains(side, spots) for side in sides)
    held = np.zeros(len(moved), dtype=bool)
    held[shapely.STRtree(others).query(spots, predicate="within")[0]] = True
    wrong = (was | held) != (now | held)
    if outline is not None:
        wrong &= (now | held) != shapely.contains(outline, spots)
    return np.asarray(moved[wrong], dtype=object)


def _locks_of(drawing: Drawing, unit: Unit) -> list[UUID]:
    """Every official unit above."""
    locks, step = [], drawing.units.get(unit.parent) if unit.parent else None
    while step is not None:
        if drawing.is_natural(step):
            locks.append(step.id)
        step = drawing.units.get(step.parent) if step.parent else None
    return locks


def measure(units: Iterable[Unit | None]) -> dict[UUID, Measures]:
    """Of every unit with a border of its own, in the local metric plane."""
    drawn = [unit for unit in units if unit is not None and unit.geom is not None]
    if not drawn:
        return {}
    shapes: Objects = to_metres_all(drawn)
    area, around = shapely.area(shapes), shapely.length(shapes)
    compact = 4 * np.pi * area / around**2
    parts = shapely.get_num_geometries(shapes)
    rows = zip(drawn, area, around, compact, parts, strict=True)
    return {
        unit.id: Measures(float(a), float(p), float(c), int(n), unit.households) for unit, a, p, c, n in rows
    }


def to_metres_all(units: Sequence[Unit]) -> Objects:
    shapes = geometry_column(unit.geom for unit in units)
    return to_metres(shapes, metric_crs_of(shapes))
