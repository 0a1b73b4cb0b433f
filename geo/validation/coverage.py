"""Units against their neighbours and parents: overlap, unmatched edge, gap, outside parent.

Shapes are compared on the source's own coordinates; areas and widths are measured in the local plane.
`shapely.coverage_is_valid` neither sees holes nor knows the parent, and its gap_width is no gap test (GEOS #1251),
so gaps are what a parent's outline has beyond the union of its children, and the holes of a union.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Text, told
from geo.findings import Finding
from geo.plans import geometry_column
from geo.validation.ground import (
    AREA_M2,
    Ground,
    Ints,
    Objects,
    clipped,
    in_metres,
    located,
    polygons_of,
)
from geo.validation.offers import Mend, fill_gap, give_overlap, match_borders

OUTLINE_M = 0.01
"""A locked outline and the union of what lies in it differ by no more."""


def check_coverage(ground: Ground) -> list[Finding]:
    """Every defect of the cover; for a partial network only overlaps and what leaves its parent."""
    return check_cover(ground) + _outside(ground)


def check_cover(ground: Ground) -> list[Finding]:
    """What is wrong between neighbours: overlaps, and in a full network unmatched edges and gaps."""
    findings: list[Finding] = []
    full = ground.network.coverage == "full"
    seen: set[tuple[int, int]] = set()
    for group, edges in zip(ground.leaf_groups, ground.ragged, strict=True):
        ragged = ~shapely.is_empty(edges)
        findings += _overlaps(ground, group, ragged, seen)
        if full:
            findings += _unmatched_edges(ground, group[ragged], edges[ragged], seen)
    if full:
        findings += _gaps(ground) + _holes(ground)
    return findings


def _overlaps(ground: Ground, group: Ints, ragged: np.ndarray, seen: set[tuple[int, int]]) -> list[Finding]:
    """One finding a pair. Only units with an invalid edge can overlap another."""
    left, right, shared = overlapping_pairs(ground.shape[group], ragged)
    area = ground.area_m2(shared)
    findings = []
    for a, b, shape, size in zip(group[left], group[right], shared, area, strict=True):
        if size <= AREA_M2 or (a, b) in seen:
            continue
        seen.add((int(a), int(b)))
        text = told(
            "{level_1} {code_1} and {level_2} {code_2} overlap by {size}",
            **_named(ground, a, b),
            size=_m2(size),
        )
        fix = told("give the area to one of them")
        mend = give_overlap(ground, int(a), int(b), shape)
        findings.append(_measured(ground, "overlap", [a, b], text, fix, (shape, size), mend))
    return findings


def overlapping_pairs(shapes: Objects, ragged: np.ndarray) -> tuple[Ints, Ints, Objects]:
    """Pairs (left < right) of shapes that share area, one of them ragged at least, and the polygons they share."""
    suspects = np.flatnonzero(ragged)
    asked, met = shapely.STRtree(shapes).query(shapes[suspects], predicate="intersects")
    pairs = np.sort(np.stack([suspects[asked], met]), axis=0)
    pairs = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1)
    shared = polygons_of(shapely.intersection(shapes[pairs[0]], shapes[pairs[1]]))
    there = np.array([shape is not None for shape in shared], dtype=bool)
    return pairs[0][there], pairs[1][there], shared[there]


def _unmatched_edges(ground: Ground, rows: Ints, edges: Objects, seen: set[tuple[int, int]]) -> list[Finding]:
    findings = []
    length = shapely.length(in_metres(edges))
    for index, edge, metres in zip(rows, edges, length, strict=True):
        if (int(index), int(index)) in seen:
            continue
        seen.add((int(index), int(index)))
        text = told(
            "{level_1} {code_1} does not share its edge with its neighbour along {length} m",
            **_named(ground, index),
            length=f"{metres:.3f}",
        )
        where = shapely.line_interpolate_point(shapely.get_geometry(edge, 0), 0.5, normalized=True)
        finding = ground.finding(
            "unmatched_edge",
            [int(index)],
            text,
            told("let neighbours have the same vertices"),
            geometry=edge,
            where=(float(where.x), float(where.y)),
            measure=float(metres),
            measure_unit="m",
            mend=match_borders(ground, int(index)),
        )
        findings.append(finding)
    return findings


def _gaps(ground: Ground) -> list[Finding]:
    """What an outline given for a parent has beyond its children."""
    findings = []
    for parent, rows in ground.children.items():
        if ground.shape[parent] is None:
            continue
        union = ground.union(rows)
        outline = _in_window(ground, ground.shape[parent])
        rest = shapely.difference(outline, union) if union is not None else outline
        findings += _gap_findings(ground, parent, rest)
    return findings


def _holes(ground: Ground) -> list[Finding]:
    """Holes in the union of the roots that no outline given has. Sibling roots of one level form one ground."""
    findings = []
    for level in ground.network.levels:
        if level.parent is not None:
            continue
        rows = np.flatnonzero((ground.level == level.code) & ground.territorial)
        union = ground.union(rows)
        if union is None:
            continue
        rings = [ring for part in shapely.get_parts(union) for ring in part.interiors]
        given = rows[ground.has_shape[rows] & ground.is_parent[rows]]
        holes = [hole for hole in map(shapely.Polygon, rings) if not _is_given(ground, hole, given)]
        holes = [hole for hole in holes if ground.window is None or ground.window.contains(hole)]
        findings += _gap_findings(ground, None, shapely.GeometryCollection(holes))
    return findings


def _in_window(ground: Ground, outline: BaseGeometry) -> BaseGeometry:
    return outline if ground.window is None else shapely.intersection(outline, ground.window)


def _is_given(ground: Ground, hole: BaseGeometry, outlines: Ints) -> bool:
    """Whether an outline as received has this hole, an enclave of somebody else's."""
    return any(
        hole.equals(shapely.Polygon(ring))
        for outline in ground.shape[outlines]
        for part in shapely.get_parts(outline)
        for ring in part.interiors
    )


