"""Each unit by its look and size: what a planner should see before it is published. Warnings: nothing of it is impossible."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Text, told
from geo.findings import WARNING, Finding
from geo.metric import to_metres
from geo.plans import geometry_column
from geo.validation.coverage import wider_than
from geo.validation.ground import NO_PARENT, Ground, Ints, Objects, located, metres_per_degree
from geo.validation.offers import ask, fill_hole, give_part, merge_small, split_along

COMPACT = 0.1
"""Polsby and Popper's measure, 4π·area/perimeter²; a street of houses a kilometre long has about 0.1."""
NARROW_M = 2.0
_SPARE = 1.2
"""By more than any projection here stretches what it measures."""
CUT_OFF = 0.1
"""A barrier crosses a unit when it leaves at least this share of it on either side."""


@dataclass(frozen=True)
class Surroundings:
    """What is known around the units: hard barriers (WGS-84), and who has somebody responsible (None: not asked).

    Where a unit has nobody, who is responsible for the one above it is.
    """

    barriers: Objects = field(default_factory=lambda: np.empty(0, dtype=object))
    staffed: frozenset[UUID] | None = None


def check_looks(ground: Ground, around: Surroundings) -> list[Finding]:
    """Warnings on units with a border of their own that nothing subdivides."""
    rows = ground.leaf_tree[0]
    if not len(rows):
        return []
    return [
        *_multi_part(ground, rows),
        *_holes(ground, rows),
        *_slivers(ground, rows),
        *_sizes(ground, rows),
        *_schemes(ground),
        *_unstaffed(ground, rows, around.staffed),
        *_barriers(ground, rows, around.barriers),
    ]


def _named(ground: Ground, index: int) -> dict[str, str]:
    return {"level": str(ground.level[index]), "code": ground.code(index)}


def _warn(ground: Ground, rule: str, index: int, text: Text, fix: Text, **more: Any) -> Finding:
    shape = more.pop("shape", ground.shape[index])
    place = {} if shape is None else located(shape)
    return ground.finding(rule, [index], text, fix, severity=WARNING, **place, **more)


def _multi_part(ground: Ground, rows: Ints) -> Iterable[Finding]:
    for index in rows[shapely.get_num_geometries(ground.shape[rows]) > 1].tolist():
        parts = sorted(shapely.get_parts(ground.shape[index]), key=lambda part: -part.area)
        text = told("{level} {code} lies in {count} places", **_named(ground, index), count=len(parts))
        yield _warn(
            ground, "multi_part", index, text, told("give the smaller parts to their neighbours, or leave it so"),
            shape=parts[-1], measure=float(len(parts)), mend=give_part(ground, index, parts[-1]),
        )  # fmt: skip


def _holes(ground: Ground, rows: Ints) -> Iterable[Finding]:
    polygons, unit = shapely.get_parts(ground.shape[rows], return_index=True)
    for place in np.flatnonzero(shapely.get_num_interior_rings(polygons) > 0).tolist():
        hole = shapely.Polygon(polygons[place].interiors[0])
        index = int(rows[unit[place]])
        yield _warn(
            ground,
            "hole",
            index,
            told("{level} {code} has a hole", **_named(ground, index)),
            told("merge what lies in it with the unit, or leave it so"),
            shape=hole,
            mend=fill_hole(ground, index, hole),
        )


def _slivers(ground: Ground, rows: Ints) -> Iterable[Finding]:
    rows = rows[_may_be_thin(ground.shape[rows])]
    plane = to_metres(ground.shape[rows], ground.crs)
    area, around = shapely.area(plane), shapely.length(plane)
    compact = 4 * np.pi * area / around**2
    narrow = 2 * area / around < 5 * NARROW_M
    narrow[narrow] = ~wider_than(plane[narrow], NARROW_M)
    for place in np.flatnonzero((compact < COMPACT) | narrow).tolist():
        index = int(rows[place])
        text = (
            told("{level} {code} is nowhere 2 m wide", **_named(ground, index))
            if narrow[place]
            else told(
                "{level} {code} is long and thin (compactness {compact})",
                **_named(ground, index),
                compact=f"{compact[place]:.2f}",
            )
        )
        mend = ask("dissolve", ground, index) if narrow[place] else None
        fix = (
            told("dissolve it into its neighbour")
            if narrow[place]
            else told("draw it rounder, or leave it so")
        )
        yield _warn(ground, "sliver", index, text, fix, measure=float(compact[place]), mend=mend)


