"""Impact: every figure before and after, counted by hand on a small town."""

import pytest
from sqlalchemy import Connection

from analysis.redraw.balance import balance_of
from analysis.redraw.impact import Impact, measure_impact
from geo.editions import publish_plan
from geo.networks import Level, create_network
from geo.operations import Merge, RedrawPartition, Rename, Reparent, SplitByLine
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.redraw import do_operation
from tests.analysis.redraw.town import (
    FOUNDED,
    NOW,
    add_case,
    add_doors,
    add_people,
    add_site,
    add_streets,
    found_town,
    ident,
    line,
    new_plan,
)
from tests.geo.sketch import areas, square


def found_five_levels(conn: Connection) -> None:
    """Micro-grids of one step each: `a00` is the one of grid a in its first column and first row; 10 households and one more a column."""
    names = ("city", "street", "community", "grid", "micro")
    levels = tuple(
        Level(name, name, parent=above) for above, name in zip((None, *names), names, strict=False)
    )
    create_network(conn, "net", coverage="full", levels=levels)
    uppers = [UnitDraft("city", "0", "市", None)]
    for street, grids in (("1", "ab"), ("2", "c")):
        uppers += [
            UnitDraft("street", street, "街", None, "0"),
            UnitDraft("community", f"C{street}", "社", None, street),
        ]
        uppers += [UnitDraft("grid", grid, "格", None, f"C{street}") for grid in grids]
    micro = [
        UnitDraft(
            "micro", f"{grid}{x}{y}", "微", square(2 * place + x, y), grid, households=10 + 2 * place + x
        )
        for place, grid in enumerate("abc")
        for x in range(2)
        for y in range(2)
    ]
    add_units_to_plan(conn, "net", [*uppers, *micro])
    publish_plan(conn, "net", by="test", now=FOUNDED)


def told(impact: Impact, *names: str) -> dict[str, tuple[tuple[int | None, ...], ...]]:
    """Figures of each unit before and after; of one that is born or gone on one side alone."""
    return {
        each.code: tuple(
            tuple(getattr(side, name) for name in names)
            for side in (each.before, each.after)
            if side is not None
        )
        for each in impact.units
    }


def moved(impact: Impact) -> dict[str, tuple[int | None, int | None]]:
    return {each.level: (each.households_moved, each.residents_moved) for each in impact.levels}


