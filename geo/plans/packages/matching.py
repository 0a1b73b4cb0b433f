"""Which unit each feature of a file is: told by its id, or, without one, by ground that is just that of a unit."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.flows import area_m2
from geo.operations import Drawing, Unit
from geo.operations.returned import Incoming
from geo.plans import geometry_column
from geo.plans.packages.reading import Feature
from geo.validation.arrange import ROUNDING_M
from geo.validation.coverage import wider_than
from geo.validation.ground import in_metres


def wide_part(shape: BaseGeometry | None) -> BaseGeometry | None:
    """Its polygons that are wider than the grid makes by rounding; None: there are none."""
    parts = geometry_column(each for each in shapely.get_parts(shape) if each.area > 0)
    parts = parts[wider_than(in_metres(parts), ROUNDING_M)] if len(parts) else parts
    return shapely.MultiPolygon(list(parts)) if len(parts) else None


def apart(one: BaseGeometry | None, other: BaseGeometry | None) -> BaseGeometry | None:
    """What of the one the other has not."""
    return wide_part(shapely.difference(one, other))


def differing(unit: Unit, border: BaseGeometry | None) -> BaseGeometry | None:
    """Ground that one of the two borders holds alone."""
    if border is None or unit.geom is None or border.equals(unit.geom):
        return None
    return wide_part(shapely.symmetric_difference(unit.geom, border))


def size_m2(shape: BaseGeometry | None) -> float | None:
    return None if shape is None else float(area_m2(geometry_column([shape]))[0])


@dataclass(frozen=True)
class Matched:
    """The features of a file beside the units that a plan has. `own`: units that it may redraw; `inside`: of its subtree.

    `units`: the features of each unit, the first one first; `by_ground`: numbers of those that have no id of their own;
    `strangers`: features of no unit.
    """

    drawing: Drawing
    own: frozenset[UUID]
    inside: frozenset[UUID]
    units: dict[UUID, list[Feature]]
    by_ground: frozenset[int]
    strangers: list[Feature] = field(default_factory=list)

    @property
    def missing(self) -> list[Unit]:
        """Units that no feature stands for, by code."""
        gone = [self.drawing.units[each] for each in self.own if each not in self.units]
        return sorted(gone, key=lambda unit: (unit.level, unit.code))

    @cached_property
    def claims(self) -> tuple[list[tuple[UUID | None, Feature]], shapely.STRtree]:
        """Features that claim territorial ground, each with its unit; None: it is to be a new one. And their index."""
        known = [(unit_id, each) for unit_id in self.own for each in self.units.get(unit_id, [])]
        found: list[tuple[UUID | None, Feature]] = [
            (unit_id, each) for unit_id, each in known if self.drawing.units[unit_id].kind == "territorial"
        ]
        found += [(None, each) for each in self.strangers if each.kind != "dedicated"]
        found = [pair for pair in found if pair[1].geom is not None]
        return found, shapely.STRtree(geometry_column(each.geom for _, each in found))

    def holding(self, ground: BaseGeometry | None) -> list[tuple[UUID | None, Feature]]:
        """The claims that hold some of the ground, not just its edge."""
        if ground is None:
            return []
        claims, tree = self.claims
        met = [claims[row] for row in sorted(tree.query(ground, predicate="intersects").tolist())]
        return [pair for pair in met if wide_part(shapely.intersection(pair[1].geom, ground)) is not None]

    def heirs_of(self, unit: Unit, ground: BaseGeometry | None) -> tuple[tuple[Incoming, ...], list[Feature]]:
        """Whom the file gives the unit's ground to: units of the same cover, and features that are to be new units."""
        cover = self.drawing.cover_levels(unit.level)
        heirs, fresh = [], []
        for unit_id, each in self.holding(ground):
            if unit_id is None or len(self.units[unit_id]) > 1:
                fresh.append(each)
            elif unit_id != unit.id and self.drawing.units[unit_id].level in cover:
                heirs.append(Incoming(unit_id, each.geom))
        return tuple(heirs), fresh


def match_features(
    drawing: Drawing, features: Sequence[Feature], own: Collection[UUID], inside: Collection[UUID]
) -> Matched:
    units: dict[UUID, list[Feature]] = {}
    strangers = []
    for each in features:
        if each.unit_id is not None and each.unit_id in drawing.units:
            units.setdefault(each.unit_id, []).append(each)
        else:
            strangers.append(each)
    free = [drawing.units[each] for each in own if each not in units]
    loose = [
        *strangers,
        *(each for unit_id, group in units.items() for each in _spare(drawing.units[unit_id], group)),
    ]
    taken = _by_ground(free, loose)
    numbers = frozenset(each.number for each in taken.values())
    kept = {
        unit_id: [each for each in group if each.number not in numbers] for unit_id, group in units.items()
    }
    kept = {unit_id: group for unit_id, group in kept.items() if group} | {
        unit_id: [each] for unit_id, each in taken.items()
    }
    left = [each for each in strangers if each.number not in numbers]
    return Matched(drawing, frozenset(own), frozenset(inside), kept, numbers, left)


def _spare(unit: Unit, group: Sequence[Feature]) -> list[Feature]:
    """Of several features with one id those that may be other units: all but the one with the unit's own ground."""
    if len(group) < 2:
        return []
    same = next(
        (each for each in group if each.geom is not None and differing(unit, each.geom) is None), None
    )
    return [each for each in group if each is not same]


def _by_ground(free: Sequence[Unit], loose: Iterable[Feature]) -> dict[UUID, Feature]:
    """Units that no feature has the id of, each with the first feature that has just its ground."""
    shaped = [unit for unit in free if unit.geom is not None]
    tree = shapely.STRtree(geometry_column(unit.geom for unit in shaped))
    found: dict[UUID, Feature] = {}
    for each in loose:
        if each.geom is None:
            continue
        for row in np.sort(tree.query(each.geom)).tolist():
            unit = shaped[row]
            if unit.id not in found and differing(unit, each.geom) is None:
                found[unit.id] = each
                break
    return found