def _gap_findings(ground: Ground, parent: int | None, rest: BaseGeometry) -> list[Finding]:
    """One finding a piece with its mean width; `parent` None: a hole that no outline surrounds."""
    parts = polygons_of(geometry_column(shapely.get_parts(rest)))
    parts = parts[np.array([part is not None for part in parts], dtype=bool)]
    findings = []
    parts = parts[~_within_lock(ground, parent, parts)]
    if not len(parts):
        return []
    plane = in_metres(parts)
    areas = shapely.area(plane)
    widths, around = 2 * areas / shapely.length(plane), _neighbours(ground, parts)
    for part, size, wide, near in zip(parts, areas, widths, around, strict=True):
        if size > AREA_M2:
            units = near[:4] if parent is None else [parent, *near[:4]]
            text = _gap_text(ground, parent, size, wide)
            fix = told("give it to a neighbour")
            mend = fill_gap(ground, parent, near, part)
            findings.append(_measured(ground, "gap", units, text, fix, (part, size), mend))
    return findings


def _gap_text(ground: Ground, parent: int | None, size: float, wide_m: float) -> Text:
    wide = f"{wide_m:.2g}"
    if parent is None:
        return told("no unit covers {size}, about {wide} m wide", size=_m2(size), wide=wide)
    return told(
        "no unit covers {size} of {level_1} {code_1}, about {wide} m wide",
        **_named(ground, parent),
        size=_m2(size),
        wide=wide,
    )


def _neighbours(ground: Ground, parts: Objects) -> list[list[int]]:
    """The units around each gap."""
    rows, tree = ground.leaf_tree
    near: list[list[int]] = [[] for _ in parts]
    for part, index in zip(*tree.query(parts, predicate="intersects"), strict=True):
        near[part].append(int(rows[index]))
    return [sorted(each) for each in near]


def _outside(ground: Ground) -> list[Finding]:
    """Children that leave the outline given for their parent, and where that is another parent's ground."""
    findings = []
    for parent, family in _all_children(ground).items():
        outline, areas = _outline(ground, parent), ground.areas(family)
        has_area = np.array([area is not None for area in areas], dtype=bool)
        rows, areas = family[has_area], areas[has_area]
        if not len(rows):
            continue
        rest = clipped(shapely.difference, areas, np.full(len(rows), outline, dtype=object))
        rest = polygons_of(rest)
        there = np.array([shape is not None for shape in rest], dtype=bool)
        there[there] = ~_within_lock(ground, parent, rest[there])
        outside, rest = rows[there], rest[there]
        for index, shape, size in zip(outside, rest, ground.area_m2(rest) if len(rest) else [], strict=True):
            if size > AREA_M2:
                text = told(
                    "{level_1} {code_1} leaves its {level_2} {code_2} by {size}",
                    **_named(ground, index, parent),
                    size=_m2(size),
                )
                fix = told("draw it inside, or move the border of the {level}", level=ground.level[parent])
                findings.append(
                    _measured(ground, "outside_parent", [index, parent], text, fix, (shape, size))
                )
        findings += _cuts(ground, parent, areas[there], outside)
    return findings


