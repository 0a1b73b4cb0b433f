"""Several units into one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import numpy as np
import shapely

from core.errors import Invalid, told
from geo.operations.cut import Changes, cut_units, regroup
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.plans import geometry_column


@dataclass(frozen=True)
class Merge:
    """The units become one: `keeper` or else the largest goes on (`identity` keep), or a new one is born (new).

    Units that stand above others give these to the one that goes on; their borders follow.
    """

    units: tuple[UUID, ...]
    identity: str = "keep"
    name: str | None = None
    keeper: UUID | None = None

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return self.units

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        units = [drawing.unit(unit_id) for unit_id in dict.fromkeys(self.units)]
        if len(units) < 2 or len({(unit.level, unit.kind) for unit in units}) > 1:
            raise Invalid(told("merge two or more units of one level"))
        keeper = _keeper(drawing, units) if self.keeper is None else self._chosen(units)
        if self.identity == "new":
            keeper = _born(drawing, keeper, key)
        if self.name:
            keeper = replace(keeper, name=self.name)
        if any(unit.geom is None for unit in units):
            return _merge_parents(drawing, units, keeper)
        _refuse_apart(units)
        cut = cut_units(drawing, [unit.id for unit in units], [])
        return regroup(cut, [keeper.id] * len(cut.pieces), born={keeper.id: keeper})

    def _chosen(self, units: Sequence[Unit]) -> Unit:
        found = next((unit for unit in units if unit.id == self.keeper), None)
        if found is None:
            raise Invalid(told("the unit that goes on is one of those that are merged"))
        return found


def _keeper(drawing: Drawing, units: Sequence[Unit]) -> Unit:
    """The one with most households; by area where they are equal or nobody counted."""
    return max(units, key=lambda unit: (unit.households or 0, _area(drawing, unit), -units.index(unit)))


def _area(drawing: Drawing, unit: Unit) -> float:
    if unit.geom is not None:
        return float(unit.geom.area)
    return sum(_area(drawing, child) for child in drawing.children(unit.id))


def _born(drawing: Drawing, like: Unit, key: UUID) -> Unit:
    code = drawing.next_codes(like.level, like.parent, 1)[0]
    return replace(like, id=uuid5(key, "0"), code=code, name=code, attrs={})


def _refuse_apart(units: Sequence[Unit]) -> None:
    """Each unit shares border with another one, so that all hang together."""
    shapes = geometry_column(unit.geom for unit in units)
    joined, waiting = {0}, True
    while waiting:
        rest = [row for row in range(len(units)) if row not in joined]
        met = [row for row in rest if any(_share_border(shapes[row], shapes[other]) for other in joined)]
        waiting, joined = bool(met), joined | set(met)
    if len(joined) < len(units):
        apart = next(unit for row, unit in enumerate(units) if row not in joined)
        raise Impossible(
            told("{level} {code} shares no border with the others", level=apart.level, code=apart.code),
            apart.geom,
        )


def _share_border(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    return float(shapely.length(shapely.intersection(shapely.boundary(one), shapely.boundary(other)))) > 0


def _merge_parents(drawing: Drawing, units: Sequence[Unit], keeper: Unit) -> Changes:
    """The children change hands; a parent without children is no more."""
    if any(unit.geom is not None for unit in units):
        raise Invalid(
            told(
                "a unit with units in it and one without cannot be merged: divide or empty one of them first"
            )
        )
    if any(drawing.is_natural(unit) for unit in units):
        raise Impossible(
            told("{level} {code} is an official area and locked", level=units[0].level, code=units[0].code)
        )
    changes: Changes = {unit.id: None for unit in units}
    changes[keeper.id] = replace(keeper, households=_sum(units))
    children = [child for unit in units if unit.id != keeper.id for child in drawing.children(unit.id)]
    changes |= {child.id: replace(child, parent=keeper.id) for child in children}
    dedicated = [each for each in drawing.units.values() if each.kind == "dedicated"]
    gone = {unit.id for unit in units} - {keeper.id}
    return changes | {each.id: replace(each, parent=keeper.id) for each in dedicated if each.parent in gone}


def _sum(units: Sequence[Unit]) -> int | None:
    known = [unit.households for unit in units if unit.households is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class Dissolve:
    """A unit is no more: its ground goes to the sibling with the longest common border; a dedicated one just goes."""

    unit: UUID

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.unit,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        unit = drawing.editable(self.unit)
        if unit.kind == "dedicated":
            return {unit.id: None}
        siblings = [
            each
            for each in drawing.neighbours([unit.id])
            if (each.level, each.parent) == (unit.level, unit.parent)
        ]
        common = [
            float(
                shapely.length(shapely.intersection(shapely.boundary(unit.geom), shapely.boundary(each.geom)))
            )
            for each in siblings
        ]
        if not common or max(common) == 0:
            raise Impossible(
                told(
                    "{level} {code} has no neighbour under the same parent that could take its ground",
                    level=unit.level,
                    code=unit.code,
                ),
                unit.geom,
            )
        heir = siblings[int(np.argmax(common))]
        cut = cut_units(drawing, [unit.id, heir.id], [])
        return regroup(cut, [heir.id] * len(cut.pieces))
