"""Edges that do not match are those that GEOS finds going through every polygon, whatever is wrong with a cover."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import shapely

from geo.plans import geometry_column
from geo.validation.edges import invalid_edges, is_cover
from tests.geo.cells import STEP, thousand_cells

Shapes = np.ndarray
Random = np.random.Generator


def chosen(shapes: Shapes, random: Random) -> list[int]:
    found: list[int] = random.choice(len(shapes), 5, replace=False).tolist()
    return found


def grown(shapes: Shapes, random: Random) -> Shapes:
    """Or shrunk, which leaves gaps that are no matter of edges."""
    rows = chosen(shapes, random)
    away = STEP * np.array([0.2, 1e-4, *random.choice([-0.2, -1e-4, 1e-4, 0.2], 3)])
    shapes[rows] = shapely.buffer(shapes[rows], away, join_style="mitre")
    return shapes


def nudged(shapes: Shapes, random: Random) -> Shapes:
    """One corner of each goes a step of the grid, or a hundred, off the ground of the others."""
    for row in chosen(shapes, random):
        away = random.choice([1e-7, 1e-5])
        xy = shapely.get_coordinates(shapes[row])
        corner = xy[random.integers(len(xy))]
        moved = shapely.transform(shapes[row], partial(_moved, corner=corner, away=away))
        shapes[row] = shapely.make_valid(moved, method="structure", keep_collapsed=False)
    return shapes


def _moved(xy: Shapes, corner: Shapes, away: float) -> Shapes:
    return np.where((xy == corner).all(axis=1)[:, None], xy + away, xy)


def without_nodes(shapes: Shapes, random: Random) -> Shapes:
    """Neighbours go on having the nodes on its straight sides."""
    simpler = shapely.simplify(shapes, 0)
    noded = np.flatnonzero(shapely.get_num_coordinates(simpler) < shapely.get_num_coordinates(shapes))
    rows = random.choice(noded, 5, replace=False)
    shapes[rows] = simpler[rows]
    return shapes


def doubled(shapes: Shapes, random: Random) -> Shapes:
    """Once as it is, once turned round, and a part of one in another."""
    one, other, third = shapes[chosen(shapes, random)[:3]]
    inside = shapely.buffer(shapely.point_on_surface(third), STEP / 20)
    return geometry_column([*shapes, one, shapely.reverse(other), inside])


def missing(shapes: Shapes, random: Random) -> Shapes:
    return np.delete(shapes, chosen(shapes, random))


def turned(shapes: Shapes, random: Random) -> Shapes:
    """Rings in either direction: nothing is wrong with that."""
    rows = chosen(shapes, random)
    shapes[rows] = shapely.reverse(shapes[rows])
    return shapes


DAMAGES: list[Callable[[Shapes, Random], Shapes]] = [grown, nudged, without_nodes, doubled, missing, turned]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("damage", DAMAGES)
def test_edges_are_those_of_geos(damage: Callable[[Shapes, Random], Shapes], seed: int) -> None:
    shapes = damage(thousand_cells().leaves[1].copy(), np.random.default_rng(seed))
    found, wanted = invalid_edges(shapes), shapely.coverage_invalid_edges(shapes)
    wrong = ~shapely.is_empty(wanted)
    assert (~shapely.is_empty(found)).tolist() == wrong.tolist()
    assert shapely.equals_identical(found[wrong], wanted[wrong]).all()
    assert is_cover(shapes) == shapely.coverage_is_valid(shapes) == (not wrong.any())
    if damage in (grown, nudged, without_nodes, doubled):
        assert wrong.any()


def test_there_are_none_where_there_are_no_shapes_or_one_alone() -> None:
    assert invalid_edges(np.empty(0, dtype=object)).tolist() == []
    assert is_cover(geometry_column([shapely.box(0, 0, 1, 1)]))
