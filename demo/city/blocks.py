"""Streets cut the ground into blocks: one planar graph whose faces cover the city with no gap and no overlap.

Coordinates here are whole numbers of 1e-7 degrees east and north of the city's origin (the lattice), so that what is
exact here is exact on the stored grid. `metres` and `lattice` convert; the plane is true to 0.1 % over the city.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from demo.city.layout import LANE, OUTLINE, SECONDARY, STREET, Floats, Layout, Line, density

Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

ORIGIN = (114.02, 33.22)
METRES_PER_STEP = np.array([0.0093220, 0.0110908])
"""Size of 1e-7 degree of longitude and of latitude at the origin, in metres (GRS 80)."""
HOUSEHOLDS_A_BLOCK = 27.0
SMALLEST_BLOCK_M2 = 1_500.0


@dataclass(frozen=True)
class Blocks:
    """The faces and the segments between them. `left` and `right` are face numbers, -1 outside the city.

    `wet` faces are river or lake; `uncut` ones were left whole: schools, parks, works, great courtyards.
    """

    shapes: Shapes
    centroid_m: Floats
    area_m2: Floats
    households: Ints
    wet: NDArray[np.bool_]
    uncut: NDArray[np.bool_]
    nodes: Ints
    ends: Ints
    left: Ints
    right: Ints
    kind: Ints
    name: NDArray[np.object_]
    length_m: Floats


def metres(lattice_coordinates: NDArray[np.generic]) -> Floats:
    """Lattice coordinates as metres east and north of the origin."""
    plane: Floats = np.asarray(lattice_coordinates, float) * METRES_PER_STEP
    return plane


def lonlat(lattice_coordinates: NDArray[np.generic]) -> Floats:
    """Lattice coordinates as WGS-84 degrees on the 1e-7° grid."""
    whole = np.rint(np.asarray(lattice_coordinates, float)) + np.rint(np.array(ORIGIN) * 1e7)
    degrees: Floats = np.round(whole / 1e7, 7)
    return degrees


def cut_blocks(layout: Layout, rng: np.random.Generator) -> Blocks:
    """Every face of the plan, split by streets and lanes until about one courtyard's households are left in each."""
    first = [Line(to_lattice(line.shape), line.kind, line.name) for line in layout.lines]
    noded = shapely.unary_union([line.shape for line in first], grid_size=1)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    river, lake = to_lattice(layout.river), to_lattice(layout.lake)
    strokes = list(first)
    whole: list[BaseGeometry] = []
    for face in sorted(faces, key=_place):
        point = face.representative_point()
        if not (river.contains(point) or lake.contains(point)):
            _subdivide(to_metres(face), rng, strokes, whole)
    noded = shapely.unary_union([line.shape for line in strokes], grid_size=1)
    shapes = np.array(
        sorted(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), key=_place), object
    )
    inside = shapely.intersects(
        shapely.buffer(to_lattice(layout.outline), 10), shapely.point_on_surface(shapes)
    )
    shapes = _absorb_slivers(shapes[inside], river)
    points = shapely.point_on_surface(shapes)
    wet = shapely.contains(river, points) | shapely.contains(lake, points)
    tree = shapely.STRtree(points)
    uncut = np.zeros(len(shapes), bool)
    for face in whole:
        uncut[tree.query(face, predicate="contains")] = True
    return _measure(shapes, wet, uncut & ~wet, strokes, rng)


def _subdivide(
    face: BaseGeometry, rng: np.random.Generator, strokes: list[Line], whole: list[BaseGeometry]
) -> None:
    """Halve `face` (metres) across its longer side until its parts hold few households; the cuts join `strokes`."""
    pending = [face]
    while pending:
        part = pending.pop()
        x, y = part.centroid.coords[0]
        crowd = float(density(np.array(x), np.array(y)))
        target = max(HOUSEHOLDS_A_BLOCK / crowd * 1e6, 3_600.0) * rng.uniform(0.95, 1.9)
        if part.area <= target:
            continue
        if crowd > 1300 and 14_000 < part.area < 70_000 and rng.random() < 0.05:
            whole.append(to_lattice(part))
            continue
        cut = _cut(part, rng, loose=crowd < 900)
        if cut is None:
            continue
        stroke, pieces = cut
        kind = SECONDARY if part.area > 240_000 else STREET if part.area > 56_000 else LANE
        strokes.append(Line(to_lattice(stroke), kind))
        pending.extend(sorted(pieces, key=_place))


def _cut(
    part: BaseGeometry, rng: np.random.Generator, *, loose: bool
) -> tuple[BaseGeometry, list[BaseGeometry]] | None:
    """A street across the middle of `part` and the pieces it leaves; None where no sensible cut is found."""
    box = shapely.get_coordinates(shapely.oriented_envelope(part))
    sides = np.diff(box[:3], axis=0)
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    longer = int(np.argmax(lengths))
    heading = sides[longer] / lengths[longer]
    for _ in range(4):
        share = (
            rng.uniform(0.40, 0.60)
            if lengths[longer] / lengths[1 - longer] < 2.6
            else rng.uniform(0.34, 0.66)
        )
        turn = rng.normal(0, 0.11 if loose else 0.03) + pi / 2
        across = np.array(
            [heading[0] * cos(turn) - heading[1] * sin(turn), heading[0] * sin(turn) + heading[1] * cos(turn)]
        )
        middle = np.asarray(part.centroid.coords[0]) + heading * lengths[longer] * (share - 0.5)
        reach = across * lengths.sum()
        knee = middle + heading * rng.normal(0, 0.05 if loose else 0.012) * lengths[1 - longer]
        line = shapely.LineString([middle - reach, knee, middle + reach])
        pieces = [piece for piece in split(part, line).geoms if piece.area > 1]
        if len(pieces) > 1 and min(piece.area for piece in pieces) > 0.14 * part.area:
            inside = [stroke for stroke in shapely.get_parts(line.intersection(part)) if stroke.length > 1]
            if len(inside) == 1:
                return _lengthen(inside[0]), pieces
    return None


