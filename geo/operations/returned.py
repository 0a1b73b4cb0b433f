"""What is accepted of a file that comes back from another program: borders, names and codes, births and ends of units."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.metric import snap
from geo.operations.cut import Changes, Cut, cut_units, regroup
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.operations.naming import checked_name, refuse_given_code
from geo.plans import as_multipolygons, geometry_column
from geo.validation.arrange import ROUNDING_M
from geo.validation.coverage import wider_than
from geo.validation.ground import in_metres, polygons_of


@dataclass(frozen=True)
class Incoming:
    """A unit as a file has it, told by its id. What is None stays as it is."""

    id: UUID
    geom: BaseGeometry | None = None
    name: str | None = None
    code: str | None = None
    households: int | None = None


@dataclass(frozen=True)
class Newcomer:
    """A unit that a file has and the network has not. `code` None: the next one of the scheme; `name` None: its code."""

    level: str
    parent: UUID | None
    geom: BaseGeometry
    name: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class ReplaceFromFile:
    """Units take the borders, names and codes that a file has for them: the accepted differences, matched by id.

    What `incoming` units take, others lose; what they lose, and all that units `gone` had, goes to the `heirs` that the
    file gives it to, and these change nowhere else. `born` are units that the file has without an id of this network.
    """

    incoming: tuple[Incoming, ...] = ()
    heirs: tuple[Incoming, ...] = ()
    gone: tuple[UUID, ...] = ()
    born: tuple[Newcomer, ...] = ()

    @property
    def subjects(self) -> tuple[UUID, ...]:
        named = [*(each.id for each in (*self.incoming, *self.heirs)), *self.gone]
        return (*named, *(each.parent for each in self.born if each.parent is not None))

    def redraw(self, drawing: Drawing, key: UUID) -> Changes:
        changes: Changes = {}
        born = self._newborn(drawing, key)
        levels = [drawing.unit(each.id).level for each in self.incoming if each.geom is not None]
        levels += [drawing.unit(each).level for each in self.gone] + [unit.level for unit in born]
        for cover in dict.fromkeys(frozenset(drawing.cover_levels(level)) for level in levels):
            changes |= self._borders(drawing.redrawn(changes), cover, born)
        for each in self.incoming:
            now = changes.get(each.id) or drawing.unit(each.id)
            changes[each.id] = _with_fields(drawing, now, each)
        return changes

    def _newborn(self, drawing: Drawing, key: UUID) -> list[Unit]:
        """The born units with codes from their scheme, with the ground that the file has for them."""
        found: list[Unit] = []
        for place, each in enumerate(self.born):
            code = each.code or drawing.next_codes(each.level, each.parent, 1)[0]
            name = code if each.name is None else checked_name(each.name)
            unit = Unit(uuid5(key, str(place)), each.level, code, name, each.parent, each.geom)
            refuse_given_code(drawing, unit, code)
            drawing = drawing.redrawn({unit.id: replace(unit, geom=None)})
            found.append(unit)
        return found

    def _borders(self, drawing: Drawing, cover: frozenset[str], born: Iterable[Unit]) -> Changes:
        """The ground of units on one path of levels, as the file has it."""
        drawn = [each for each in self.incoming if each.geom is not None]
        here = [
            each for each in drawn if frozenset(drawing.cover_levels(drawing.unit(each.id).level)) == cover
        ]
        ended = [
            each for each in self.gone if frozenset(drawing.cover_levels(drawing.unit(each).level)) == cover
        ]
        changes: Changes = {
            each.id: _overlaid(drawing, each) for each in here if _is_dedicated(drawing, each.id)
        }
        changes |= {each: None for each in ended if _is_dedicated(drawing, each)}
        own = [(each.id, each.geom) for each in here if each.id not in changes]
        fresh = [unit for unit in born if frozenset(drawing.cover_levels(unit.level)) == cover]
        others = [(each.id, each.geom) for each in (*drawn, *self.heirs) if each.geom is not None]
        share = _Share(
            drawing,
            cover,
            [*own, *((unit.id, unit.geom) for unit in fresh)],
            [*(unit_id for unit_id, _ in own), *(each for each in ended if each not in changes)],
            [each for each in others if self._may_inherit(drawing.unit(each[0]), cover)],
        )
        return {**changes, **share.out({unit.id: unit for unit in fresh})}

    @staticmethod
    def _may_inherit(unit: Unit, cover: frozenset[str]) -> bool:
        return unit.kind == "territorial" and unit.level in cover


def _is_dedicated(drawing: Drawing, unit_id: UUID) -> bool:
    return drawing.unit(unit_id).kind == "dedicated"


def _overlaid(drawing: Drawing, each: Incoming) -> Unit:
    """A dedicated unit lies over the others: its border takes ground from nobody."""
    if not shapely.is_valid(each.geom):
        raise _crossing()
    shape = as_multipolygons(shapely.normalize(snap(geometry_column([each.geom]))))[0]
    return replace(drawing.editable(each.id), geom=shape)


def _crossing() -> Invalid:
    return Invalid(told("a border of the file crosses itself; mend it there first"))


def _with_fields(drawing: Drawing, unit: Unit, each: Incoming) -> Unit:
    if each.name is not None and each.name != unit.name:
        unit = replace(unit, name=checked_name(each.name))
    if each.code is not None and each.code != unit.code:
        refuse_given_code(drawing, unit, each.code)
        unit = replace(unit, code=each.code)
    if each.households is not None:
        if each.households < 0:
            raise Invalid(told("households are a whole number from 0 on"))
        unit = replace(unit, households=each.households)
    return unit


Claim = tuple[UUID, BaseGeometry | None]


@dataclass(frozen=True)
class _Share:
    """Ground shared out anew: each of `claims` gets what it claims; what `losers` lose besides goes to the heirs."""

    drawing: Drawing
    cover: frozenset[str]
    claims: Sequence[Claim]
    losers: Sequence[UUID]
    heirs: Sequence[Claim] = field(default_factory=list)

    def out(self, born: dict[UUID, Unit]) -> Changes:
        areas = geometry_column(area for _, area in self.claims)
        if not shapely.is_valid(areas).all():
            raise _crossing()
        if not self.losers and not self.claims:
            return {}
        met = [unit for unit in self.drawing.at(areas) if unit.level in self.cover] if len(areas) else []
        touched = [unit.id for unit in met if not self.drawing.is_natural(unit)]
        lines = [*shapely.boundary(areas), *self._lines_of_heirs()]
        ids = [*self.losers, *touched, *(unit_id for unit_id, _ in self.heirs)]
        cut = cut_units(self.drawing, ids, lines)
        self._refuse_beyond(cut, [unit for unit in met if self.drawing.is_natural(unit)], born)
        return regroup(cut, self._owners(cut), born=born)

    def _lines_of_heirs(self) -> list[BaseGeometry]:
        """Where the borders of heirs run through what may be lost."""
        if not self.heirs:
            return []
        lost = shapely.union_all(geometry_column(self.drawing.border(each) for each in self.losers))
        lines = shapely.intersection(
            shapely.boundary(geometry_column(shape for _, shape in self.heirs)), lost
        )
        parts = shapely.get_parts(shapely.line_merge(shapely.get_parts(lines)))
        return [part for part in parts if part.geom_type == "LineString"]

    def _refuse_beyond(self, cut: Cut, official: Sequence[Unit], born: dict[UUID, Unit]) -> None:
        """No unit is drawn over ground that nobody here holds, nor over official areas."""
        held = shapely.coverage_union_all(cut.pieces)
        for unit_id, area in self.claims:
            beyond = [part for part in polygons_of(geometry_column([shapely.difference(area, held)])) if part]
            parts = geometry_column(shapely.get_parts(beyond))
            for part in parts[wider_than(in_metres(parts), ROUNDING_M)] if len(parts) else []:
                for lock in (unit for unit in official if shapely.intersection(unit.geom, part).area > 0):
                    locked = told(
                        "{level} {code} is an official area and locked", level=lock.level, code=lock.code
                    )
                    raise Impossible(locked, shapely.intersection(lock.geom, part))
                unit = born.get(unit_id) or self.drawing.unit(unit_id)
                empty = told(
                    "the file draws {level} {code} over ground that no unit holds",
                    level=unit.level,
                    code=unit.code,
                )
                raise Impossible(empty, part)

    def _owners(self, cut: Cut) -> list[UUID]:
        """Whose each piece is; slivers as narrow as the grid stay where they are, unless nothing else of their unit does."""
        spots = shapely.point_on_surface(cut.pieces)
        wanted, willing = _holding(self.claims, spots), _holding(self.heirs, spots)
        wide = wider_than(in_metres(cut.pieces), ROUNDING_M)
        owners = [cut.units[holder].id for holder in cut.holder.tolist()]
        for piece in np.flatnonzero(wide).tolist():
            mine, takers = owners[piece], wanted.get(piece, [])
            if mine in takers:
                continue
            if takers:
                owners[piece] = takers[0]
            elif mine in self.losers:
                owners[piece] = self._heir(cut, piece, willing.get(piece, []))
        kept = {owners[piece] for piece in np.flatnonzero(wide).tolist()}
        for piece in np.flatnonzero(~wide).tolist():
            if owners[piece] not in kept:
                near = np.flatnonzero(wide)
                owners[piece] = owners[near[shapely.distance(cut.pieces[near], spots[piece]).argmin()]]
        return owners

    def _heir(self, cut: Cut, piece: int, willing: Sequence[UUID]) -> UUID:
        unit = cut.units[int(cut.holder[piece])]
        found = next((each for each in willing if each != unit.id), None)
        if found is None:
            text = told(
                "the file takes ground from {level} {code} that it gives to nobody: draw it into another unit there",
                level=unit.level,
                code=unit.code,
            )
            raise Impossible(text, cut.pieces[piece])
        return found


def _holding(claims: Sequence[Claim], spots: np.ndarray) -> dict[int, list[UUID]]:
    """Whose claims hold each spot, in their order."""
    if not claims:
        return {}
    spot, claim = shapely.STRtree(geometry_column(area for _, area in claims)).query(
        spots, predicate="within"
    )
    found: dict[int, list[UUID]] = {}
    for piece, row in sorted(zip(spot.tolist(), claim.tolist(), strict=True)):
        found.setdefault(piece, []).append(claims[row][0])
    return found
