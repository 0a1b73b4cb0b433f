"""Changes that move no border between edited units: parents, names, codes, and dedicated units drawn over the others."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.metric import snap
from geo.operations.cut import Changes
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.plans import as_multipolygons, geometry_column


@dataclass(frozen=True)
class Reparent:
    """The units go below another parent: an existing one, or one that is born (`parent` None) with this name."""

    units: tuple[UUID, ...]
    parent: UUID | None = None
    name: str | None = None

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return self.units if self.parent is None else (*self.units, self.parent)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        units = [drawing.unit(unit_id) for unit_id in self.units]
        if not units or len({unit.level for unit in units}) > 1:
            raise Invalid(told("name units of one level"))
        above = drawing.network.level(units[0].level).parent
        if above is None:
            raise Invalid(told("{level} is a root level: nothing stands above it", level=units[0].level))
        parent = (
            self._born(drawing, units[0], above, key) if self.parent is None else drawing.unit(self.parent)
        )
        if parent.level != above:
            raise Invalid(
                told(
                    "a {level} belongs below a {level_2}, not a {level_3}",
                    level=units[0].level,
                    level_2=above,
                    level_3=parent.level,
                )
            )
        if parent.geom is not None and units[0].kind == "territorial":
            raise Impossible(
                told(
                    "{level} {code} has a border of its own and no units yet",
                    level=parent.level,
                    code=parent.code,
                ),
                parent.geom,
            )
        changes: Changes = {unit.id: replace(unit, parent=parent.id) for unit in units}
        return changes if self.parent is not None else {**changes, parent.id: parent}

    def _born(self, drawing: Drawing, child: Unit, above: str, key: UUID) -> Unit:
        old = None if child.parent is None else drawing.unit(child.parent)
        grandparent = None if old is None else old.parent
        code = drawing.next_codes(above, grandparent, 1)[0]
        return Unit(uuid5(key, "0"), above, code, self.name or code, grandparent, None)


@dataclass(frozen=True)
class Rename:
    """The unit gets another name and stays the one it is."""

    unit: UUID
    name: str

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.unit,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        return {self.unit: replace(drawing.unit(self.unit), name=checked_name(self.name))}


def checked_name(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or len(name) > 200:
        raise Invalid(told("a name has 1 to 200 printable characters"))
    return name


@dataclass(frozen=True)
class Recode:
    """The unit gets a code that was never given, and stays the one it is; its old code is not given again.

    `code` None: the next one of its network's scheme.
    """

    unit: UUID
    code: str | None = None

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.unit,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        del key
        unit = drawing.unit(self.unit)
        code = drawing.next_codes(unit.level, unit.parent, 1)[0] if self.code is None else self.code.strip()
        if code != unit.code:
            refuse_given_code(drawing, unit, code)
        return {unit.id: replace(unit, code=code)}


def refuse_given_code(drawing: Drawing, unit: Unit, code: str) -> None:
    """Impossible for a code that a unit of this level bears or ever bore; Invalid for one that is none."""
    if not code or not code.isprintable() or len(code) > 64:
        raise Invalid(told("a code has 1 to 64 printable characters"))
    others = {(each.level, each.code) for each in drawing.units.values() if each.id != unit.id}
    if (unit.level, code) in drawing.given | others:
        raise Impossible(
            told(
                "{level} code {code} was given already: codes are never given twice",
                level=unit.level,
                code=code,
            )
        )


@dataclass(frozen=True)
class CreateDedicated:
    """A dedicated unit (a school, a market) is drawn over the territorial ones, below one of them."""

    parent: UUID
    level: str
    area: BaseGeometry
    name: str
    code: str | None = None

    @property
    def subjects(self) -> tuple[UUID, ...]:
        return (self.parent,)

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        parent = drawing.unit(self.parent)
        if drawing.network.level(self.level).parent != parent.level:
            raise Invalid(
                told("a {level} does not belong below a {level_2}", level=self.level, level_2=parent.level)
            )
        if self.area.geom_type not in ("Polygon", "MultiPolygon") or not shapely.is_valid(self.area):
            raise Invalid(told("draw the area as one closed line that does not cross itself"))
        code = self.code or drawing.next_codes(self.level, parent.id, 1)[0]
        if (self.level, code) in drawing.given:
            raise Impossible(
                told(
                    "{level} code {code} was given already: codes are never given twice",
                    level=self.level,
                    code=code,
                )
            )
        shape = as_multipolygons(shapely.normalize(snap(geometry_column([self.area]))))[0]
        unit = Unit(
            uuid5(key, "0"), self.level, code, self.name.strip() or code, parent.id, shape, "dedicated"
        )
        return {unit.id: unit}