def test_a_split_is_measured_on_both_sides(conn: Connection) -> None:
    found_town(conn)
    a = ident(conn, "A")
    add_doors(conn, (0.2, 1.0, 60), (1.6, 1.0, 35), (1.9, 0.5, 5), (3.0, 1.0, 100))
    add_streets(conn, line((0, 0.5), (4, 0.5)))
    add_site(conn, 1.8, 1.8)
    add_people(conn, a, 2)
    add_people(conn, a, 1, tracked=False)
    add_case(conn, 1, 0.1, 0.1, days_ago=10, owner=a)
    add_case(conn, 2, 1.9, 0.1, days_ago=89, owner=None)
    add_case(conn, 3, 1.9, 0.2, days_ago=91, owner=a)
    found = new_plan(conn)
    do_operation(conn, found.id, SplitByLine(a, line((1.5, -1), (1.5, 3))), by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    by_code = {each.code: each for each in impact.units}
    street = by_code.pop("1")
    assert street.before is not None
    assert street.after is not None
    assert (street.before.units, street.after.units) == (4, 5)
    assert (street.before.households, street.after.households, street.after.people) == (400, 400, 2)
    assert len(by_code) == 2
    kept, (born,) = by_code.pop("A"), by_code.values()
    assert born.before is None
    assert kept.before is not None
    assert kept.after is not None
    assert born.after is not None
    sides = (kept.before, kept.after, born.after)
    assert [(s.households, s.residents) for s in sides] == [(100, 200), (60, 120), (40, 80)]
    assert [(s.cases, s.open_cases) for s in sides] == [(2, 1), (1, 1), (1, 0)]
    assert [(s.places, s.people, s.parts) for s in sides] == [(1, 2, 1), (0, 2, 1), (1, 0, 1)]
    assert [s.size for s in sides] == ["fits", "fits", "fits"]
    assert kept.after.streets_m == pytest.approx(0.75 * kept.before.streets_m, rel=1e-4)
    assert kept.after.area_m2 + born.after.area_m2 == pytest.approx(kept.before.area_m2, rel=1e-9)
    assert born.after.compactness < kept.before.compactness
    (level,) = impact.levels
    assert (level.level, level.households_moved, level.residents_moved) == ("grid", 40, 80)
    assert impact.people_moved == 3
    even = {each.measure: each for each in level.evenness}["households"]
    assert even.before == balance_of([100, 100, 100, 100])
    assert even.after == balance_of([60, 40, 100, 100, 100])
    assert impact.networks == []


def test_without_doors_households_move_by_area_and_merging_makes_a_unit_too_large(conn: Connection) -> None:
    found_town(conn)
    found = new_plan(conn)
    merge = Merge((ident(conn, "A"), ident(conn, "B")))
    do_operation(conn, found.id, merge, by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    assert {each.after and each.after.size for each in impact.units} == {None, "large"}
    (level,) = impact.levels
    assert (level.households_moved, level.residents_moved) == (100, None)


def test_other_networks_are_told_where_their_border_no_longer_agrees(conn: Connection) -> None:
    found_town(conn)
    create_network(conn, "police", coverage="full", levels=(Level("beat", "警区"),))
    beats = areas("AABB\nAABB\nAABB\nAABB")
    add_units_to_plan(
        conn, "police", [UnitDraft("beat", f"p{code}", code, shape) for code, shape in beats.items()]
    )
    publish_plan(conn, "police", by="test", now=FOUNDED)
    found = new_plan(conn)
    split = SplitByLine(ident(conn, "A"), line((1.5, -1), (1.5, 3)))
    do_operation(conn, found.id, split, by="planner", now=NOW)
    assert measure_impact(conn, found, now=NOW).networks == []
    (born,) = (each.unit_id for each in measure_impact(conn, found, now=NOW).units if each.before is None)
    merge = Merge((ident(conn, "B"), born))
    do_operation(conn, found.id, merge, by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    (told,) = impact.networks
    assert (told.network, told.units) == ("police", ("pA", "pB"))
    assert told.metres == pytest.approx(2 * 111.0, rel=0.01)


def test_a_new_name_has_no_impact(conn: Connection) -> None:
    found_town(conn)
    found = new_plan(conn)
    do_operation(conn, found.id, Rename(ident(conn, "A"), "甲"), by="planner", now=NOW)
    (unit,) = measure_impact(conn, found, now=NOW).units
    assert unit.before == unit.after


def test_micro_grids_under_another_grid_are_told_of_every_level_that_they_leave(conn: Connection) -> None:
    """Streets 1 and 2, a community each, grids a and b below 1, c below 2; a micro-grid of a goes to b, then all of b to 2."""
    found_five_levels(conn)
    add_doors(conn, *((x + 0.5, y + 0.5, 10 + x) for x in range(6) for y in range(2)))
    add_people(conn, ident(conn, "a"), 1)
    add_people(conn, ident(conn, "b01"), 2)
    found = new_plan(conn)
    do_operation(conn, found.id, Reparent((ident(conn, "a10"),), ident(conn, "b")), by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    assert [(each.level, each.code) for each in impact.units] == [
        ("grid", "a"),
        ("grid", "b"),
        ("micro", "a10"),
    ]
    assert told(impact, "households", "people", "units") == {
        "a": ((42, 1, 4), (31, 1, 3)),
        "b": ((50, 2, 4), (61, 2, 5)),
        "a10": ((11, 0, 0), (11, 0, 0)),
    }
    assert moved(impact) == {"grid": (11, 22), "micro": (0, 0)}
    grids = impact.levels[0]
    even = {each.measure: each for each in grids.evenness}["households"]
    assert (even.before, even.after) == (balance_of([42, 50]), balance_of([31, 61]))
    assert [(each.code, each.before and each.before.households) for each in grids.siblings] == [
        ("a", 42),
        ("b", 50),
    ]
    do_operation(conn, found.id, Reparent((ident(conn, "b"),), ident(conn, "C2")), by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    assert [each.code for each in impact.units] == ["1", "2", "C1", "C2", "a", "b", "a10"]
    assert told(impact, "households", "residents", "units", "parts") == {
        "1": ((92, 184, 1, 1), (31, 62, 1, 1)),
        "2": ((58, 116, 1, 1), (119, 238, 1, 1)),
        "C1": ((92, 184, 2, 1), (31, 62, 1, 1)),
        "C2": ((58, 116, 1, 1), (119, 238, 2, 1)),
        "a": ((42, 84, 4, 1), (31, 62, 3, 1)),
        "b": ((50, 100, 4, 1), (61, 122, 5, 1)),
        "a10": ((11, 22, 0, 1), (11, 22, 0, 1)),
    }
    assert moved(impact) == {"street": (61, 122), "community": (61, 122), "grid": (11, 22), "micro": (0, 0)}
    areas_m2 = {each.code: each.after.area_m2 for each in impact.units if each.after}
    assert areas_m2["2"] == pytest.approx(9 / 5 * areas_m2["b"], rel=1e-4)


def test_units_that_a_plan_bears_and_ends_again_are_in_no_figure(conn: Connection) -> None:
    found_five_levels(conn)
    found = new_plan(conn)
    for name in ("一", "二"):
        do_operation(conn, found.id, Reparent((ident(conn, "a00"),), name=name), by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    assert {each.name for each in impact.units if each.before is None} == {"二"}
    assert told(impact, "households")["a"] == ((42,), (32,))


def test_micro_grids_grouped_into_new_grids_are_told_at_the_level_of_the_grids(conn: Connection) -> None:
    """The columns of a and b, 20, 22, 24 and 26 households, into 1 + 2 + 1: a has the middle, b the last, one is born."""
    found_five_levels(conn)
    found = new_plan(conn)
    parts = (square(0, 0, 1, 2), square(1, 0, 2, 2), square(3, 0, 1, 2))
    do_operation(conn, found.id, RedrawPartition(ident(conn, "C1"), areas=parts), by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    figures = told(impact, "households", "units")
    (born,) = {each.code for each in impact.units if each.before is None}
    assert [figures[code] for code in ("C1", "a", "b", born)] == [
        ((92, 2), (92, 3)),
        ((42, 4), (46, 4)),
        ((50, 4), (26, 2)),
        ((20, 2),),
    ]
    assert moved(impact) == {"grid": (44, None), "micro": (0, None)}
    even = {each.measure: each for each in impact.levels[0].evenness}["households"]
    assert (even.before, even.after) == (balance_of([42, 50]), balance_of([46, 26, 20]))


def test_the_gini_of_known_divisions() -> None:
    even, uneven = balance_of([5, 5, 5, 5]), balance_of([0, 0, 0, 8])
    assert even is not None
    assert uneven is not None
    assert (even.max_deviation, even.gini) == (0.0, 0.0)
    assert (uneven.max_deviation, uneven.gini) == (3.0, 0.75)
    assert balance_of([]) is None
    assert balance_of([0, 0]) is None
