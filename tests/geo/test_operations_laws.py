"""Whatever a planner does: no gap, no overlap, the official outline kept, and undoing all of it leaves nothing behind."""

import hashlib
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from geo.findings import Finding
from geo.metric import GRID_DEG
from geo.operations import (
    CreateDedicated,
    Dissolve,
    Drawing,
    Impossible,
    Merge,
    Operation,
    Recode,
    RedrawPartition,
    Rename,
    Reparent,
    ReplaceFromFile,
    ReshapeVertex,
    ShiftBorder,
    SplitByLine,
    SplitEven,
    Transfer,
    Unit,
    apply,
)
from geo.operations.findings import drafts_of
from geo.operations.returned import Incoming, Newcomer
from geo.validation import check_units
from geo.validation.ground import metres_per_degree, scaled
from tests.geo.cells import CITY, EAST_HALF, STEP, WEST_HALF, thousand_cells

KEY = UUID(int=42)
STILL = (0.0, 0.0, 0.0, 0.0)
SPLIT = ("split", 0, STILL)
KINDS = (
    *("split", "even", "merge", "shift", "transfer", "vertex", "dissolve"),
    *("area", "file", "rename", "recode", "reparent", "dedicated"),
)


def digest(drawing: Drawing) -> str:
    """Over everything that a drawing says."""
    found = hashlib.sha256()
    for unit in sorted(drawing.units.values(), key=lambda unit: unit.id):
        shape = b"" if unit.geom is None else shapely.to_wkb(unit.geom)
        found.update(
            repr((unit.id, unit.code, unit.name, unit.parent, unit.households, unit.kind)).encode() + shape
        )
    return found.hexdigest()


def faults(drawing: Drawing) -> list[str]:
    """What must never be: the cover is exact, on the grid, and its union is the official outline within a centimetre."""
    units, shapes, _ = drawing.leaves
    found = []
    if not shapely.is_valid(shapes).all():
        found.append("an invalid border")
    if not shapely.coverage_is_valid(shapes):
        found.append("neighbours do not fit")
    xy = shapely.get_coordinates(shapes)
    if (np.round(xy, 7) != xy).any():
        found.append("a vertex off the grid")
    union = shapely.coverage_union_all(shapes)
    square_m = float(np.prod(metres_per_degree(33.05)))
    if abs(shapely.area(shapes).sum() - union.area) * square_m > max(1e-6, 1e-14 * union.area * square_m):
        found.append("areas do not add up")
    outline = drawing.outlines[CITY]
    middle = np.array([114.05, 33.05])
    away = shapely.hausdorff_distance(scaled(union, middle), scaled(outline, middle))
    if away > 0.01:
        found.append(f"the outline is left by {away:.4f} m")
    if len({unit.code for unit in units}) < len(units):
        found.append("a code twice")
    households = sum(unit.households or 0 for unit in units)
    if households != sum(unit.households or 0 for unit in thousand_cells().leaves[0]):
        found.append(f"{households} households")
    return found


def findings(drawing: Drawing) -> list[Finding]:
    """What the validator says of the whole of it."""
    return check_units(drawing.network, drafts_of(drawing)).findings


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, int, tuple[float, ...]]:
    """An operation to be: its kind, a unit by its place, and four numbers that draw its line."""
    number = st.floats(-1, 1, allow_nan=False, width=32)
    return draw(st.sampled_from(KINDS)), draw(st.integers(0, 10_000)), tuple(draw(number) for _ in range(4))


def made(drawing: Drawing, step: tuple[str, int, tuple[float, ...]]) -> Operation | None:
    """The operation of a step on this drawing; None where the unit has no neighbour for it."""
    kind, place, (a, b, c, d) = step
    leaves = drawing.leaves[0]
    unit = leaves[place % len(leaves)]
    around = drawing.neighbours([unit.id])
    x, y = shapely.get_coordinates(shapely.centroid(unit.geom))[0]
    line = shapely.LineString([(x + 2 * STEP * (a - 1), y + STEP * b), (x + STEP * c / 3, y + STEP * d / 3),
                               (x + 2 * STEP, y - STEP * b)])  # fmt: skip
    if kind == "split":
        return SplitByLine(unit.id, line)
    if kind == "even":
        return SplitEven(unit.id, 2 + place % 4, by=("households", "area")[place % 2])
    spot = shapely.Point(x + STEP * a, y + STEP * b)
    if kind in ("dissolve", "rename", "recode", "reparent", "dedicated"):
        elsewhere = EAST_HALF if unit.parent == WEST_HALF else WEST_HALF
        return {
            "dissolve": Dissolve(unit.id),
            "rename": Rename(unit.id, f"新{place}"),
            "recode": Recode(unit.id),
            "reparent": Reparent((unit.id,), elsewhere),
            "dedicated": CreateDedicated(unit.parent, "grid", spot.buffer(STEP * (0.2 + abs(c))), "校"),
        }[kind]
    if kind == "area":
        return RedrawPartition(unit.parent, areas=(spot.buffer(STEP * (0.3 + abs(c)), quad_segs=2),))
    if not around:
        return None
    other = around[place % len(around)]
    if kind == "file":
        corner = shapely.get_coordinates(shapely.intersection(unit.geom, other.geom))[0]
        return from_file(unit, other, shapely.Point(corner).buffer(STEP * (0.1 + abs(c) / 2)), place)
    if kind == "merge":
        return Merge((unit.id, other.id))
    if kind == "shift":
        common = shapely.get_coordinates(
            shapely.intersection(shapely.boundary(unit.geom), shapely.boundary(other.geom))
        )
        ends = (common[0], common[-1])
        bend = (common.mean(axis=0)[0] + STEP * a / 3, common.mean(axis=0)[1] + STEP * b / 3)
        return ShiftBorder(unit.id, other.id, shapely.LineString([ends[0], bend, ends[1]]))
    if kind == "transfer":
        return Transfer(unit.id, other.id, spot.buffer(STEP * abs(c) + 1e-5))
    corners = shapely.get_coordinates(unit.geom)
    corner = corners[place % len(corners)]
    return ReshapeVertex(
        shapely.Point(corner), shapely.Point(corner + STEP * np.array([a, b]) / 4), (unit.id,)
    )


