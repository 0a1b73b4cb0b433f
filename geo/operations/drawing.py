"""A drawing: units as a plan has them, of which only those with a border of their own are edited.

It may hold a part of a network: what is touched, everything that touches it, and the siblings and parents of both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import NotFound, Refused, told
from geo.codes import next_codes
from geo.flows import Doors
from geo.networks import Network
from geo.plans import Kind, geometry_column
from geo.validation.ground import Objects


class Impossible(Refused):
    """An operation that the ground does not allow; `where` is lon, lat of the place."""

    def __init__(self, message: str, place: BaseGeometry | None = None) -> None:
        self.where: tuple[float, float] | None = None
        if place is not None and not place.is_empty:
            spot = shapely.get_coordinates(shapely.point_on_surface(place))[0]
            self.where = (float(spot[0]), float(spot[1]))
        super().__init__(message)

    def __str__(self) -> str:
        text = str(self.args[0])
        return text if self.where is None else f"{text} (at {self.where[0]:.7f}, {self.where[1]:.7f})"


class NothingToDo(Impossible):
    """What an operation asks for holds already."""


@dataclass(frozen=True)
class Unit:
    """A unit as it shall be. `geom`: MultiPolygon on the stored grid, normalised; None: the union of its children."""

    id: UUID
    level: str
    code: str
    name: str
    parent: UUID | None
    geom: BaseGeometry | None
    kind: Kind = "territorial"
    households: int | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """`outlines`: the official outline of each natural unit, as received. `given`: every level and code ever given."""

    network: Network
    units: Mapping[UUID, Unit]
    outlines: Mapping[UUID, BaseGeometry] = field(default_factory=dict)
    doors: Doors = field(default_factory=Doors)
    given: frozenset[tuple[str, str]] = frozenset()
    window: BaseGeometry | None = None
    """The box in which it holds every unit; None: it holds the whole network."""

    def redrawn(self, changes: Mapping[UUID, Unit | None]) -> "Drawing":
        """The drawing with these units in place of what it had of them; None takes one away."""
        units = {**self.units, **changes}
        codes = {(unit.level, unit.code) for unit in changes.values() if unit is not None}
        kept = {unit_id: unit for unit_id, unit in units.items() if unit is not None}
        return replace(self, units=kept, given=self.given | codes)

    def unit(self, unit_id: UUID) -> Unit:
        found = self.units.get(unit_id)
        if found is None:
            raise NotFound(told("the drawing has no unit {unit_id} here", unit_id=unit_id))
        return found

    def editable(self, unit_id: UUID) -> Unit:
        """A unit whose border may be redrawn; Impossible for an official one and for one that is derived."""
        unit = self.unit(unit_id)
        if unit.geom is None:
            below = sorted({child.level for child in self.children(unit_id)})
            raise Impossible(
                told(
                    "the border of {level} {code} follows from its {below} units: redraw those",
                    level=unit.level,
                    code=unit.code,
                    below=" and ".join(below),
                )
            )
        if unit.kind == "territorial" and self.is_natural(unit):
            raise Impossible(
                told("{level} {code} is an official area and locked", level=unit.level, code=unit.code),
                unit.geom,
            )
        return unit

    def border(self, unit_id: UUID) -> BaseGeometry:
        """The border of a unit that may be redrawn."""
        shape = self.editable(unit_id).geom
        if shape is None:
            raise NotFound(told("an editable unit has a border"))
        return shape

    def is_natural(self, unit: Unit) -> bool:
        return self.network.level(unit.level).origin == "natural"

    def lock_of(self, unit: Unit) -> UUID | None:
        """The nearest official unit that holds the unit, itself included; None: nothing above is official."""
        step: Unit | None = unit
        while step is not None and not self.is_natural(step):
            step = None if step.parent is None else self.units.get(step.parent)
        return None if step is None else step.id

    def children(self, parent: UUID) -> list[Unit]:
        return self._families.get(parent, [])

    @cached_property
    def _families(self) -> dict[UUID, list[Unit]]:
        families: dict[UUID, list[Unit]] = {}
        for unit in self.units.values():
            if unit.kind == "territorial" and unit.parent is not None:
                families.setdefault(unit.parent, []).append(unit)
        return families

    @cached_property
    def leaves(self) -> tuple[list[Unit], Objects, shapely.STRtree]:
        """Territorial units with a border of their own, their shapes, and an index on these."""
        found = [unit for unit in self.units.values() if unit.kind == "territorial" and unit.geom is not None]
        shapes = geometry_column(unit.geom for unit in found)
        return found, shapes, shapely.STRtree(shapes)

    def at(self, places: Objects) -> list[Unit]:
        """Leaves that touch any of these geometries."""
        leaves, _, tree = self.leaves
        _, met = tree.query(places, predicate="intersects")
        return [leaves[index] for index in np.unique(met)]

    def neighbours(self, unit_ids: Iterable[UUID]) -> list[Unit]:
        """The first ring: leaves of the same cover that touch these, themselves left out."""
        chosen = [self.unit(unit_id) for unit_id in unit_ids]
        mine = {unit.id for unit in chosen}
        levels = {level for unit in chosen for level in self.cover_levels(unit.level)}
        territorial = [unit.geom for unit in chosen if unit.kind == "territorial" and unit.geom is not None]
        met = self.at(geometry_column(territorial)) if territorial else []
        return [unit for unit in met if unit.id not in mine and unit.level in levels]

    def cover_levels(self, level: str) -> set[str]:
        """Levels whose leaves cover the ground together with those of this one: on a path through it."""
        chains = [set(self.network.chain(each.code)) for each in self.network.levels]
        return set().union(*(chain for chain in chains if level in chain))

    def next_codes(self, level: str, parent: UUID | None, count: int) -> list[str]:
        """Codes for units to be born under a parent: never given before."""
        rule = self.network.rules.get("codes", {}).get(level, {})
        above = None if parent is None else self.unit(parent).code
        siblings = [
            unit.code for unit in self.units.values() if unit.level == level and unit.parent == parent
        ]
        given = {code for its_level, code in self.given if its_level == level}
        given |= {unit.code for unit in self.units.values() if unit.level == level}
        return next_codes(rule, above=above, siblings=siblings, given=given, count=count)
