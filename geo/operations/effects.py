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
from geo.operations.drawing import Drawing, Impossible, NothingToDo, Unit
from geo.plans import geometry_column
from geo.validation.coverage import OUTLINE_M, wider_than
from geo.validation.ground import Objects, in_metres

DEGREE_M = 111_320
"""Metres in a degree of latitude, or of longitude on the equator: nowhere more."""


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
            raise NothingToDo(told("nothing would change"))
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
    """No ground goes from one official area to another, nor out of one, but where its outline asks for it."""
    holders: dict[UUID, tuple[list[Unit], list[Unit]]] = {}
    for unit_id in changes:
        for drawing, place in ((before, 0), (after, 1)):
            unit = drawing.units.get(unit_id)
            if unit is not None and unit.geom is not None and unit.kind == "territorial":
                for lock in _locks_of(drawing, unit):
                    holders.setdefault(lock, ([], []))[place].append(unit)
    for lock, (was, now) in holders.items():
        old, new = (shapely.union_all(geometry_column(unit.geom for unit in units)) for units in (was, now))
        moved = _wide_parts(shapely.symmetric_difference(old, new))
        if not len(moved):
            continue
        free = shapely.difference(shapely.union_all(moved), _held_by_others(after, lock, changes, moved))
        lost, gained = shapely.intersection(free, old), shapely.intersection(free, new)
        if (outline := before.outlines.get(lock)) is not None:
            lost, gained = shapely.intersection(lost, outline), shapely.difference(gained, outline)
        if len(wrong := _wide_parts(lost, gained)):
            unit = before.units.get(lock) or after.unit(lock)
            text = told(
                "the official outline of {level} {code} is locked and would be left",
                level=unit.level,
                code=unit.code,
            )
            raise Impossible(text, _core(wrong[int(np.argmax(shapely.area(wrong)))]))


def _core(part: BaseGeometry) -> BaseGeometry:
    """Where it is as wide as told: what moves may trail a sliver along the whole border."""
    return shapely.buffer(part, -OUTLINE_M / 2 / DEGREE_M, quad_segs=2)


def _wide_parts(*shapes: BaseGeometry) -> Objects:
    """Polygons of these that are wider than the grid may make them."""
    parts = shapely.get_parts(geometry_column(shapes))
    parts = np.asarray(parts[shapely.area(parts) > 0], dtype=object)
    return parts[wider_than(in_metres(parts), OUTLINE_M)] if len(parts) else parts


def _held_by_others(drawing: Drawing, lock: UUID, changes: Changes, where: Objects) -> BaseGeometry:
    """Ground of units below the lock that do not change, of those that meet these places."""
    return shapely.union_all(
        geometry_column(
            unit.geom
            for unit in drawing.at(where)
            if unit.id not in changes and lock in _locks_of(drawing, unit)
        )
    )


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