def from_file(unit: Unit, other: Unit, area: shapely.Polygon, place: int) -> ReplaceFromFile:
    """What a file may say of two neighbours: a name, a border that moved, a unit that is new, one that is gone."""
    mine = shapely.union(unit.geom, shapely.intersection(other.geom, area))
    return (
        ReplaceFromFile((Incoming(unit.id, name=f"档{place}"),)),
        ReplaceFromFile((Incoming(unit.id, mine), Incoming(other.id, shapely.difference(other.geom, area)))),
        ReplaceFromFile(born=(Newcomer("grid", unit.parent, shapely.intersection(unit.geom, area)),)),
        ReplaceFromFile(gone=(unit.id,), heirs=(Incoming(other.id, shapely.union(other.geom, unit.geom)),)),
    )[place % 4]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(steps(), min_size=4, max_size=10))
@example(plan=[SPLIT] * 5 + [("reparent", 17, STILL), SPLIT])  # a code of the other street among the siblings
def test_any_row_of_operations_keeps_the_cover_exact_and_is_undone_without_a_trace(plan: Any) -> None:
    drawing, inverses, done = thousand_cells(), [], []
    for number, step in enumerate(plan):
        operation = made(drawing, step)
        if operation is None:
            continue
        try:
            applied = apply(drawing, operation, uuid5(KEY, str(number)))
        except Impossible:
            continue
        drawing = applied.drawing
        done.append((operation, uuid5(KEY, str(number))))
        inverses.append(applied.inverse)
        assert faults(drawing) == [], (step, operation)
    again = thousand_cells()
    for operation, key in done:
        again = apply(again, operation, key).drawing
    assert digest(again) == digest(drawing)
    assert findings(drawing) == []
    for inverse in reversed(inverses):
        drawing = apply(drawing, inverse, KEY).drawing
    assert digest(drawing) == digest(thousand_cells())


def test_the_thousand_cells_have_what_is_hard() -> None:
    _, shapes, _ = thousand_cells().leaves
    assert len(shapes) >= 1000
    polygons = shapely.get_parts(shapes)
    assert (shapely.get_num_geometries(shapes) > 1).sum() >= 5  # exclaves
    assert (shapely.get_num_interior_rings(polygons) > 0).sum() >= 10  # units around others
    assert shapely.get_num_interior_rings(shapely.coverage_union_all(shapes)) == 1
    xy, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    whole = np.rint(xy * 1e7).astype(np.int64)
    inner = ring[1:] == ring[:-1]
    steps = np.diff(whole, axis=0)
    turn = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
    straight = inner[1:] & inner[:-1] & (turn == 0)
    once = whole[:-1][inner]
    corners, met = np.unique(once, axis=0, return_counts=True)
    shared = set(map(tuple, corners[met >= 4].tolist()))
    tees = set(map(tuple, whole[1:-1][straight].tolist())) & set(map(tuple, corners[met >= 3].tolist()))
    assert len(shared) >= 100
    assert len(tees) >= 50


def test_the_law_sees_a_border_that_is_off_by_one_step_of_the_grid() -> None:
    drawing = thousand_cells()
    assert faults(drawing) == []
    unit = drawing.leaves[0][500]
    moved = shapely.transform(
        unit.geom, lambda xy: np.vstack([xy[:1] + GRID_DEG, xy[1:-1], xy[-1:] + GRID_DEG])
    )
    from dataclasses import replace

    assert faults(drawing.redrawn({unit.id: replace(unit, geom=moved)})) != []


@pytest.mark.parametrize("seed", range(4))
def test_a_long_row_of_operations_by_chance(seed: int) -> None:
    random = np.random.default_rng(seed)
    drawing, inverses = thousand_cells(), []
    for number in range(60):
        step = (
            str(random.choice(KINDS)),
            int(random.integers(10_000)),
            tuple(random.uniform(-1, 1, 4).tolist()),
        )
        operation = made(drawing, step)  # type: ignore[arg-type]
        try:
            if operation is None:
                continue
            applied = apply(drawing, operation, uuid5(KEY, str(number)))
            drawing = applied.drawing
            inverses.append(applied.inverse)
        except Impossible:
            continue
        if number % 10 == 9:
            assert faults(drawing) == [], step
    assert faults(drawing) == []
    assert findings(drawing) == []
    assert len(inverses) > 25
    for inverse in reversed(inverses):
        drawing = apply(drawing, inverse, KEY).drawing
    assert digest(drawing) == digest(thousand_cells())
