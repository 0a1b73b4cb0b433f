"""Suggestions for stored ground: blocks between streets, given ones, lowest units; and each is adopted as one operation."""

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from analysis.redraw.blocks import read_blocks
from analysis.redraw.cases import with_cases
from analysis.redraw.impact import measure_impact
from analysis.redraw.suggest import Wanted, suggest
from core.errors import Invalid
from geo.editions import publish_plan
from geo.networks import Level, create_network
from geo.operations import SplitEven, Transfer
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.codec import read_operation
from geo.plans.redraw import do_operation
from geo.plans.steps import check_redraw
from tests.analysis.redraw.town import (
    FOUNDED,
    NOW,
    add_case,
    add_doors,
    add_streets,
    found_town,
    ident,
    line,
    new_plan,
    publish,
    standing,
)
from tests.geo.sketch import square


def add_street_grid(conn: Connection) -> None:
    """Streets every third of a step, some a little askew and some with a dead end; a narrow double carriageway."""
    down = [line((x / 3, -0.2), (x / 3 + 0.05, 4.2)) for x in range(1, 12)]
    across = [line((-0.2, y / 3 + 0.03), (4.2, y / 3)) for y in range(1, 12)]
    add_streets(conn, *down, *across, line((0.1, 0.1), (0.2, 0.2)), line((-0.2, 1.02), (4.2, 1.015)))


def add_even_doors(conn: Connection) -> None:
    random = np.random.default_rng(4)
    add_doors(conn, *((x, y, int(random.integers(1, 9))) for x, y in random.uniform(0.01, 3.99, (400, 2))))


def adopt(
    conn: Connection, by: str = "households", count: int = 6, **options: object
) -> tuple[object, object]:
    found = new_plan(conn)
    wanted = Wanted(ident(conn, "1"), count, by, time_limit_s=30.0, **options)  # type: ignore[arg-type]
    suggested = suggest(conn, found, wanted, now=NOW)
    chosen = suggested.alternatives[0]
    done = do_operation(conn, found.id, read_operation(*chosen.operation), by="planner", now=NOW)
    assert [each for each in done.judge() if each.severity == "error"] == []
    return suggested, found


def test_street_blocks_are_adopted_as_one_operation_and_published(conn: Connection) -> None:
    found_town(conn)
    add_street_grid(conn)
    add_even_doors(conn)
    suggested, found = adopt(conn)
    assert suggested.blocks.source == "streets"
    assert 140 <= len(suggested.blocks.shapes) <= 200
    assert shapely.coverage_is_valid(suggested.blocks.shapes)
    assert suggested.unmet == []
    chosen = suggested.alternatives[0]
    errors = [each for each in check_redraw(conn, found).findings if each.severity == "error"]
    assert errors == []
    before = standing(conn)
    publish(conn, found)
    grids = [each for each in standing(conn).values() if each.level == "grid"]
    assert len(grids) == 6
    kept = {part.unit for part in chosen.parts} - {None}
    assert kept >= {each.unit_id for each in grids} & {each.unit_id for each in before.values()}
    assert max(each.households or 0 for each in grids) <= 1.2 * 400 / 6
    assert sum(each.households or 0 for each in grids) == 400


def test_given_blocks_are_taken_as_they_are(conn: Connection) -> None:
    found_town(conn)
    blocks = tuple(square(x, y) for x in range(4) for y in range(4))
    suggested, found = adopt(conn, by="area", count=4, blocks=blocks, alternatives=1)
    assert (suggested.blocks.source, len(suggested.blocks.shapes)) == ("given", 16)
    assert suggested.alternatives[0].balance.max_deviation < 0.01
    publish(conn, found)
    assert len([each for each in standing(conn).values() if each.level == "grid"]) == 4


