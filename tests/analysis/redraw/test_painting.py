"""Painting stored ground: street blocks go from two givers to one taker, lowest units to another parent; figures add up."""

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from analysis.redraw.blocks import Blocks, read_blocks
from analysis.redraw.painting import Stroke, read_paint
from core.errors import Invalid
from geo.plans.codec import read_operation
from geo.plans.redraw import do_operation
from tests.analysis.redraw.test_adopting import add_even_doors, add_street_grid
from tests.analysis.redraw.town import NOW, found_town, ident, new_plan

LAST = -1


def spots(blocks: Blocks, chosen: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    """A place in each of the blocks."""
    places = [blocks.shapes[each].representative_point() for each in chosen]
    return np.array([(each.x, each.y) for each in places])


def test_painted_street_blocks_go_to_their_taker_giver_by_giver(conn: Connection) -> None:
    found_town(conn)
    add_street_grid(conn)
    add_even_doors(conn)
    found = new_plan(conn)
    parent = ident(conn, "1")
    blocks = read_blocks(conn, found, parent, now=NOW)
    taker = blocks.units[LAST]
    near = [place for place, shape in enumerate(blocks.shapes) if shape.touches(taker.geom)]
    givers = {
        int(blocks.holder[place]): place
        for place in near
        if blocks.units[blocks.holder[place]].id != taker.id
    }
    assert len(givers) >= 2
    stroke = Stroke(taker.id, spots(blocks, list(givers.values())))
    told = read_paint(blocks, stroke)
    assert [op for op, _ in told] == ["transfer"] * len(givers)
    before = blocks.households[blocks.holder == len(blocks.units) - 1].sum()
    for op, args in told:
        done = do_operation(conn, found.id, read_operation(op, args), by="planner", now=NOW)
        assert [each for each in done.judge() if each.severity == "error"] == []
    after = read_blocks(conn, found, parent, now=NOW)
    assert [each.id for each in after.units] == [each.id for each in blocks.units]
    painted = blocks.households[list(givers.values())].sum()
    assert after.households[after.holder == len(after.units) - 1].sum() == pytest.approx(
        before + painted, abs=2
    )
    with pytest.raises(Invalid, match="already"):
        read_paint(after, stroke)


def test_what_lies_in_no_block_or_goes_to_a_stranger_is_refused(conn: Connection) -> None:
    found_town(conn)
    blocks = read_blocks(conn, new_plan(conn), ident(conn, "1"), now=NOW)
    with pytest.raises(Invalid, match="none of the blocks"):
        read_paint(blocks, Stroke(blocks.units[0].id, np.array([[0.0, 0.0]])))
    with pytest.raises(Invalid, match="not one of the units"):
        read_paint(blocks, Stroke(blocks.parent.id, spots(blocks, [0])))


def test_a_unit_that_is_painted_whole_is_merged_after_the_parts_of_others_are_given(conn: Connection) -> None:
    found_town(conn)
    add_street_grid(conn)
    add_even_doors(conn)
    found = new_plan(conn)
    parent = ident(conn, "1")
    blocks = read_blocks(conn, found, parent, now=NOW)
    names = [each.code for each in blocks.units]
    taker = blocks.units[names.index("D")]
    whole = np.flatnonzero(blocks.holder == names.index("B")).tolist()
    part = next(
        place
        for place in np.flatnonzero(blocks.holder == names.index("C")).tolist()
        if shapely.length(shapely.intersection(blocks.shapes[place], taker.geom)) > 0
    )
    told = read_paint(blocks, Stroke(taker.id, spots(blocks, [*whole, part])))
    assert [op for op, _ in told] == ["transfer", "merge"]
    assert told[1][1]["units"] == [str(taker.id), str(blocks.units[names.index("B")].id)]
    for op, args in told:
        done = do_operation(conn, found.id, read_operation(op, args), by="planner", now=NOW)
        assert [each for each in done.judge() if each.severity == "error"] == []
    after = read_blocks(conn, found, parent, now=NOW)
    assert [each.code for each in after.units] == ["A", "C", "D"]  # D had gained households, so it goes on
    assert after.area_m2.sum() == pytest.approx(blocks.area_m2.sum(), rel=1e-9)
