"""Lines and borders are given the nodes they share, on the stored grid, without moving any other border.

Every border that a line meets gets a node there, in each unit that shares it: neighbours go on having the same
vertices. Inside, coordinates are whole multiples of the grid, so that equal places are equal numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import told
from geo.metric import GRID_DEG
from geo.operations.drawing import Impossible
from geo.plans import geometry_column
from geo.validation.ground import Ints, Objects

REACH = 3.0
"""A line's vertex this near a border (in steps of the grid, about 3 cm) is meant to lie on it."""
PIXEL = 0.71
"""A line that passes a vertex as near as this goes through it."""
BEND = 1.6
"""A node may lie off its border by the rounding of the border, of the outline and of its own."""
ROUNDS = 12
_PER_DEG = 1e7

Floats = NDArray[np.float64]
Segment = tuple[int, int, int, int]
Point = tuple[int, int]


@dataclass(frozen=True)
class Noded:
    """`shapes` with their new nodes, in the order given; `lines`: segments (n × 2 × 2, degrees) in their direction."""

    shapes: Objects
    lines: Floats


def node(shapes: Objects, cut_count: int, lines: Sequence[BaseGeometry], outlines: Objects) -> Noded:
    """Node the lines with the borders of the first `cut_count` shapes; the others get the nodes they share with these.

    A node on an official outline is put onto the outline as received, so that the stored border never strays from it.
    """
    border = segments_of(shapes[:cut_count])
    locked = Outline(outlines)
    path = _snapped(_line_segments(lines), border, locked)
    parts = border
    origin = np.arange(len(border))
    for _ in range(ROUNDS):
        into_path, into_border = _contacts(path, parts, locked)
        if not into_path and not into_border:
            break
        path, _ = _with_nodes(path, np.arange(len(path)), into_path)
        parts, origin = _with_nodes(parts, origin, into_border)
    else:
        raise Impossible(told("the line runs along a border too closely to be told from it"), shapes[0])
    nodes = _inserted(border, parts, origin)
    touched = _around(shapes, nodes)
    renoded = (_renoded(shape, nodes) if near else shape for shape, near in zip(shapes, touched, strict=True))
    return Noded(geometry_column(renoded), _degrees(path).reshape(-1, 2, 2))


def _around(shapes: Objects, nodes: dict[Segment, list[Point]]) -> list[bool]:
    """Which shapes may have one of the segments: their boxes hold it."""
    if not nodes:
        return [False] * len(shapes)
    west, south, east, north = _whole(shapely.bounds(shapes)).T[:, :, None]
    x, y, to_x, to_y = np.array(list(nodes), dtype=np.int64).T
    inside = (x >= west) & (to_x <= east) & (np.minimum(y, to_y) >= south) & (np.maximum(y, to_y) <= north)
    near: list[bool] = inside.any(axis=1).tolist()
    return near


def segments_of(shapes: Objects) -> Ints:
    """Every segment of these borders once, as x, y, x, y on the grid, its lower end first."""
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    whole = _whole(xy)
    same = ring[1:] == ring[:-1]
    return np.unique(_ordered(np.hstack([whole[:-1][same], whole[1:][same]])), axis=0)


def _ordered(segments: Ints) -> Ints:
    back = (segments[:, 0] > segments[:, 2]) | (
        (segments[:, 0] == segments[:, 2]) & (segments[:, 1] > segments[:, 3])
    )
    return np.where(back[:, None], segments[:, [2, 3, 0, 1]], segments)


def _line_segments(lines: Sequence[BaseGeometry]) -> Ints:
    """The lines on the grid, noded with one another; their direction is kept."""
    gridded = shapely.transform(np.array(lines, dtype=object), lambda xy: np.round(xy, 7))
    if len(lines) > 1 or not shapely.is_simple(gridded).all():
        gridded = geometry_column([shapely.union_all(gridded, grid_size=GRID_DEG)])
    xy, line = shapely.get_coordinates(shapely.get_parts(gridded), return_index=True)
    whole = _whole(xy)
    same = line[1:] == line[:-1]
    return _without_points(np.hstack([whole[:-1][same], whole[1:][same]]))


def _without_points(segments: Ints) -> Ints:
    return np.asarray(segments[(segments[:, :2] != segments[:, 2:]).any(axis=1)])


