"""Impact: every figure before and after, counted by hand on a small town."""

import pytest
from sqlalchemy import Connection

from analysis.redraw.balance import balance_of
from analysis.redraw.impact import measure_impact
from geo.editions import publish_plan
from geo.networks import Level, create_network
from geo.operations import Merge, Rename, SplitByLine
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
from tests.geo.sketch import areas


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
    assert (impact.households_moved, impact.residents_moved, impact.people_moved) == (40, 80, 3)
    even = {each.measure: each for each in impact.evenness}["households"]
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
    assert (impact.households_moved, impact.residents_moved) == (100, None)


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


def test_the_gini_of_known_divisions() -> None:
    even, uneven = balance_of([5, 5, 5, 5]), balance_of([0, 0, 0, 8])
    assert even is not None
    assert uneven is not None
    assert (even.max_deviation, even.gini) == (0.0, 0.0)
    assert (uneven.max_deviation, uneven.gini) == (3.0, 0.75)
    assert balance_of([]) is None
    assert balance_of([0, 0]) is None
