"""What a finding offers mends it: gaps are filled, overlaps given to one, vertices matched, codes given, by one click each."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import pytest
import shapely
from sqlalchemy import Connection

from geo.editions import FindingsRefused, publish_plan
from geo.findings import ERROR, Finding
from geo.networks import Level, Network, change_network, create_network
from geo.operations import Drawing, Impossible, Recode, Transfer, Unit, apply
from geo.operations.findings import drafts_of
from geo.plans import UnitDraft, add_units_to_plan, as_multipolygons, geometry_column
from geo.plans.codec import read_operation
from geo.plans.redraw import do_operation, list_operations, open_redraw
from geo.plans.steps import check_redraw, take_step
from geo.validation import check_units
from tests.geo.sketch import STEP_DEG, areas, square
from tests.geo.test_gap_shapes import PLACES, ground
from tests.geo.test_operations import CITY, KEY, LEVELS, drawn, identity

STREET = UUID(int=11)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def spoilt(kind: Literal["gap", "overlap"], place: str, width_m: float, *, natural: bool) -> Drawing:
    """The 3 × 2 cells of the gap tests as a plan's drawing, below an official street or below one that follows."""
    levels = tuple(
        replace(each, origin="natural") if natural and each.code == "street" else each for each in LEVELS
    )
    outline, *cells = ground(kind, place, width_m, gridded=True)
    units = {CITY: Unit(CITY, "city", "31", "市", None, None)}
    units[STREET] = Unit(STREET, "street", "3101", "街道", CITY, None)
    for each in cells:
        shape = as_multipolygons(shapely.normalize(geometry_column([each.geom])))[0]
        unit_id = UUID(int=100 + int(each.code))
        code = f"3101{each.code}"
        units[unit_id] = Unit(unit_id, "grid", code, code, STREET, shape, households=100)
    given = frozenset((unit.level, unit.code) for unit in units.values())
    outlines = {STREET: outline.geom} if natural else {}
    return Drawing(Network(1, "net", "net", "full", levels), units, outlines=outlines, given=given)


def findings(drawing: Drawing) -> list[Finding]:
    return check_units(drawing.network, drafts_of(drawing)).findings


def click_through(drawing: Drawing) -> tuple[Drawing, list[str]]:
    """Every offer taken, the first one first, until nothing is offered; and which operations those were."""
    taken: list[str] = []
    while offers := [each.mend for each in findings(drawing) if each.mend is not None]:
        assert len(taken) < 12, taken
        drawing = apply(drawing, read_operation(*offers[0]), KEY).drawing
        taken.append(offers[0][0])
    return drawing, taken


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["gap", "overlap"])
@pytest.mark.parametrize("natural", [True, False])
def test_gaps_and_overlaps_of_every_shape_are_mended_by_clicks(
    kind: Literal["gap", "overlap"], place: str, natural: bool
) -> None:
    for width_m in (0.1, 1.0, 20.0):
        drawing = spoilt(kind, place, width_m, natural=natural)
        mended, taken = click_through(drawing)
        assert findings(mended) == []
        whole = shapely.union_all(geometry_column(unit.geom for unit in mended.leaves[0]))
        if natural:
            missing = shapely.symmetric_difference(whole, square(0, 0, 3, 2))
            assert shapely.is_empty(shapely.buffer(missing, -1e-7))
            assert set(taken) <= {"transfer", "match_borders"}
            assert taken


def test_a_gap_goes_to_the_neighbour_with_the_longest_common_border_and_takes_no_households_along() -> None:
    drawing = drawn("AAAB\nA..B\nCCCC")
    (gap,) = (each for each in findings(drawing) if each.rule == "gap")
    assert gap.mend is not None
    assert gap.mend[0] == "transfer"
    applied = apply(drawing, read_operation(*gap.mend), KEY)
    unit = applied.drawing.unit(identity("A"))
    assert unit.geom.equals(shapely.union(drawing.unit(identity("A")).geom, square(1, 1, 2, 1)))
    assert unit.households == 100
    assert findings(applied.drawing) == []
    back = apply(applied.drawing, applied.inverse, KEY).drawing
    assert back.units == drawing.units


def test_only_free_ground_beside_the_unit_is_taken_without_a_giver() -> None:
    drawing = drawn("AAB\nAAB")
    with pytest.raises(Impossible, match="no ground there is free"):
        apply(drawing, Transfer(None, identity("A"), square(0.2, 0.2, 2, 1)), KEY)
    with pytest.raises(Impossible, match="borders on the unit"):
        apply(drawing, Transfer(None, identity("A"), square(5, 0)), KEY)


def test_a_vertex_that_a_neighbour_lacks_is_put_into_its_border() -> None:
    drawing = drawn("AAB\nAAB")
    a, b = drawing.unit(identity("A")), drawing.unit(identity("B"))
    spare = shapely.get_coordinates(a.geom)[:, 0].max(), 39.01 - STEP_DEG / 3
    edge = shapely.segmentize(b.geom, STEP_DEG / 3 * 1.001)
    odd = as_multipolygons(
        shapely.normalize(geometry_column([shapely.transform(edge, lambda xy: xy.round(7))]))
    )
    assert any(abs(xy - spare[0]) < 1e-9 for xy in shapely.get_coordinates(odd[0])[:, 0])
    ragged = drawing.redrawn({b.id: replace(b, geom=odd[0])})
    assert {each.rule for each in findings(ragged)} == {"unmatched_edge"}
    mended, taken = click_through(ragged)
    assert (findings(mended), taken[0]) == ([], "match_borders")
    assert mended.unit(b.id).geom == odd[0]


def test_a_code_twice_gives_way_to_the_next_one_of_the_scheme() -> None:
    drawing = drawn("ABC")
    b, c = drawing.unit(identity("B")), drawing.unit(identity("C"))
    twice = drawing.redrawn({c.id: replace(c, code=b.code)})
    (found,) = (each for each in findings(twice) if each.rule == "duplicate_code")
    assert found.mend == ("recode", {"unit": str(c.id)})
    mended, _ = click_through(twice)
    assert mended.unit(c.id).code == "310104"
    assert apply(drawing, Recode(c.id), KEY).changes[c.id].code == "310104"


def test_a_network_with_gaps_and_overlaps_becomes_full_by_clicks_in_a_plan(conn: Connection) -> None:
    cells = areas("AAAB\nA..B\nCCCD")
    cells["D"] = shapely.union(cells["D"], shapely.intersection(cells["B"], square(3, 1.5, 0.25, 0.5)))
    create_network(
        conn, "net", coverage="partial", levels=(Level("city", "市"), Level("grid", "网格", parent="city"))
    )
    grids = [UnitDraft("grid", letter, letter, shape, "0") for letter, shape in cells.items()]
    add_units_to_plan(conn, "net", [UnitDraft("city", "0", "市", None), *grids])
    publish_plan(conn, "net", by="test", now=NOW)
    change_network(conn, "net", coverage="full")
    plan = open_redraw(conn, "net", name="补", by="planner")
    with pytest.raises(FindingsRefused) as refused:
        take_step(conn, plan.id, "check", by="planner", now=NOW)
    assert {each.rule for each in refused.value.findings} >= {"gap", "overlap"}
    while offers := [each.mend for each in check_redraw(conn, plan).findings if each.severity == ERROR]:
        assert offers[0] is not None
        do_operation(conn, plan.id, read_operation(*offers[0]), by="planner", now=NOW)
    assert {each.op for each in list_operations(conn, plan.id)} <= {"transfer", "match_borders"}
    assert take_step(conn, plan.id, "check", by="planner", now=NOW).state == "checked"