class Outline:
    """Official outlines, asked for the place on them that is nearest to a border's new node."""

    def __init__(self, outlines: Objects) -> None:
        rings = shapely.get_rings(shapely.get_parts(outlines))
        self.line = shapely.MultiLineString(list(rings)) if len(rings) else None
        if self.line is not None:
            shapely.prepare(self.line)

    def place(self, spot: Floats, ends: Floats) -> Floats:
        """The spot, moved onto the outline where the border between `ends` is the outline's; steps of the grid."""
        if self.line is None:
            return spot
        near = shapely.dwithin(self.line, shapely.points(np.vstack([ends, spot]) / _PER_DEG), BEND * GRID_DEG)
        if not near.all():
            return spot
        point = shapely.Point(spot / _PER_DEG)
        return np.asarray(shapely.get_coordinates(shapely.shortest_line(self.line, point))[0] * _PER_DEG)


def _snapped(path: Ints, border: Ints, locked: Outline) -> Ints:
    """The line's vertices near a border put on it: on its vertex where one is near."""
    if not len(path) or not len(border):
        return path
    corners = np.unique(path.reshape(-1, 2), axis=0)
    tree = _tree(border)
    points = shapely.points(corners / _PER_DEG)
    asked, met = tree.query(points, predicate="dwithin", distance=REACH * GRID_DEG)
    moved = {}
    for place in np.unique(asked):
        spot = corners[place].astype(np.float64)
        near = border[met[asked == place]].astype(np.float64)
        ends = near.reshape(-1, 2)
        away = np.hypot(*(ends - spot).T)
        if away.min() <= REACH:
            to = ends[away.argmin()]
        else:
            feet = np.array([_foot(spot, segment) for segment in near])
            nearest = np.hypot(*(feet - spot).T).argmin()
            to = locked.place(feet[nearest], near[nearest].reshape(2, 2))
        moved[tuple(corners[place].tolist())] = tuple(np.rint(to).astype(int).tolist())
    if not moved:
        return path
    ends_of_path = [moved.get(tuple(end), tuple(end)) for end in path.reshape(-1, 2).tolist()]
    return _without_points(np.array(ends_of_path, dtype=np.int64).reshape(-1, 4))


def _foot(spot: Floats, segment: Floats) -> Floats:
    start, step = segment[:2], segment[2:] - segment[:2]
    along = float(np.clip((spot - start) @ step / (step @ step), 0, 1))
    return np.asarray(start + along * step)


def _contacts(
    path: Ints, border: Ints, locked: Outline
) -> tuple[dict[int, list[Point]], dict[int, list[Point]]]:
    """Nodes that segments of the line and of the border still lack, by row."""
    into_path: dict[int, list[Point]] = {}
    into_border: dict[int, list[Point]] = {}
    if not len(path) or not len(border):
        return into_path, into_border
    cuts, edges = _tree(border).query(_lines(path), predicate="dwithin", distance=BEND * GRID_DEG)
    mine, its = path[cuts], border[edges]
    through = np.stack([_passes(its[:, place], mine, PIXEL) for place in _ENDS])
    upon = np.stack([_passes(mine[:, place], its, BEND) for place in _ENDS])
    met: NDArray[np.bool_] = np.any(through, axis=0) | np.any(upon, axis=0)
    for row in np.flatnonzero(met).tolist():
        nodes = [end for end, here in zip(_ends(its[row]), through[:, row], strict=True) if here]
        own = [end for end, here in zip(_ends(mine[row]), upon[:, row], strict=True) if here]
        _put(into_path, int(cuts[row]), nodes)
        _put(into_border, int(edges[row]), [end for end in own if end not in nodes])
    for row, spot in _crossings(mine, its, ~met):
        edge = border[edges[row]]
        at = np.rint(locked.place(spot, edge.reshape(2, 2).astype(np.float64))).astype(int)
        node_: Point = (int(at[0]), int(at[1]))
        _put(into_path, int(cuts[row]), [node_] if node_ not in _ends(mine[row]) else [])
        _put(into_border, int(edges[row]), [node_] if node_ not in _ends(edge) else [])
    return into_path, into_border


_ENDS = (slice(0, 2), slice(2, 4))


def _put(nodes: dict[int, list[Point]], row: int, points: list[Point]) -> None:
    if points:
        nodes.setdefault(row, []).extend(points)


def _ends(segment: Ints) -> tuple[Point, Point]:
    x, y, to_x, to_y = segment.tolist()
    return (x, y), (to_x, to_y)


def _passes(spots: Ints, segments: Ints, within: float) -> NDArray[np.bool_]:
    """Which segments pass their spot this near, their own ends aside."""
    start, end = segments[:, :2].astype(np.float64), segments[:, 2:].astype(np.float64)
    step = end - start
    along = np.clip(((spots - start) * step).sum(axis=1) / (step * step).sum(axis=1), 0, 1)
    foot = start + along[:, None] * step
    is_end = (spots == segments[:, :2]).all(axis=1) | (spots == segments[:, 2:]).all(axis=1)
    return np.asarray(~is_end & (along > 0) & (along < 1) & (np.hypot(*(foot - spots).T) <= within))


