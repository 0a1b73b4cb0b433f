"""From checked drafts to the borders that are stored: on the grid, a valid cover, parents the union of children."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import told
from geo.findings import ERROR, Finding
from geo.metric import snap
from geo.plans import as_multipolygons
from geo.validation.arrange import arrange
from geo.validation.coverage import OUTLINE_M
from geo.validation.edges import is_cover
from geo.validation.ground import Ground, Ints, Objects, scaled, union_of


@dataclass(frozen=True)
class Settled:
    """Borders to store, one a draft; None where a unit has no area and is left out. And what a lock objects to."""

    shapes: Objects
    findings: list[Finding]


def settle_borders(ground: Ground) -> Settled:
    """A full network's leaves are put on the grid together, so that neighbours go on sharing their vertices."""
    full = ground.network.coverage == "full"
    shapes = np.full(len(ground.drafts), None, dtype=object)
    shapes[ground.has_shape] = snap(ground.shape[ground.has_shape])
    if full:
        for group in ground.leaf_groups:
            shapes[group] = _settle_cover(ground, group, shapes[group])
    for index in ground.bottom_up:
        if full or shapes[index] is None:
            shapes[index] = union_of(shapes[ground.children[index]])
    present = np.array([shape is not None and not shape.is_empty for shape in shapes], dtype=bool)
    shapes[~present] = None
    shapes[present] = as_multipolygons(shapely.normalize(_repaired(shapes[present])))
    return Settled(shapes, _broken_locks(ground, shapes) if full else [])


def _settle_cover(ground: Ground, group: Ints, snapped: Objects) -> Objects:
    if shapely.is_valid(snapped).all() and is_cover(snapped):
        return snapped
    return arrange(ground.shape[group], width_m=0).shapes


def _repaired(shapes: Objects) -> Objects:
    """Rounding may fold a needle of a single polygon; what it encloses stays."""
    bad = ~shapely.is_valid(shapes)
    shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    return shapes


def _broken_locks(ground: Ground, shapes: Objects) -> list[Finding]:
    """Natural outlines that the union of their children leaves by more than a centimetre."""
    findings = []
    for index in ground.children:
        draft = ground.drafts[index]
        outline = ground.shape[index]
        if outline is None or shapes[index] is None or ground.network.level(draft.level).origin != "natural":
            continue
        away = _distance_m(outline, shapes[index])
        if away > OUTLINE_M:
            text = told(
                "the units in {level} {code} leave its locked outline by up to {length} m",
                level=draft.level,
                code=draft.code,
                length=f"{away:.3f}",
            )
            fix = told("draw them along the outline, or correct the outline at its source")
            findings.append(
                ground.finding(
                    "locked_outline", [index], text, fix, severity=ERROR, measure=away, measure_unit="m"
                )
            )
    return findings


def _distance_m(outline: BaseGeometry, union: BaseGeometry) -> float:
    """The largest distance from a vertex of either border to the other border, in metres."""
    middle = shapely.get_coordinates(shapely.centroid(outline))[0]
    first, second = (shapely.boundary(scaled(shape, middle)) for shape in (outline, union))
    return max(_farthest(first, second), _farthest(second, first))


def _farthest(border: shapely.Geometry, other: shapely.Geometry) -> float:
    points = shapely.points(shapely.get_coordinates(border))
    lines = shapely.get_parts(other)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    segments = np.asarray(shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1)), dtype=object)
    _, distance = shapely.STRtree(segments).query_nearest(points, return_distance=True, all_matches=False)
    return float(distance.max())
