"""Units that stand above others, made anew from the lowest ones: no border is cut, these follow."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import told
from geo.flows import Floats, Flow, identities
from geo.operations.cut import Changes, births
from geo.operations.drawing import Drawing, Impossible, Unit
from geo.plans import geometry_column
from geo.validation.ground import Ints


def group_units(
    drawing: Drawing, above: Sequence[Unit], areas: Sequence[BaseGeometry], template: Unit, key: UUID
) -> Changes:
    """Each of the units below `above` goes to the area that holds its middle; those in none stay where they are.

    The part with at least half of a unit's households goes on being it, the others are born; a unit without any is no more.
    """
    place = {each.id: row for row, each in enumerate(above)}
    below = [child for each in above for child in drawing.children(each.id)]
    if not below or any(child.geom is None for child in below):
        raise Impossible(
            told(
                "{level} units here are divided further: group the units below them first",
                level=template.level,
            )
        )
    old = np.array([place[child.parent] for child in below if child.parent is not None])
    part = _parts(below, old, areas)
    count = int(part.max()) + 1
    borders = geometry_column(
        shapely.coverage_union_all(geometry_column(child.geom for child in _of(below, part == each)))
        for each in range(count)
    )
    weight = np.array([child.households or 0 for child in below], dtype=np.float64)
    if not weight.all():
        weight = np.asarray(shapely.area(geometry_column(child.geom for child in below)))
    whole = np.bincount(old, weight, minlength=len(above)).astype(np.float64)
    keeps = identities(_flow(old, part, weight, whole), whole, count)
    fresh = [each for each in range(count) if keeps[each] is None]
    born = births(drawing, borders, fresh, template, key)
    ids = {each: above[unit].id for each, unit in enumerate(keeps) if unit is not None}
    ids |= dict(zip(fresh, born, strict=True))
    changes: Changes = {each.id: None for each in above if each.id not in ids.values()}
    changes |= {unit_id: born[unit_id] for unit_id in born}
    for child, where in zip(below, part.tolist(), strict=True):
        changes[child.id] = replace(child, parent=ids[where])
    for each in drawing.units.values():
        if each.kind == "dedicated" and each.parent in changes and changes[each.parent] is None:
            heir = part[old == place[each.parent]][0]
            changes[each.id] = replace(each, parent=ids[int(heir)])
    return changes


def _parts(below: Sequence[Unit], old: Ints, areas: Sequence[BaseGeometry]) -> Ints:
    """The part of each unit, numbered without gaps: its area, else the unit it is in now."""
    spots = shapely.point_on_surface(geometry_column(child.geom for child in below))
    part = len(areas) + old
    spot, area = shapely.STRtree(geometry_column(areas)).query(spots, predicate="intersects")
    part[spot[::-1]] = area[::-1]
    return np.unique(part, return_inverse=True)[1]


def _of(units: Sequence[Unit], chosen: Ints) -> list[Unit]:
    return [unit for unit, mine in zip(units, chosen.tolist(), strict=True) if mine]


def _flow(old: Ints, part: Ints, weight: Floats, whole: Floats) -> Flow:
    """Which share of each former unit goes to which part."""
    pairs, row = np.unique(np.stack([old, part]), axis=1, return_inverse=True)
    moved = np.bincount(row, weight).astype(np.float64)
    share = moved / np.where(whole > 0, whole, 1)[pairs[0]]
    return Flow(pairs[0], pairs[1], moved, share, share)
