"""The lattice that H3's cells are: on each face of an icosahedron a regular lattice of hexagons, in the plane that touches it.

Uber's definition (h3geo.org, "Indexing"): a position is projected from the middle of the earth on the plane of the nearest
face, and belongs to the hexagon whose middle is nearest there. The twelve corners of the icosahedron are middles of cells
at every resolution, which fixes faces and directions; each resolution is √7 finer than the one before, every odd one is
turned by asin √(3/28).
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Directions = tuple[Floats, Floats, Floats]

_ACROSS: Final = np.sqrt(12.0)
"""Between two corners of a face, in widths of a cell of resolution 0: each lies two of them from the middle of the face."""
_TURN: Final = np.arcsin(np.sqrt(3 / 28))


@dataclass(frozen=True)
class Places:
    """Which hexagon holds each position: `face`, and `a` and `b` steps along two axes. `clear`: it lies more than `margin`
    of a cell's width from the border, so that no rounding could put it elsewhere.
    """

    face: Ints
    a: Ints
    b: Ints
    clear: NDArray[np.bool_]


class Lattice:
    """The hexagons of one resolution. `corners`: lon and lat of the icosahedron's twelve, two columns, degrees."""

    def __init__(self, corners: Floats, resolution: int) -> None:
        points = np.stack(_directions(corners[:, 0], corners[:, 1]), axis=1)
        apart = points @ points.T
        beside = apart > np.sort(apart[0])[-6] - 1e-6
        faces = [
            face for face in combinations(range(12), 3) if all(beside[i, j] for i, j in combinations(face, 2))
        ]
        middles = points[np.array(faces)].mean(axis=1)
        self._normals: Floats = middles / np.linalg.norm(middles, axis=1)[:, None]
        turn = _TURN if resolution % 2 else 0.0
        self._axes = [
            _axes_of(points[list(face)], normal, _ACROSS * np.sqrt(7.0) ** resolution, turn)
            for face, normal in zip(faces, self._normals, strict=True)
        ]

    def place(self, lon: Floats, lat: Floats, *, margin: float) -> Places:
        """The hexagon of each position, degrees."""
        towards = _directions(lon, lat)
        if not len(lon):
            nothing = np.empty(0, np.int64)
            return Places(nothing, nothing, nothing, np.empty(0, np.bool_))
        faces = self._nearest(towards)
        if isinstance(faces, int):
            return Places(np.full(len(lon), faces), *self._steps(towards, faces, margin))
        a, b = np.empty(len(lon), np.int64), np.empty(len(lon), np.int64)
        clear = np.empty(len(lon), np.bool_)
        for face in np.unique(faces).tolist():
            own = np.flatnonzero(faces == face)
            some = (towards[0][own], towards[1][own], towards[2][own])
            a[own], b[own], clear[own] = self._steps(some, face, margin)
        return Places(faces, a, b, clear)

    def _nearest(self, towards: Directions) -> Ints | int:
        """The nearest face of each direction; one number where it is the same for all, as over any one city but few."""
        least = np.array([float(each.min()) for each in towards])
        most = np.array([float(each.max()) for each in towards])
        nearness = self._normals @ ((least + most) / 2)
        second, first = np.sort(nearness)[-2:]
        if first - second > np.linalg.norm(most - least) + 1e-9:
            return int(np.argmax(nearness))
        nearness = np.stack([_dot(towards, normal) for normal in self._normals])
        return np.asarray(np.argmax(nearness, axis=0), np.int64)

    def _steps(self, towards: Directions, face: int, margin: float) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """The nearest middle, by the rounding of cubes, and whether it is nearest by more than the margin."""
        over = 1 / _dot(towards, self._normals[face])
        u, v = (_dot(towards, axis) * over for axis in self._axes[face])
        a, b = np.rint(u), np.rint(v)
        u, v = u - a, v - b
        third = np.rint(u + v)  # 0, or ±1 where the one that was rounded most has to give way
        rest, most = np.abs(u + v - third), np.maximum(np.abs(u), np.abs(v))
        first = np.abs(u) == most
        move = np.where(most > rest, third, 0.0)
        move_a, move_b = np.where(first, move, 0.0), np.where(first, 0.0, move)
        a, b, u, v = a + move_a, b + move_b, u - move_a, v - move_b
        farthest = np.maximum(np.maximum(np.abs(u + v / 2), np.abs(u / 2 + v)), np.abs(u - v) / 2)
        return a.astype(np.int64), b.astype(np.int64), farthest < 0.5 - margin


def _directions(lon: Floats, lat: Floats) -> Directions:
    """Positions in degrees as directions from the middle of the sphere."""
    across, up = np.radians(lon), np.radians(lat)
    level = np.cos(up)
    return level * np.cos(across), level * np.sin(across), np.sin(up)


def _dot(towards: Directions, way: Floats) -> Floats:
    across, along, up = (float(each) for each in way)
    return towards[0] * across + towards[1] * along + towards[2] * up


def _axes_of(corners: Floats, normal: Floats, scale: float, turn: float) -> Floats:
    """Two rows: a direction's product with each over that with the normal is the steps along one of two axes 60° apart.

    A corner lies two steps from the middle of its face, along an axis.
    """
    plane = corners / (corners @ normal)[:, None] - normal
    east = plane[0] / np.linalg.norm(plane[0])
    north = np.cross(normal, east)
    per_unit = scale / np.linalg.norm(plane[1] - plane[0])
    cos, sin = np.cos(turn) * per_unit, np.sin(turn) * per_unit
    x, y = cos * east + sin * north, cos * north - sin * east
    return np.stack([x - y / np.sqrt(3), 2 * y / np.sqrt(3)])


@cache
def lattice_of(corners: tuple[tuple[float, float], ...], resolution: int) -> Lattice:
    return Lattice(np.array(corners), resolution)