def test_where_no_street_is_known_the_lowest_units_are_grouped(conn: Connection) -> None:
    levels = (
        Level("street", "街道"),
        Level("grid", "网格", parent="street"),
        Level("micro", "微格", parent="grid"),
    )
    create_network(conn, "net", coverage="full", levels=levels)
    micro = [
        UnitDraft("micro", f"g{x // 4}{x}{y}", "微", square(x, y), f"g{x // 4}", households=10 + x)
        for x in range(8)
        for y in range(4)
    ]
    grids = [UnitDraft("grid", f"g{n}", "格", None, "1") for n in range(2)]
    add_units_to_plan(conn, "net", [UnitDraft("street", "1", "街", None), *grids, *micro])
    publish_plan(conn, "net", by="test", now=FOUNDED)
    before = standing(conn)
    suggested, found = adopt(conn, count=4, alternatives=3)
    assert suggested.blocks.source == "units"
    assert [each.is_whole for each in suggested.alternatives[0].parts] == [True] * 4
    publish(conn, found)
    after = standing(conn)
    counts = [
        sum(e.parent_unit_id == g.unit_id for e in after.values())
        for g in after.values()
        if g.level == "grid"
    ]
    assert sorted(counts) == sorted(np.bincount(suggested.alternatives[0].part_of).tolist())
    assert {c: e.geom_sha for c, e in before.items() if e.level == "micro"} == {
        c: e.geom_sha for c, e in after.items() if e.level == "micro"
    }
    assert after["g0"].unit_id == before["g0"].unit_id or after["g1"].unit_id == before["g1"].unit_id


def test_a_block_is_painted_from_one_unit_to_another(conn: Connection) -> None:
    found_town(conn)
    add_street_grid(conn)
    found = new_plan(conn)
    blocks = read_blocks(conn, found, ident(conn, "1"), now=NOW)
    a, b = (next(n for n, unit in enumerate(blocks.units) if unit.code == code) for code in "AB")
    beside = [
        block
        for block in np.flatnonzero(blocks.holder == a)
        if shapely.length(shapely.intersection(blocks.shapes[block], blocks.units[b].geom)) > 0
    ]
    paint = Transfer(blocks.units[a].id, blocks.units[b].id, blocks.shapes[beside[0]])
    do_operation(conn, found.id, paint, by="planner", now=NOW)
    painted = read_blocks(conn, found, ident(conn, "1"), now=NOW)
    assert np.bincount(painted.holder).tolist()[a] == np.bincount(blocks.holder).tolist()[a] - 1
    assert painted.area_m2.sum() == pytest.approx(blocks.area_m2.sum(), rel=1e-9)


def test_an_even_split_by_cases_counts_them_itself_and_tells_no_single_place(conn: Connection) -> None:
    found_town(conn)
    found, a = new_plan(conn), ident(conn, "A")
    evenly = SplitEven(a, 2, by="cases")
    for wanted in (evenly, SplitEven(a, 2), SplitEven(a, 2, by="cases", points=((1.0, 2.0, 1.0),))):
        if wanted is not evenly:
            assert with_cases(conn, found, wanted, NOW) is wanted
            continue
        with pytest.raises(Invalid, match="no case of the last 90 days lies in grid A"):
            with_cases(conn, found, wanted, NOW)
    west = [(0.1, 0.1), (0.15, 0.15), (0.2, 1.7), (0.1, 0.12)]
    for number, (x, y) in enumerate([*west, (1.8, 0.3), (1.9, 1.2), (1.7, 1.9), (1.6, 0.9), (3.0, 1.0)]):
        add_case(conn, number, x, y, days_ago=10, owner=a)
    filled = with_cases(conn, found, evenly, NOW)
    assert isinstance(filled, SplitEven)
    assert sorted(many for _, _, many in filled.points) == [1, 1, 1, 1, 1, 3]
    do_operation(conn, found.id, filled, by="planner", now=NOW)
    impact = measure_impact(conn, found, now=NOW)
    assert [each.after.cases for each in impact.units if each.after and each.level == "grid"] == [4, 4]


def test_too_few_blocks_too_many_parts_and_strange_wishes_are_refused(conn: Connection) -> None:
    found_town(conn)
    found, parent = new_plan(conn), ident(conn, "1")
    for wanted in (
        Wanted(parent, 5),
        Wanted(parent, 1),
        Wanted(parent, 3, "luck"),
        Wanted(parent, 3, tolerance=0),
    ):  # type: ignore[arg-type]
        with pytest.raises(Invalid):
            suggest(conn, found, wanted, now=NOW)