def _crossings(ones: Ints, others: Ints, asked: NDArray[np.bool_]) -> Iterator[tuple[int, Floats]]:
    """Where two segments cross inside both, with the row of each such pair."""
    start, along = ones[:, :2].astype(np.float64), (ones[:, 2:] - ones[:, :2]).astype(np.float64)
    away = (others[:, :2] - ones[:, :2]).astype(np.float64)
    across = (others[:, 2:] - others[:, :2]).astype(np.float64)
    turn = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    rows = np.flatnonzero(asked & (turn != 0))
    along, away, across, turn = along[rows], away[rows], across[rows], turn[rows]
    mine = (away[:, 0] * across[:, 1] - away[:, 1] * across[:, 0]) / turn
    its = (away[:, 0] * along[:, 1] - away[:, 1] * along[:, 0]) / turn
    inside = (mine > 0) & (mine < 1) & (its > 0) & (its < 1)
    spots = start[rows] + mine[:, None] * along
    yield from zip(rows[inside].tolist(), spots[inside], strict=True)


def _with_nodes(segments: Ints, origin: Ints, nodes: dict[int, list[Point]]) -> tuple[Ints, Ints]:
    """The segments with some broken at nodes; `origin` says which first segment each came from."""
    if not nodes:
        return segments, origin
    kept = np.setdiff1d(np.arange(len(segments)), list(nodes))
    rows, from_ = [segments[kept]], [origin[kept]]
    for row, points in nodes.items():
        chain = np.array(_chain(segments[row], points), dtype=np.int64)
        rows.append(np.hstack([chain[:-1], chain[1:]]))
        from_.append(np.full(len(chain) - 1, origin[row]))
    return np.vstack(rows), np.concatenate(from_)


def _chain(segment: Ints, points: Sequence[Point]) -> list[Point]:
    """The ends of the segment and the points between, in order along it."""
    start, end = _ends(segment)
    step = np.array(end, dtype=np.float64) - start
    inner = set(points) - {start, end}
    return [start, *sorted(inner, key=lambda spot: float((np.array(spot) - start) @ step)), end]


def _inserted(border: Ints, parts: Ints, origin: Ints) -> dict[Segment, list[Point]]:
    """The nodes that each segment got, in its own order."""
    broken, pieces = np.unique(origin, return_counts=True)
    nodes: dict[Segment, list[Point]] = {}
    for row in broken[pieces > 1].tolist():
        points = [tuple(spot) for spot in parts[origin == row].reshape(-1, 2).tolist()]
        x, y, to_x, to_y = border[row].tolist()
        nodes[x, y, to_x, to_y] = _chain(border[row], points)[1:-1]
    return nodes


def _renoded(shape: BaseGeometry, nodes: dict[Segment, list[Point]]) -> BaseGeometry:
    if not nodes:
        return shape
    found = False
    polygons = []
    for part in shapely.get_parts(shape):
        rings = [_renoded_ring(ring, nodes) for ring in (part.exterior, *part.interiors)]
        found |= any(changed for _, changed in rings)
        polygons.append(shapely.Polygon(rings[0][0], [ring for ring, _ in rings[1:]]))
    return shapely.MultiPolygon(polygons) if found else shape


def _renoded_ring(ring: BaseGeometry, nodes: dict[Segment, list[Point]]) -> tuple[Floats, bool]:
    whole = _whole(shapely.get_coordinates(ring))
    steps = np.hstack([whole[:-1], whole[1:]])
    ordered = _ordered(steps)
    points: list[Point] = []
    for step, key in zip(steps.tolist(), map(tuple, ordered.tolist()), strict=True):
        between = nodes.get(key, [])
        points.append((step[0], step[1]))
        points.extend(between if tuple(step) == key else reversed(between))
    points.append(points[0])
    return _degrees(np.array(points)), len(points) > len(whole)


def _whole(lon_lat: Floats) -> Ints:
    return np.rint(lon_lat * _PER_DEG).astype(np.int64)


def _degrees(whole: Ints) -> Floats:
    """The same floats as rounding to seven decimals gives."""
    return np.asarray(whole / _PER_DEG)


def _lines(segments: Ints) -> Objects:
    return np.asarray(shapely.linestrings(_degrees(segments).reshape(-1, 2, 2)), dtype=object)


def _tree(segments: Ints) -> shapely.STRtree:
    return shapely.STRtree(_lines(segments))
