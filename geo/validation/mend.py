"""Mending on request: gaps, overlaps and unmatched edges up to a width, every change listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from geo.findings import WARNING, Finding
from geo.metric import to_metres
from geo.networks import Network
from geo.plans import UnitDraft, geometry_column
from geo.validation.arrange import Given, arrange
from geo.validation.coverage import derived_areas, wider_than
from geo.validation.ground import AREA_M2, Ground, Ints, Objects, located, polygons_of
from geo.validation.hierarchy import resolve_parents
from geo.validation.shapes import usable_shapes


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
    changes: list[Finding] = []
    for group in ground.leaf_groups:
        before = shapes[group]
        arranged = arrange(before, width_m=width_m, crs=ground.crs)
        shapes[group] = arranged.shapes
        changes += _given_changes(ground, group, arranged.given)
        changes += _edge_changes(ground, group, before, arranged.shapes)
    kept = {code for finding in invalid if finding.rule == "invalid_geometry" for code in finding.units}
    mended = [
        draft if shape is None or draft.code in kept else replace(draft, geom=shape)
        for draft, shape in zip(drafts, shapes, strict=True)
    ]
    unsure = {finding.level for finding in tree}
    outlines = _narrow_outlines(replace(ground, shape=shapes), width_m, unsure)
    changes += [change for change, _ in outlines.values()]
    return Mended(_without_outlines(ground, mended, set(outlines)), changes)


def _given_changes(ground: Ground, group: Ints, given: Sequence[Given]) -> list[Finding]:
    if not given:
        return []
    sizes = ground.area_m2(geometry_column(each.face for each in given))
    changes = []
    for each, size in zip(given, sizes, strict=True):
        if size <= AREA_M2:
            continue
        to = int(group[each.to])
        units = [to, *(int(group[holder]) for holder in each.holders if holder != each.to)]
        rule = "mended_overlap" if each.holders else "mended_gap"
        what = (
            f"overlap of {', '.join(sorted(ground.code(unit) for unit in units))}" if each.holders else "gap"
        )
        text = f"{what}, {size:.4g} m², given to {ground.level[to]} {ground.code(to)}"
        place = located(each.face)
        changes.append(
            ground.finding(
                rule, units, text, "", severity=WARNING, measure=float(size), measure_unit="m2", **place
            )
        )
    return changes


def _edge_changes(ground: Ground, group: Ints, before: Objects, after: Objects) -> list[Finding]:
    """Units whose edge was not shared with a neighbour and is now, with the vertices they had and have."""
    edges = shapely.coverage_invalid_edges(before)
    changes = []
    for place in np.flatnonzero(~shapely.is_empty(edges)):
        index = int(group[place])
        had, has = shapely.get_num_coordinates(before[place]), shapely.get_num_coordinates(after[place])
        text = f"{ground.level[index]} {ground.code(index)} now shares its edge: {had} vertices became {has}"
        where = shapely.line_interpolate_point(shapely.get_geometry(edges[place], 0), 0.5, normalized=True)
        changes.append(
            ground.finding(
                "mended_edge",
                [index],
                text,
                "",
                severity=WARNING,
                geometry=edges[place],
                where=(float(where.x), float(where.y)),
            )
        )
    return changes


def _narrow_outlines(
    ground: Ground, width_m: float, unsure: set[str | None]
) -> dict[int, tuple[Finding, float]]:
    """Parents whose drawn outline and children differ by slivers no wider than `width_m`."""
    below = ground.shape.copy()
    below[ground.is_parent] = None
    areas = derived_areas(replace(ground, shape=below))
    narrow = {}
    for parent, rows in ground.children.items():
        level = ground.network.level(ground.level[parent])
        if ground.shape[parent] is None or level.origin == "natural" or unsure & {*ground.level[rows]}:
            continue
        rest = polygons_of(
            shapely.get_parts(shapely.symmetric_difference(ground.shape[parent], areas[parent]))
        )
        rest = rest[np.array([part is not None for part in rest], dtype=bool)]
        if len(rest) and wider_than(to_metres(rest, ground.crs), width_m).any():
            continue
        size = float(ground.area_m2(rest).sum()) if len(rest) else 0.0
        text = f"{level.code} {ground.code(parent)}: its outline gave way to the union of its units, {size:.4g} m² apart"
        place = located(areas[parent])
        place["geometry"] = shapely.MultiPolygon(list(rest)) if len(rest) else None
        change = ground.finding(
            "mended_outline", [parent], text, "", severity=WARNING, measure=size, measure_unit="m2", **place
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