def _may_be_thin(shapes: Objects) -> NDArray[np.bool_]:
    """All that are slivers and few others, unprojected: no border is longer than its degrees are at their longest."""
    metres = metres_per_degree(shapely.get_y(shapely.centroid(shapes)))
    area, around = shapely.area(shapes) * metres[0] * metres[1], shapely.length(shapes) * np.maximum(*metres)
    wide, compact = 2 * area / around, 4 * np.pi * area / around**2
    return np.asarray((wide < 5 * NARROW_M * _SPARE) | (compact < COMPACT * _SPARE))


def _sizes(ground: Ground, rows: Ints) -> Iterable[Finding]:
    """The rule: `rules["size"][level] = {"households": [least, most]}`."""
    rules = ground.network.rules.get("size", {})
    for index in rows.tolist():
        rule, households = rules.get(ground.level[index]), ground.drafts[index].households
        if not rule or households is None:
            continue
        least, most = rule["households"]
        if households > most:
            count = math.ceil(households / most)
            mend = ask("split_even", ground, index, count=count, by="households")
            fix = told("split it into {count} even parts", count=count)
            text = told(
                "{level} {code} has {households} households, more than {most}",
                **_named(ground, index),
                households=f"{households:,}",
                most=f"{most:,}",
            )
        elif households < least:
            mend = merge_small(ground, index)
            fix = told("merge it with a small neighbour")
            text = told(
                "{level} {code} has {households} households, fewer than {least}",
                **_named(ground, index),
                households=f"{households:,}",
                least=f"{least:,}",
            )
        else:
            continue
        yield _warn(ground, "size", index, text, fix, measure=float(households), mend=mend)


def _schemes(ground: Ground) -> Iterable[Finding]:
    """The rule: `rules["codes"][level] = {"prefix": …, "width": digits}`."""
    rules = ground.network.rules.get("codes", {})
    for index, draft in enumerate(ground.drafts):
        rule = rules.get(draft.level)
        if not rule:
            continue
        tail = draft.code.removeprefix(rule.get("prefix", draft.parent_code or ""))
        if (
            (tail == draft.code and rule.get("prefix", draft.parent_code))
            or not tail.isdecimal()
            or len(tail) < rule.get("width", 1)
        ):
            yield _warn(
                ground,
                "code_scheme",
                index,
                told(
                    "{level} {code} has a code that its network's scheme would not give",
                    **_named(ground, index),
                ),
                told("give it the next one of the scheme"),
                mend=ask("recode", ground, index),
            )


def _unstaffed(ground: Ground, rows: Ints, staffed: frozenset[UUID] | None) -> Iterable[Finding]:
    for index in rows.tolist() if staffed is not None else ():
        own, above = ground.drafts[index].unit_id, ground.parent[index]
        held = {own} if above == NO_PARENT else {own, ground.drafts[above].unit_id}
        if own is not None and not held & (staffed or frozenset()):
            yield _warn(
                ground,
                "no_responsible",
                index,
                told("{level} {code} has nobody responsible", **_named(ground, index)),
                told("assign somebody before it takes effect"),
            )


def _barriers(ground: Ground, rows: Ints, barriers: Objects) -> Iterable[Finding]:
    if not len(barriers):
        return
    crossing, crossed = shapely.STRtree(ground.shape[rows]).query(barriers, predicate="intersects")
    for place in np.unique(crossed).tolist():
        index = int(rows[place])
        across = shapely.union_all(barriers[crossing[crossed == place]])
        sides = _sides(ground.shape[index], across)
        areas = sorted((side.area for side in sides), reverse=True)
        if len(areas) > 1 and areas[1] >= CUT_OFF * sum(areas):
            share = 100 * areas[1] / sum(areas)
            yield _warn(
                ground, "barrier", index,
                told(
                    "{level} {code} is cut by water, a railway or a wall: {share} % lie beyond",
                    **_named(ground, index), share=f"{share:.0f}",
                ),
                told("draw the border along it"), shape=sides[-1], measure=share, measure_unit="pct",
                mend=split_along(ground, index, across),
            )  # fmt: skip


def _sides(shape: BaseGeometry, across: BaseGeometry) -> list[BaseGeometry]:
    """The parts of one polygon each side of a barrier, the smallest last."""
    lines = shapely.union_all([shapely.boundary(shape), shapely.boundary(across) if across.area else across])
    faces = geometry_column(shapely.get_parts(shapely.polygonize([lines])))
    inside = shapely.point_on_surface(faces)
    mine = shapely.contains(shape, inside)
    if across.area:
        mine &= ~shapely.contains(across, inside)
    whole = len(shapely.get_parts(shape))
    return sorted(faces[mine], key=lambda face: -face.area) if mine.sum() > whole else []
