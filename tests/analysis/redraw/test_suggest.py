"""Suggestions: parts that are even, hang together, really differ, and are adopted as one operation of the plan."""

from dataclasses import replace
from time import perf_counter
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely

from analysis.redraw.blocks import Blocks
from analysis.redraw.suggest import DIFFERENT, Suggested, Wanted, suggest_from
from geo.metric import snap
from geo.networks import Level, Network
from geo.operations import Doors, Drawing, SplitEven, Unit, apply
from geo.plans import as_multipolygons, geometry_column
from geo.validation.ground import metres_per_degree

PARENT = Unit(UUID(int=1), "street", "1", "街道", None, None)
EAST_M, NORTH_M = metres_per_degree(39.0)


def community(seed: int, count: int = 300) -> Blocks:
    """A community of 1.2 by 1.0 km with blocks askew, in four present units; households as uneven as they are."""
    random = np.random.default_rng(seed)
    size = np.array([1200 / EAST_M, 1000 / NORTH_M])
    corner = np.array([116.0, 39.0])
    ground = shapely.box(*corner, *(corner + size))
    spots = shapely.MultiPoint(corner + random.random((count, 2)) * size)
    cells = shapely.get_parts(shapely.voronoi_polygons(spots, extend_to=ground))
    shapes = np.asarray(shapely.intersection(cells, ground), dtype=object)
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    east, north = (middles > corner + size / 2).T
    households = random.lognormal(3.0, 0.7, count).round()
    units = [Unit(UUID(int=10 + n), "grid", f"1{n}", f"格{n}", PARENT.id, None) for n in range(4)]
    cases, area = random.poisson(2.0, count).astype(float), shapely.area(shapes) * EAST_M * NORTH_M
    holder = east.astype(np.int64) * 2 + north
    lines = [shapely.LineString([corner + np.array([0, 0.004]), corner + size])]
    return Blocks(PARENT, "streets", shapes, units, holder, households, 2 * households, cases, area, lines)


def asked(**options: Any) -> Wanted:
    return Wanted(PARENT.id, **{"count": 6, "time_limit_s": 60.0} | options)


def overlap(one: Suggested, first: int, second: int, weight: Any) -> float:
    """The largest share of the weight that any naming of the parts lets lie in the same part, by trying each in turn."""
    from itertools import permutations

    a, b = (one.alternatives[each].part_of for each in (first, second))
    shared = np.zeros((6, 6))
    np.add.at(shared, (a, b), weight)
    return float(max(shared[range(6), list(each)].sum() for each in permutations(range(6))) / weight.sum())


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 20))]
)
def test_three_hundred_blocks_make_six_even_grids_that_hang_together(seed: int) -> None:
    blocks = community(seed)
    found = suggest_from(blocks, asked(seed=seed, alternatives=5), perf_counter())
    assert found.unmet == []
    assert len(found.alternatives) == 5
    for each in found.alternatives:
        loads = np.bincount(each.part_of, blocks.households, minlength=6)
        assert np.abs(loads / loads.mean() - 1).max() <= 0.05
        assert each.balance.max_deviation == pytest.approx(np.abs(loads / loads.mean() - 1).max())
        for part in range(6):
            union = shapely.union_all(blocks.shapes[each.part_of == part])
            assert union.buffer(1e-9).geom_type == "Polygon"
    weight = blocks.households
    pairs = [(a, b) for a in range(5) for b in range(a)]
    assert all(1 - overlap(found, a, b, weight) >= DIFFERENT - 1e-9 for a, b in pairs)


@pytest.mark.parametrize("seed", range(20))
def test_straight_cuts_of_the_same_ground_are_even_and_hang_together(seed: int) -> None:
    """The households of a block at one spot: harder to halve than doors."""
    blocks = community(seed)
    (whole,) = as_multipolygons(snap(geometry_column([shapely.coverage_union_all(blocks.shapes)])))
    spots = shapely.get_coordinates(shapely.point_on_surface(blocks.shapes))
    grid = replace(blocks.units[0], geom=shapely.normalize(whole), households=int(blocks.households.sum()))
    network = Network(
        1, "net", "net", "full", (Level("street", "街道"), Level("grid", "网格", parent="street"))
    )
    drawing = Drawing(network, {PARENT.id: PARENT, grid.id: grid}, doors=Doors(spots, blocks.households))
    applied = apply(drawing, SplitEven(grid.id, 6), UUID(int=42))
    parts = [unit for unit in applied.changes.values() if unit is not None]
    assert len(parts) == 6
    loads = np.array([blocks.households[shapely.contains_xy(each.geom, spots)].sum() for each in parts])
    assert loads.sum() == blocks.households.sum()
    assert np.abs(loads / loads.mean() - 1).max() <= 0.05
    assert [each.households for each in parts] == loads.tolist()
    assert [shapely.get_num_geometries(each.geom) for each in parts] == [1] * 6