def _all_children(ground: Ground) -> dict[int, Ints]:
    """Of parents with an outline: children of every level and kind but dedicated units, which may cross borders."""
    rows = np.flatnonzero(ground.territorial & (ground.parent >= 0))
    drawn, drafts = ground.shaped_by_code, ground.drafts
    parents = [
        each
        for each in np.unique(ground.parent[rows]).tolist()
        if (drafts[each].level, drafts[each].code) in drawn
    ]
    return {parent: rows[ground.parent[rows] == parent] for parent in parents}


def _outline(ground: Ground, parent: int) -> BaseGeometry:
    """The shape given for a parent; of a code that stands several times, all of them together."""
    return shapely.union_all(ground.shape[_alike(ground, parent)])


def _alike(ground: Ground, index: int) -> Ints:
    return ground.shaped_by_code.get((ground.level[index], ground.code(index)), np.empty(0, dtype=np.int64))


def _cuts(ground: Ground, parent: int, areas: Objects, rows: Ints) -> list[Finding]:
    """Where children (their areas and rows) that leave their parent lie in another unit of the parent's level: one a pair."""
    same = ground.has_shape & ground.territorial & (ground.level == ground.level[parent])
    others = np.setdiff1d(np.flatnonzero(same), _alike(ground, parent))
    if not len(others) or not len(rows):
        return []
    left, right = shapely.STRtree(ground.shape[others]).query(areas, predicate="intersects")
    cut = polygons_of(clipped(shapely.intersection, areas[left], ground.shape[others[right]]))
    there = np.array([shape is not None for shape in cut], dtype=bool)
    findings = []
    child, other, cut = rows[left][there], others[right][there], cut[there]
    for index, holder, shape, size in zip(
        child, other, cut, ground.area_m2(cut) if len(cut) else [], strict=True
    ):
        if size > AREA_M2:
            text = told(
                "{level_1} {code_1} of {level_2} {code_2} cuts {size} into {level_3} {code_3}",
                **_named(ground, index, parent, holder),
                size=_m2(size),
            )
            fix = told("move the border so that it follows that of the {level}", level=ground.level[parent])
            findings.append(_measured(ground, "cuts_other_parent", [index, holder], text, fix, (shape, size)))
    return findings


def _within_lock(ground: Ground, parent: int | None, pieces: Objects) -> NDArray[np.bool_]:
    """Which slivers along a locked outline are no wider than the grid may make them: the union is the border there."""
    locked = parent is not None and ground.network.level(ground.level[parent]).origin == "natural"
    if not locked or not len(pieces):
        return np.zeros(len(pieces), dtype=bool)
    return ~wider_than(in_metres(pieces), OUTLINE_M)


def wider_than(shapes: Objects, width_m: float) -> NDArray[np.bool_]:
    """Which of these polygons in metres hold a circle of this diameter.

    By erosion: `shapely.maximum_inscribed_circle` does not come back from a needle's tip.
    """
    return ~shapely.is_empty(shapely.buffer(shapes, -width_m / 2, quad_segs=2))


def only_nodes(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether two borders are the same but for nodes that bend them by no more than the grid."""
    apart = shapely.get_parts(shapely.symmetric_difference(one, other))
    apart = apart[shapely.area(apart) > 0]
    return not len(apart) or not wider_than(in_metres(apart), OUTLINE_M).any()


def _named(ground: Ground, *indices: int) -> dict[str, str]:
    """Level and code of each unit, numbered as the blanks of a text are."""
    named: dict[str, str] = {}
    for number, index in enumerate(indices, start=1):
        named |= {f"level_{number}": str(ground.level[index]), f"code_{number}": ground.code(index)}
    return named


def _m2(size: float) -> str:
    return f"{size:.4g} m²" if size < 10_000 else f"{size / 1e6:.4g} km²"


def _measured(
    ground: Ground,
    rule: str,
    indices: list[int],
    text: Text,
    fix: Text,
    what: tuple[BaseGeometry, float],
    mend: Mend | None = None,
) -> Finding:
    shape, size = what
    place = located(shape)
    return ground.finding(
        rule, indices, text, fix, measure=float(size), measure_unit="m2", mend=mend, **place
    )
