"""What a planner is warned of, the operation that mends it, and neighbourhood runs that find what whole runs find."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
import shapely

from geo.findings import Finding
from geo.operations import Drawing, apply
from geo.operations.drawing import Unit
from geo.operations.findings import check_neighbourhood, drafts_of
from geo.plans import as_multipolygons, geometry_column
from geo.plans.codec import read_operation
from geo.validation import Surroundings, check_units
from geo.validation.ground import metres_per_degree
from tests.geo.cells import thousand_cells
from tests.geo.sketch import NORTH, STEP_DEG, WEST
from tests.geo.test_operations import KEY, drawn, identity


def looks(drawing: Drawing, around: Surroundings | None = None) -> list[Finding]:
    return check_units(drawing.network, drafts_of(drawing), around=around or Surroundings()).findings


def rules(drawing: Drawing, around: Surroundings | None = None) -> set[tuple[str, tuple[str, ...]]]:
    return {(each.rule, each.units) for each in looks(drawing, around)}


def with_rules(drawing: Drawing, **given: object) -> Drawing:
    return replace(drawing, network=replace(drawing.network, rules=given))


def mended(drawing: Drawing, rule: str) -> Drawing:
    (found,) = (each for each in looks(drawing) if each.rule == rule)
    assert found.mend is not None
    return apply(drawing, read_operation(*found.mend), KEY).drawing


def test_a_clean_drawing_has_no_findings() -> None:
    assert rules(drawn("AAB\nAAB")) == set()


def test_parts_apart_are_told_and_given_to_their_neighbour_by_a_click() -> None:
    drawing = drawn("AABA\nAABB")
    assert rules(drawing) == {("multi_part", ("310101",))}
    assert rules(mended(drawing, "multi_part")) == set()


def test_a_unit_around_others_has_a_hole_and_takes_them_in_by_a_click() -> None:
    assert ("hole", ("310101",)) in rules(drawn("AAA\nABA\nAAA"))
    assert rules(mended(drawn("AAA\nABA\nAAA"), "hole")) == set()
    assert rules(mended(drawn("AAAA\nABCA\nAAAA"), "hole")) == set()


def test_what_is_nowhere_two_metres_wide_is_dissolved_by_a_click() -> None:
    drawing = drawn("AB\nAB")
    metre = 1 / metres_per_degree(39.0)[0]
    x, top, bottom = WEST + STEP_DEG, NORTH, NORTH - 2 * STEP_DEG
    edge = shapely.box(x - 1.5 * metre, bottom - 1, x, top + 1)
    pieces = {
        "A": shapely.difference(drawing.unit(identity("A")).geom, edge),
        "S": shapely.intersection(edge, drawing.unit(identity("A")).geom),
    }
    from geo.metric import snap
    from geo.validation.arrange import arrange

    shapes = arrange(
        snap(geometry_column([*pieces.values(), drawing.unit(identity("B")).geom])), width_m=0
    ).shapes
    shapes = as_multipolygons(shapely.normalize(shapes))
    a, b = drawing.unit(identity("A")), drawing.unit(identity("B"))
    sliver = Unit(identity("S"), "grid", "310109", "S", a.parent, shapes[1], households=0)
    thin = drawing.redrawn(
        {a.id: replace(a, geom=shapes[0]), sliver.id: sliver, b.id: replace(b, geom=shapes[2])}
    )
    assert rules(thin) == {("sliver", ("310109",))}
    assert rules(mended(thin, "sliver")) == set()


def test_the_size_rule_splits_what_is_large_and_merges_what_is_small() -> None:
    size = {"grid": {"households": [80, 120]}}
    large = with_rules(drawn("AAAB", households=100), size=size)
    large = large.redrawn({identity("A"): replace(large.unit(identity("A")), households=290)})
    assert rules(large) == {("size", ("310101",))}
    assert rules(mended(large, "size")) == set()
    small = large.redrawn({identity("A"): replace(large.unit(identity("A")), households=10)})
    assert sum(unit.households or 0 for unit in mended(small, "size").leaves[0]) == 110


def test_codes_against_the_scheme_and_units_without_anybody_are_told() -> None:
    drawing = with_rules(drawn("AB"), codes={"grid": {"width": 2}})
    odd = drawing.redrawn({identity("B"): replace(drawing.unit(identity("B")), code="X1")})
    staffed = Surroundings(staffed=frozenset({identity("A")}))
    assert rules(odd, staffed) == {("code_scheme", ("X1",)), ("no_responsible", ("X1",))}


def test_a_river_through_a_unit_is_told_and_one_along_its_border_is_not() -> None:
    def river(x: float) -> Surroundings:
        lines = [shapely.LineString([(WEST + x * STEP_DEG, NORTH + 1), (WEST + x * STEP_DEG, NORTH - 1)])]
        return Surroundings(barriers=geometry_column(lines))

    drawing = drawn("AAB\nAAB")
    assert rules(drawing, river(0.6)) == {("barrier", ("310101",))}
    (told,) = looks(drawing, river(0.6))
    assert told.mend is not None
    split = apply(drawing, read_operation(*told.mend), KEY).drawing
    assert (len(split.leaves[0]), rules(split, river(0.6))) == (3, set())
    assert rules(drawing, river(2)) == set()
    broad = Surroundings(barriers=geometry_column([river(0.6).barriers[0].buffer(STEP_DEG / 10)]))
    assert rules(drawing, broad) == {("barrier", ("310101",))}


def damaged(drawing: Drawing, seed: int) -> tuple[Drawing, list[UUID]]:
    """A gap or an overlap at one unit's border, and other spoilt units far away."""
    random = np.random.default_rng(seed)
    spoilt = {}
    rows = random.choice(len(drawing.leaves[0]), 3, replace=False)
    for row in rows:
        unit = drawing.leaves[0][int(row)]
        metres = random.choice([-8.0, -0.5, 0.5, 8.0])
        shape = shapely.buffer(unit.geom, metres / metres_per_degree(33.0)[1], join_style="mitre")
        spoilt[unit.id] = replace(unit, geom=as_multipolygons(geometry_column([shape]))[0])
    return drawing.redrawn(spoilt), [drawing.leaves[0][int(rows[0])].id]


@pytest.mark.parametrize("seed", range(6))
def test_a_neighbourhood_gives_the_findings_that_the_whole_network_gives_there(seed: int) -> None:
    drawing, changed = damaged(thousand_cells(), seed)
    drawing = with_rules(drawing, size={"grid": {"households": [55, 80]}})
    x, y = shapely.get_coordinates(shapely.centroid(drawing.unit(changed[0]).geom))[0]
    river = shapely.LineString([(x, y - 0.02), (x + 0.001, y + 0.02)])
    around = Surroundings(geometry_column([river]), frozenset(unit.id for unit in drawing.leaves[0][::2]))
    whole = check_neighbourhood(drawing, changed, around)
    box = shapely.box(*drawing.unit(changed[0]).geom.buffer(0.004).bounds)
    near = {unit.id: unit for unit in drawing.at(geometry_column([box]))}
    above = {unit_id: unit for unit_id, unit in drawing.units.items() if unit.geom is None}
    part = replace(drawing, units={**above, **near}, window=box)
    local = check_neighbourhood(part, changed, around)
    assert {"barrier"} < {each.rule for each in whole}
    assert sorted((each.rule, each.units, round(each.measure or 0, 6)) for each in local) == sorted(
        (each.rule, each.units, round(each.measure or 0, 6)) for each in whole
    )