def _lengthen(stroke: BaseGeometry) -> shapely.LineString:
    """The same stroke 6 cm longer at both ends, so that rounding cannot leave it short of the street it meets."""
    ends = np.asarray(stroke.coords).copy()
    for end, beside in ((0, 1), (-1, -2)):
        out = ends[end] - ends[beside]
        ends[end] += out / np.hypot(*out) * 0.06
    return shapely.LineString(ends)


def _absorb_slivers(shapes: Shapes, river: BaseGeometry) -> Shapes:
    """Faces too small or too thin to live in join the neighbour they share most border with, water with water."""
    for _ in range(4):
        area = shapely.area(shapes) * METRES_PER_STEP.prod()
        thin = 4 * pi * shapely.area(shapes) / shapely.length(shapes) ** 2
        small = (area < SMALLEST_BLOCK_M2) | ((thin < 0.16) & (area < 15_000))
        if not small.any():
            break
        wet = shapely.contains(river, shapely.point_on_surface(shapes))
        _, _, left, right, length = _segments(shapes)
        owner = np.arange(len(shapes))
        taken = np.zeros(len(shapes), bool)
        for face in np.flatnonzero(small):
            touching = np.flatnonzero((left == face) | (right == face))
            others = np.where(left[touching] == face, right[touching], left[touching])
            allowed = (others >= 0) & ~taken[others] & ((wet[others] == wet[face]) | (area[face] < 600))
            if taken[face] or not allowed.any():
                continue
            shared = np.bincount(others[allowed], weights=length[touching][allowed])
            best = int(np.argmax(shared))
            owner[face] = best
            taken[face] = taken[best] = True
        if not taken.any():
            break
        shapes = np.array([shapely.coverage_union_all(shapes[group]) for group in _groups(owner)], object)
    return shapes


def _groups(owner: Ints) -> list[Ints]:
    order: Ints = np.argsort(owner, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)


def _segments(shapes: Shapes) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Nodes, the two ends of every segment, the faces left and right of it (-1: none), and its length in metres."""
    rings, face_of_ring = shapely.get_rings(shapes, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(points).astype(np.int64)
    same_ring = ring_of_point[1:] == ring_of_point[:-1]
    nodes, number = np.unique(whole, axis=0, return_inverse=True)
    number = number.reshape(-1)
    start, end = number[:-1][same_ring], number[1:][same_ring]
    face = face_of_ring[ring_of_point[1:][same_ring]]
    low, high = np.minimum(start, end), np.maximum(start, end)
    ends, segment = np.unique(np.column_stack([low, high]), axis=0, return_inverse=True)
    segment = segment.reshape(-1)
    left = np.full(len(ends), -1)
    right = np.full(len(ends), -1)
    forward = start < end
    left[segment[forward]] = face[forward]
    right[segment[~forward]] = face[~forward]
    span = metres(nodes[ends[:, 1]] - nodes[ends[:, 0]])
    return nodes, ends, left, right, np.hypot(span[:, 0], span[:, 1])


def _measure(
    shapes: Shapes,
    wet: NDArray[np.bool_],
    uncut: NDArray[np.bool_],
    strokes: list[Line],
    rng: np.random.Generator,
) -> Blocks:
    nodes, ends, left, right, length_m = _segments(shapes)
    kind, name = _classes(nodes, ends, strokes)
    kind[(left < 0) | (right < 0)] = OUTLINE
    centroid = metres(shapely.get_coordinates(shapely.centroid(shapes)))
    area = shapely.area(shapes) * METRES_PER_STEP.prod()
    crowd = density(centroid[:, 0], centroid[:, 1]) * area / 1e6
    crowd *= np.exp(rng.normal(0, 0.22, len(shapes))) * np.where(uncut, 0.1, 1.0)
    households = np.rint(crowd).astype(np.int64)
    return Blocks(
        shapes, centroid, area, np.where(wet, 0, households), wet, uncut, nodes, ends, left, right, kind, name, length_m
    )  # fmt: skip


def _classes(nodes: Ints, ends: Ints, strokes: list[Line]) -> tuple[Ints, NDArray[np.object_]]:
    """Kind and name of the most important stroke that each segment lies on."""
    middles = shapely.points((nodes[ends[:, 0]] + nodes[ends[:, 1]]) / 2)
    tree = shapely.STRtree([line.shape for line in strokes])
    segment, stroke = tree.query(middles, predicate="dwithin", distance=4)
    rank = np.array([line.kind for line in strokes])[stroke]
    order = np.lexsort((stroke, rank, segment))
    segment, stroke = segment[order], stroke[order]
    first = np.unique(segment, return_index=True)[1]
    kind = np.full(len(ends), LANE)
    name = np.full(len(ends), "", object)
    kind[segment[first]] = [strokes[s].kind for s in stroke[first]]
    name[segment[first]] = [strokes[s].name or f"#{s}" for s in stroke[first]]
    return kind, name


def _place(shape: BaseGeometry) -> tuple[float, float]:
    box = shape.bounds
    return (round(box[0], 3), round(box[1], 3))


def to_lattice(shape: BaseGeometry) -> BaseGeometry:
    """A shape in metres as one in lattice steps, not yet whole ones."""
    return shapely.transform(shape, lambda xy: xy / METRES_PER_STEP)


def to_metres(shape: BaseGeometry) -> BaseGeometry:
    """A shape in lattice steps as one in metres."""
    return shapely.transform(shape, lambda xy: xy * METRES_PER_STEP)
