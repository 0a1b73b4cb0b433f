"""Each operation does what its name says, keeps who is who, and says where it cannot."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
import shapely

from core.errors import Invalid
from geo.networks import Level, Network
from geo.operations import (
    Applied,
    CreateDedicated,
    Dissolve,
    Doors,
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
from geo.operations.returned import Incoming, Newcomer
from geo.plans import as_multipolygons, geometry_column
from tests.geo.sketch import NORTH, STEP_DEG, WEST, areas, noded, square

KEY = UUID(int=9)
CITY, ROOT = UUID(int=1), UUID(int=2)
LEVELS = (
    Level("city", "市"),
    Level("street", "街道", parent="city"),
    Level("grid", "网格", parent="street"),
    Level("special", "专属网格", parent="street"),
)


def identity(letter: str) -> UUID:
    return UUID(int=1000 + ord(letter))


def drawn(sketch: str, *, natural: str | None = None, parents: str = "", households: int = 100) -> Drawing:
    """Grids drawn as letters in streets: `parents` says for each letter the number of its street (default 1)."""
    levels = tuple(replace(level, origin="natural") if level.code == natural else level for level in LEVELS)
    above = dict(zip(areas(sketch), parents or "1" * 99, strict=False))
    units = {CITY: Unit(CITY, "city", "31", "市", None, None)}
    for number in sorted(set(above.values())):
        street = UUID(int=10 + int(number))
        units[street] = Unit(street, "street", f"310{number}", f"{number}街道", CITY, None)
    for place, (letter, area) in enumerate(areas(sketch).items()):
        shape = as_multipolygons(shapely.normalize(geometry_column([area])))[0]
        street = UUID(int=10 + int(above[letter]))
        code = f"{units[street].code}{place + 1:02d}"
        units[identity(letter)] = Unit(
            identity(letter), "grid", code, letter, street, shape, households=households
        )
    network = Network(1, "net", "net", "full", levels)
    drawing = Drawing(network, units, given=frozenset((unit.level, unit.code) for unit in units.values()))
    locked: dict[UUID, list[shapely.Geometry]] = {}
    for unit in drawing.leaves[0]:
        lock = drawing.lock_of(unit)
        if lock is not None:
            locked.setdefault(lock, []).append(unit.geom)
    outlines = {lock: shapely.union_all(shapes) for lock, shapes in locked.items()}
    return replace(drawing, outlines=outlines)


def at(right: float, down: float) -> tuple[float, float]:
    return WEST + right * STEP_DEG, NORTH - down * STEP_DEG


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([at(*place) for place in places])


def do(drawing: Drawing, operation: Operation) -> Applied:
    """Applied, with a cover that is exact and an inverse that leads back."""
    applied = apply(drawing, operation, KEY)
    shapes = applied.drawing.leaves[1]
    assert shapely.coverage_is_valid(shapes)
    assert shapely.coverage_union_all(shapes).equals(shapely.coverage_union_all(drawing.leaves[1]))
    back = apply(applied.drawing, applied.inverse, KEY)
    assert dict(back.drawing.units) == dict(drawing.units)
    return applied


def border(applied: Applied | Drawing, letter: str) -> shapely.Geometry:
    drawing = applied.drawing if isinstance(applied, Applied) else applied
    return drawing.unit(identity(letter)).geom


def born(applied: Applied) -> list[Unit]:
    return [unit for unit_id, unit in applied.changes.items() if unit and unit_id in applied.inverse.gone]


def test_the_half_of_the_households_keeps_the_unit_and_the_rest_is_born_with_the_next_code() -> None:
    applied = do(drawn("AAB\nAAB"), SplitByLine(identity("A"), line((0.7, -1), (0.7, 3))))
    kept = applied.drawing.unit(identity("A"))
    (new,) = born(applied)
    assert (kept.households, new.households, new.code, new.parent) == (65, 35, "310103", kept.parent)
    assert kept.geom.bounds[0] > new.geom.bounds[0]
    assert applied.before[identity("A")].area_m2 == pytest.approx(
        sum(measures.area_m2 for unit_id, measures in applied.after.items() if unit_id in (kept.id, new.id))
    )


def test_households_are_where_the_doors_are_and_where_most_live_the_unit_goes_on() -> None:
    doors = Doors(np.array([at(0.1, 0.5), at(0.2, 0.5), at(1.9, 0.5)]), np.array([2.0, 1.0, 1.0]))
    drawing = replace(drawn("AA"), doors=doors)
    applied = do(drawing, SplitByLine(identity("A"), line((0.5, -1), (0.5, 2))))
    assert applied.drawing.unit(identity("A")).households == 75
    assert [unit.households for unit in born(applied)] == [25]


def test_policy_may_say_that_every_part_is_new() -> None:
    applied = do(drawn("AA"), SplitByLine(identity("A"), line((0.5, -1), (0.5, 2)), identity="new"))
    assert applied.changes[identity("A")] is None
    assert [unit.code for unit in sorted(born(applied), key=lambda unit: unit.geom.bounds[0])] == [
        "310102",
        "310103",
    ]


def test_a_neighbour_gets_the_node_where_the_line_ends_on_its_border() -> None:
    applied = do(drawn("AAB\nCCC"), SplitByLine(identity("A"), line((0.7, -1), (0.7, 3))))
    assert (
        len(shapely.get_coordinates(border(applied, "C")))
        == len(shapely.get_coordinates(border(drawn("AAB\nCCC"), "C"))) + 1
    )
    assert identity("B") not in applied.changes


def test_a_line_that_ends_inside_is_refused_with_the_place() -> None:
    with pytest.raises(Impossible, match=r"from border to border \(at 116\.0007") as refused:
        do(drawn("AA"), SplitByLine(identity("A"), line((0.7, -1), (0.7, 0.5))))
    assert refused.value.where is not None


def test_an_official_area_is_locked_and_a_derived_border_is_edited_below() -> None:
    drawing = drawn("AB", natural="grid")
    with pytest.raises(Impossible, match=r"grid 310101 is an official area and locked \(at"):
        do(drawing, SplitByLine(identity("A"), line((0.5, -1), (0.5, 2))))
    with pytest.raises(Impossible, match="follows from its grid units"):
        do(drawn("AB"), SplitByLine(UUID(int=11), line((0.5, -1), (0.5, 2))))


def test_ground_does_not_go_from_one_official_street_to_another() -> None:
    drawing = drawn("AB", natural="street", parents="12")
    with pytest.raises(Impossible, match=r"official outline of street 310. is locked"):
        do(drawing, Transfer(identity("A"), identity("B"), shapely.Point(at(1, 0.5)).buffer(0.0003)))
    inside = do(
        drawn("AAB", natural="street"),
        Transfer(identity("A"), identity("B"), shapely.Point(at(2, 0.5)).buffer(0.0003)),
    )
    assert inside.changes.keys() == {identity("A"), identity("B")}


def test_parts_are_even_by_doors_by_area_and_by_cases() -> None:
    random = np.random.default_rng(3)
    sketch = "AAAA\nAA..\nAAAA"
    for seed in range(20):
        places = np.array([at(*place) for place in np.random.default_rng(seed).uniform(0, 3, (900, 2))])
        drawing = replace(
            drawn(sketch, households=900), doors=Doors(places, random.integers(1, 5, 900) * 1.0)
        )
        applied = apply(drawing, SplitEven(identity("A"), 6), KEY)
        numbers = [unit.households or 0 for unit in applied.changes.values() if unit]
        assert len(numbers) == 6
        assert max(abs(number - 150) for number in numbers) <= 0.05 * 150
    by_area = do(drawn("AAAA\nAAAA\nAAAA"), SplitEven(identity("A"), 5, by="area"))
    sizes = [measures.area_m2 for measures in by_area.after.values()]
    assert max(sizes) / min(sizes) == pytest.approx(1, abs=1e-3)
    cases = tuple((*at(x, 0.5), 1.0) for x in (0.1, 0.2, 0.3, 3.9))
    by_cases = do(drawn("AAAA"), SplitEven(identity("A"), 2, by="cases", points=cases))
    assert min(measures.area_m2 for measures in by_cases.after.values()) < 0.1 * sum(
        measures.area_m2 for measures in by_cases.after.values()
    )


def test_the_largest_goes_on_in_a_merge_or_a_new_one_is_born() -> None:
    drawing = drawn("ABB\nABC")
    units = (identity("A"), identity("B"))
    larger = drawing.redrawn({identity("B"): replace(drawing.unit(identity("B")), households=101)})
    applied = do(larger, Merge(units))
    assert applied.changes[identity("A")] is None
    assert applied.drawing.unit(identity("B")).households == 201
    wanted = do(larger, Merge(units, keeper=identity("A")))
    assert (wanted.changes[identity("B")], wanted.drawing.unit(identity("A")).households) == (None, 201)
    with pytest.raises(Invalid, match="one of those that are merged"):
        do(drawing, Merge(units, keeper=identity("C")))
    fresh = do(drawing, Merge(units, identity="new", name="合"))
    assert [(unit.code, unit.name, unit.households) for unit in born(fresh)] == [("310104", "合", 200)]
    with pytest.raises(Impossible, match="grid 310102 shares no border"):
        do(drawn("A.B"), Merge(units))


def test_merged_streets_keep_their_grids() -> None:
    other = do(drawn("AB\nCD", parents="1212"), Merge((UUID(int=11), UUID(int=12)), keeper=UUID(int=12)))
    assert {unit.parent for unit in other.drawing.leaves[0]} == {UUID(int=12)}
    applied = do(drawn("AB\nCD", parents="1212"), Merge((UUID(int=11), UUID(int=12))))
    assert applied.changes[UUID(int=12)] is None
    assert {unit.parent for unit in applied.drawing.leaves[0]} == {UUID(int=11)}


def test_what_lies_between_the_old_border_and_the_line_changes_hands() -> None:
    drawing = drawn("AABB\nAABB")
    applied = do(drawing, ShiftBorder(identity("A"), identity("B"), line((2.6, -0.5), (2.4, 1), (2.7, 2.5))))
    assert border(applied, "A").bounds[2] == pytest.approx(at(2.6, 0)[0], abs=1e-7)
    assert len(shapely.get_parts(border(applied, "A"))) == len(shapely.get_parts(border(applied, "B"))) == 1
    bulge = do(drawing, ShiftBorder(identity("A"), identity("B"), line((2, 0.5), (2.5, 1), (2, 1.5))))
    assert border(bulge, "A").contains(border(drawing, "A"))
    far = do(drawing, ShiftBorder(identity("A"), identity("B"), line((3.7, -1), (3.7, 3))))
    assert border(far, "B").area < border(drawing, "B").area / 4
    with pytest.raises(Impossible, match="does not divide"):
        do(drawing, ShiftBorder(identity("A"), identity("B"), line((2.5, 0.5), (2.5, 1))))


def test_an_area_goes_from_one_to_the_other_and_nothing_else_does() -> None:
    drawing = drawn("AAB\nAAC")
    area = shapely.Point(at(2, 1)).buffer(0.0005)
    applied = do(drawing, Transfer(identity("A"), identity("B"), area))
    assert border(applied, "C").equals(border(drawing, "C"))
    assert shapely.difference(border(drawing, "A"), border(applied, "A")).area == pytest.approx(
        area.area / 2, rel=0.01
    )
    with pytest.raises(Impossible, match="nothing left"):
        do(drawing, Transfer(identity("A"), identity("B"), square(-1, -1, 9, 9)))


def test_a_vertex_moves_in_all_units_that_share_it_and_never_across_a_border() -> None:
    drawing = drawn("AB\nCD")
    corner, to = shapely.Point(at(1, 1)), shapely.Point(at(1.3, 1.2))
    applied = do(drawing, ReshapeVertex(corner, to, (identity("A"),)))
    assert applied.changes.keys() == {identity(letter) for letter in "ABCD"}
    new = do(drawing, ReshapeVertex(shapely.Point(at(1, 0.5)), shapely.Point(at(1.2, 0.5)), (identity("A"),)))
    assert new.changes.keys() == {identity("A"), identity("B")}
    with pytest.raises(Impossible, match="cross"):
        do(drawing, ReshapeVertex(corner, shapely.Point(at(2.5, 1)), (identity("A"),)))
    with pytest.raises(Impossible, match="official outline"):
        do(drawn("AB\nCD", natural="city"), ReshapeVertex(shapely.Point(at(1, 0)), to, (identity("A"),)))


def test_a_parent_is_divided_anew_by_lines_or_by_areas() -> None:
    drawing = drawn("AAAB\nCCCD")
    applied = do(
        drawing, RedrawPartition(UUID(int=11), lines=(line((1, -1), (1, 3)), line((2.5, -1), (2.5, 3))))
    )
    assert sorted(round(m.area_m2 / 19236, 1) for u, m in applied.after.items() if applied.changes[u]) == [
        1.0,
        1.5,
        1.5,
    ]
    some = do(drawing, RedrawPartition(UUID(int=11), areas=(square(0.5, 0.5, 1, 1),), names=("中",)))
    assert [unit.name for unit in born(some)] == ["中"]
    assert sum(unit.households or 0 for unit in some.drawing.leaves[0]) == 400


def test_a_unit_is_divided_at_the_level_below_and_follows_from_then_on() -> None:
    bare = drawn("AB")
    street = replace(bare.unit(UUID(int=11)), geom=noded([square(0, 0), square(1, 0)]))
    alone = Drawing(bare.network, {CITY: bare.unit(CITY), street.id: street})
    with pytest.raises(Invalid, match="name the level of the parts: grid or special"):
        apply(alone, RedrawPartition(street.id, lines=(line((0.5, -1), (0.5, 2)),)), KEY)
    applied = apply(alone, RedrawPartition(street.id, lines=(line((0.5, -1), (0.5, 2)),), level="grid"), KEY)
    assert applied.drawing.unit(street.id).geom is None
    assert [unit.level for unit in applied.drawing.children(street.id)] == ["grid", "grid"]


def test_a_parent_that_loses_its_last_unit_is_no_more_and_a_new_one_is_born_above_units() -> None:
    drawing = drawn("AB\nCD", parents="1222")
    applied = do(drawing, Reparent((identity("A"),), UUID(int=12)))
    assert applied.changes[UUID(int=11)] is None
    fresh = do(drawing, Reparent((identity("B"), identity("C")), name="新街道"))
    assert [(unit.level, unit.code, unit.name) for unit in born(fresh)] == [("street", "3103", "新街道")]
    with pytest.raises(Invalid, match="belongs below a street"):
        do(drawing, Reparent((identity("A"),), CITY))


def test_names_and_codes_change_and_the_unit_stays_but_no_code_is_given_twice() -> None:
    drawing = drawn("AB")
    assert do(drawing, Rename(identity("A"), "新名")).drawing.unit(identity("A")).name == "新名"
    recoded = do(drawing, Recode(identity("A"), "9")).drawing
    with pytest.raises(Impossible, match="never given twice"):
        do(recoded, Recode(identity("B"), "310101"))
    with pytest.raises(Impossible, match="nothing would change"):
        do(drawing, Rename(identity("A"), "A"))


def test_a_dedicated_unit_lies_over_the_others_and_goes_without_a_trace() -> None:
    drawing = drawn("AB")
    school = CreateDedicated(UUID(int=11), "special", square(0.5, 0.2, 1, 0.5), "小学")
    applied = do(drawing, school)
    (unit,) = born(applied)
    assert (unit.kind, unit.code) == ("dedicated", "310101")
    gone = apply(applied.drawing, Dissolve(unit.id), KEY)
    assert dict(gone.drawing.units) == dict(drawing.units)


def test_the_ground_of_a_dissolved_unit_goes_along_its_longest_border_under_the_same_parent() -> None:
    applied = do(drawn("AAB\nCCC", parents="112"), Dissolve(identity("A")))
    assert applied.drawing.unit(identity("B")).households == 200
    with pytest.raises(Impossible, match="no neighbour under the same parent"):
        do(drawn("AB", parents="12"), Dissolve(identity("A")))


def test_what_a_file_takes_from_a_unit_goes_to_those_that_it_gives_it_to_and_to_nobody_else() -> None:
    drawing = drawn("AABBC\nAABBC")
    wider, narrower = noded([square(0, 0, 3, 2)]), noded([square(3, 0, 1, 2)])
    incoming = (Incoming(identity("A"), wider, name="甲"), Incoming(identity("B"), narrower))
    applied = do(drawing, ReplaceFromFile(incoming))
    assert border(applied, "A").equals(wider)
    assert applied.drawing.unit(identity("A")).name == "甲"
    lost = (Incoming(identity("B"), narrower),)
    with pytest.raises(Impossible, match="gives to nobody"):
        do(drawing, ReplaceFromFile(lost))
    assert border(do(drawing, ReplaceFromFile(lost, incoming[:1])), "A").equals(wider)
    ended = do(
        drawing,
        ReplaceFromFile(heirs=(Incoming(identity("A"), noded([square(0, 0, 4, 2)])),), gone=(identity("B"),)),
    )
    assert (ended.changes[identity("B")], border(ended, "A").area) == (
        None,
        pytest.approx(2 * wider.area * 2 / 3),
    )
    assert ended.drawing.unit(identity("A")).households == 200
    with pytest.raises(Impossible, match="over ground that no unit holds"):
        do(drawing, ReplaceFromFile((Incoming(identity("A"), noded([square(-1, 0, 3, 2)])),)))


def test_a_unit_of_a_file_is_born_with_a_code_that_was_never_given_out_of_the_ground_of_others() -> None:
    drawing = drawn("AB")
    middle = noded([square(0.5, 0, 1, 1)])
    newcomer = Newcomer("grid", UUID(int=11), middle, "中")
    applied = do(drawing, ReplaceFromFile(born=(newcomer,)))
    (unit,) = born(applied)
    assert (unit.code, unit.name, unit.households, unit.geom.equals(middle)) == ("310103", "中", 100, True)
    whole = do(drawing, ReplaceFromFile(born=(replace(newcomer, geom=noded([square(0, 0, 1, 1)])),)))
    assert whole.changes[identity("A")] is None
    for given, trouble in (({"code": "310102"}, "never given twice"), ({"name": "x" * 201}, "printable")):
        with pytest.raises((Impossible, Invalid), match=trouble):
            do(drawing, ReplaceFromFile(born=(replace(newcomer, **given),)))
    with pytest.raises(Impossible, match="never given twice"):
        do(drawing, ReplaceFromFile((Incoming(identity("A"), code="310102"),)))


def test_the_border_of_a_dedicated_unit_takes_no_ground_from_those_it_lies_over() -> None:
    drawing = do(
        drawn("AB"), CreateDedicated(UUID(int=11), "special", square(0.5, 0.2, 1, 0.5), "小学")
    ).drawing
    (school,) = (unit for unit in drawing.units.values() if unit.kind == "dedicated")
    wider = noded([square(0.2, 0.2, 1.5, 0.6)])
    applied = do(drawing, ReplaceFromFile((Incoming(school.id, wider),)))
    assert (set(applied.changes), applied.drawing.unit(school.id).geom.equals(wider)) == ({school.id}, True)