def test_the_same_seed_gives_the_same_and_another_one_something_else() -> None:
    first, again, other = (suggest_from(community(3), asked(seed=n), perf_counter()) for n in (1, 1, 2))
    same = [
        bool((a.part_of == b.part_of).all())
        for a, b in zip(first.alternatives, again.alternatives, strict=True)
    ]
    assert same == [True] * 4
    assert any((a.part_of != b.part_of).any() for a, b in zip(first.alternatives, other.alternatives))  # noqa: B905


def test_who_asks_for_fewer_gets_the_first_of_them() -> None:
    three, four = (suggest_from(community(1), asked(alternatives=n), perf_counter()) for n in (3, 4))
    assert [len(each.alternatives) for each in (three, four)] == [3, 4]
    for one, other in zip(three.alternatives, four.alternatives[:3], strict=True):
        assert (one.name, one.part_of.tolist()) == (other.name, other.part_of.tolist())
    assert three.unmet == four.unmet == []


def test_each_wish_is_better_at_what_it_is_for() -> None:
    found = suggest_from(community(5), asked(alternatives=5), perf_counter())
    by_name = {each.name: each for each in found.alternatives}
    assert set(by_name) == {"even", "compact", "stable", "streets", "balanced"}
    others = ("even", "stable", "balanced")
    assert by_name["compact"].inner_borders_m < min(by_name[name].inner_borders_m for name in others)
    assert min(by_name, key=lambda name: by_name[name].households_moved) == "stable"
    assert max(by_name, key=lambda name: by_name[name].on_streets) == "streets"


def test_households_that_move_are_those_whose_block_goes_to_another_unit() -> None:
    blocks = community(7)
    found = suggest_from(blocks, asked(count=4), perf_counter())
    for each in found.alternatives:
        unit_of = [part.unit for part in each.parts]
        assert sorted(unit_of, key=str) == sorted((unit.id for unit in blocks.units), key=str)
        moved = sum(
            households
            for households, holder, part in zip(blocks.households, blocks.holder, each.part_of, strict=True)
            if unit_of[part] != blocks.units[holder].id
        )
        assert each.households_moved == moved


def test_what_cannot_be_met_is_said() -> None:
    heavy = community(1)
    heavy.households[17] = heavy.households.sum()
    found = suggest_from(heavy, asked(alternatives=1), perf_counter())
    assert [each.code for each in found.unmet] == ["block_too_heavy", "uneven"]
    late = suggest_from(community(1), asked(time_limit_s=1e-6), perf_counter())
    assert {each.code for each in late.unmet} >= {"time", "few_alternatives"}
    assert len(late.alternatives) == 1
    empty = community(1)
    empty.households[:] = 0
    assert suggest_from(empty, asked(alternatives=1), perf_counter()).unmet[0].code == "nothing_counted"


def test_ground_in_two_places_is_divided_and_said() -> None:
    blocks = community(2)
    far = shapely.get_x(shapely.centroid(blocks.shapes)) > 116.0 + 0.75 * 1200 / EAST_M
    blocks.shapes[far] = shapely.transform(blocks.shapes[far], lambda xy: xy + np.array([0.01, 0]))
    found = suggest_from(blocks, asked(), perf_counter())
    assert found.unmet[0].code == "ground_apart"
    for each in found.alternatives:
        pieces = [
            shapely.union_all(blocks.shapes[each.part_of == part]).buffer(1e-9).geom_type == "Polygon"
            for part in range(6)
        ]
        assert [part.is_whole for part in each.parts] == pieces
        assert sum(pieces) >= 5
