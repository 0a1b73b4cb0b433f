"""Mending on request: gaps, overlaps and unmatched edges up to a width, every change listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from core.errors import told
from geo.findings import WARNING, Finding
from geo.networks import Network
from geo.plans import UnitDraft
from geo.validation.arrange import arrange
from geo.validation.coverage import check_cover, wider_than
from geo.validation.ground import Ground, in_metres, located, polygons_of
from geo.validation.hierarchy import resolve_parents
from geo.validation.shapes import usable_shapes

MENDED = ("gap", "overlap", "unmatched_edge")


@dataclass(frozen=True)
class Mended:
    """The drafts with their new borders, in the same order, and what was changed (warnings `mended_…`)."""

    drafts: list[UnitDraft]
    changes: list[Finding]


def mend_units(network: Network, drafts: Sequence[UnitDraft], *, width_m: float) -> Mended:
    """Mend what is no wider than `width_m`; wider defects stay for the validator to refuse.

    A drawn outline that its children then leave by no more than that gives way to their union.
    """
    shapes, invalid = usable_shapes(network, drafts)
    ground, tree = resolve_parents(network, drafts, shapes)
    shapes = ground.shape.copy()
    for group in ground.leaf_groups:
        shapes[group] = arrange(shapes[group], width_m=width_m).shapes
    changes = _mended(ground, replace(ground, shape=shapes))
    kept = {code for finding in invalid if finding.rule == "invalid_geometry" for code in finding.units}
    mended = [
        draft if shape is None or draft.code in kept else replace(draft, geom=shape)
        for draft, shape in zip(drafts, shapes, strict=True)
    ]
    unsure = {finding.level for finding in tree}
    outlines = _narrow_outlines(replace(ground, shape=shapes), width_m, unsure)
    changes += [change for change, _ in outlines.values()]
    return Mended(_without_outlines(ground, mended, set(outlines)), changes)


def _mended(before: Ground, after: Ground) -> list[Finding]:
    """The defects that are no more, each with the unit that now holds the place."""
    left = {(finding.rule, finding.units) for finding in check_cover(after)}
    gone = [
        each for each in check_cover(before) if each.rule in MENDED and (each.rule, each.units) not in left
    ]
    if not gone:
        return []
    rows, tree = after.leaf_tree
    points = shapely.points([each.where or (np.nan, np.nan) for each in gone])
    asked, found = tree.query(points, predicate="intersects")
    holder = {int(place): after.code(rows[index]) for place, index in zip(asked, found, strict=True)}
    return [
        replace(
            each,
            rule=f"mended_{each.rule}",
            severity=WARNING,
            text=told("{text}: mended, there is {code} now", text=each.text, code=holder[place])
            if place in holder
            else told("{text}: mended", text=each.text),
            fix=told("nothing is left to do"),
        )
        for place, each in enumerate(gone)
    ]


def _narrow_outlines(
    ground: Ground, width_m: float, unsure: set[str | None]
) -> dict[int, tuple[Finding, float]]:
    """Parents whose drawn outline and children differ by slivers no wider than `width_m`."""
    below = ground.shape.copy()
    below[ground.is_parent] = None
    bare = replace(ground, shape=below)
    narrow = {}
    for parent, rows in ground.children.items():
        level = ground.network.level(ground.level[parent])
        if ground.shape[parent] is None or level.origin == "natural" or unsure & {*ground.level[rows]}:
            continue
        area = bare.area(parent)
        if area is None:
            continue
        rest = polygons_of(shapely.get_parts(shapely.symmetric_difference(ground.shape[parent], area)))
        rest = rest[np.array([part is not None for part in rest], dtype=bool)]
        if len(rest) and wider_than(in_metres(rest), width_m).any():
            continue
        size = float(ground.area_m2(rest).sum()) if len(rest) else 0.0
        text = told(
            "{level} {code}: its outline gave way to the union of its units, {size} m² apart",
            level=level.code,
            code=ground.code(parent),
            size=f"{size:.4g}",
        )
        place = located(area)
        place["geometry"] = shapely.MultiPolygon(list(rest)) if len(rest) else None
        change = ground.finding(
            "mended_outline",
            [parent],
            text,
            told("nothing is left to do"),
            severity=WARNING,
            measure=size,
            measure_unit="m2",
            **place,
        )
        narrow[parent] = (change, size)
    return narrow


def _without_outlines(ground: Ground, drafts: list[UnitDraft], dropped: set[int]) -> list[UnitDraft]:
    """Units in `dropped` are derived from now on, so their children name them by code."""
    out = []
    for index, draft in enumerate(drafts):
        parent = int(ground.parent[index])
        if index in dropped:
            out.append(replace(draft, geom=None))
        elif draft.parent_code is None and parent in dropped:
            out.append(replace(draft, parent_code=ground.code(parent)))
        else:
            out.append(draft)
    return out
