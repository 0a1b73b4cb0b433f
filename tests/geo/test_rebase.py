"""A plan is drawn again on a newer edition: what another edition changed since is shown, never overwritten unseen."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import shapely
from sqlalchemy import Connection

from geo.operations import (
    Dissolve,
    Merge,
    Operation,
    Recode,
    Rename,
    Reparent,
    ReplaceFromFile,
    ReshapeVertex,
    ShiftBorder,
    SplitByLine,
    SplitEven,
    Transfer,
)
from geo.operations.returned import Incoming
from geo.plans.rebase import Clash, rebase_plan
from geo.plans.redraw import list_operations
from geo.plans.rollback import restore_edition
from geo.plans.working import read_changes
from tests.geo.redrawing import NOW, approve, do, found_city, ident, line, new_plan, publish, standing
from tests.geo.sketch import NORTH, STEP_DEG, WEST

Make = Callable[[Connection], Operation]


def rename(code: str, name: str) -> Make:
    return lambda conn: Rename(ident(conn, code), name)


def recode(code: str, new: str) -> Make:
    return lambda conn: Recode(ident(conn, code), new)


def below(code: str, parent: str) -> Make:
    return lambda conn: Reparent((ident(conn, code),), ident(conn, parent))


def shift(one: str, other: str, *places: tuple[float, float]) -> Make:
    return lambda conn: ShiftBorder(ident(conn, one), ident(conn, other), line(*places))


def split(code: str, *places: tuple[float, float]) -> Make:
    return lambda conn: SplitByLine(ident(conn, code), line(*places))


def merge(*codes: str) -> Make:
    return lambda conn: Merge(tuple(ident(conn, code) for code in codes))


def transfer(giver: str, taker: str, *corners: tuple[float, float]) -> Make:
    area = shapely.box(*line(*corners).bounds)
    return lambda conn: Transfer(ident(conn, giver), ident(conn, taker), area)


def rebased(conn: Connection, theirs: Make, mine: Make) -> Clash | None:
    """Both are drawn on the first edition, theirs is published; what the rebase of mine tells."""
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    do(conn, first, theirs(conn))
    do(conn, second, mine(conn))
    approve(conn, second)
    publish(conn, first)
    before = (list_operations(conn, second.id), read_changes(conn, second))
    told = rebase_plan(conn, second.id, by="planner", now=NOW)
    if told.clash is not None:
        assert (list_operations(conn, second.id), read_changes(conn, second)) == before
        left_out = rebase_plan(conn, second.id, by="planner", now=NOW, skip=[told.clash.seq])
        assert (left_out.clash, left_out.plan.state, read_changes(conn, second)) == (None, "draft", {})
    return told.clash


def even(code: str) -> Make:
    return lambda conn: SplitEven(ident(conn, code), 2, "area")


def dissolve(code: str) -> Make:
    return lambda conn: Dissolve(ident(conn, code))


def vertex(conn: Connection) -> Operation:
    """Where A, B and C, D meet goes north a little, on the border of the streets."""
    at, to = (shapely.Point(WEST + 2 * STEP_DEG, NORTH - down * STEP_DEG) for down in (2, 1.8))
    return ReshapeVertex(at, to, tuple(ident(conn, code) for code in "ABCD"))


def from_file(code: str, **given: object) -> Make:
    return lambda conn: ReplaceFromFile((Incoming(ident(conn, code), **given),))  # type: ignore[arg-type]


def another_street(conn: Connection) -> Operation:
    return Reparent((ident(conn, "A"),), name="三街")


MOVED = "the border of grid [AC] was moved by an edition since"
RENAMED = "grid D got another name by an edition since: 格D is 甲 now"
SHIFTED = shift("A", "C", (-1, 1.6), (3, 1.6))
SPLIT_A = split("A", (0.7, -1), (0.7, 3))
NORTH_OF_D = ((2, 2), (4, 2.5))


@pytest.mark.parametrize(
    ("theirs", "mine", "told"),
    [
        pytest.param(rename("D", "甲"), rename("D", "乙"), RENAMED, id="rename"),
        pytest.param(recode("D", "7"), recode("D", "8"), "grid D got another code by an edition since: 7", id="recode"),
        pytest.param(another_street, below("A", "2"), "grid A came under another parent by an edition since", id="reparent"),
        pytest.param(SHIFTED, shift("A", "C", (-1, 1.4), (3, 1.4)), MOVED, id="shift"),
        pytest.param(SHIFTED, SPLIT_A, MOVED, id="split"),
        pytest.param(SHIFTED, even("A"), MOVED, id="split evenly"),
        pytest.param(SHIFTED, transfer("B", "A", (2, 0), (2.5, 1)), MOVED, id="transfer"),
        pytest.param(SHIFTED, vertex, MOVED, id="vertex"),
        pytest.param(transfer("D", "B", *NORTH_OF_D), merge("B", "D"), "the border of grid [BD] was moved", id="merge"),
        pytest.param(rename("D", "甲"), merge("B", "D"), RENAMED, id="merge of what has another name"),
        pytest.param(rename("D", "甲"), dissolve("D"), RENAMED, id="dissolve"),
        pytest.param(rename("D", "甲"), from_file("D", name="乙"), RENAMED, id="from a file"),
        pytest.param(from_file("D", households=90), from_file("D", households=80), "grid D got other figures", id="figures"),
    ],
)  # fmt: skip
def test_what_another_edition_changed_since_and_an_operation_would_overwrite_is_a_clash(
    conn: Connection, theirs: Make, mine: Make, told: str
) -> None:
    clash = rebased(conn, theirs, mine)
    assert clash is not None
    assert re.match(told, clash.text)
    assert clash.said is not None
    assert clash.where is not None


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        pytest.param(split("C", (0.7, 1), (0.7, 4)), split("A", (-1, 0.6), (3, 0.7)), id="nodes alone"),
        pytest.param(rename("A", "甲"), SPLIT_A, id="a name, and ground"),
        pytest.param(SHIFTED, rename("A", "甲"), id="ground, and a name"),
        pytest.param(rename("D", "甲"), recode("D", "8"), id="a name, and a code"),
        pytest.param(SHIFTED, shift("B", "D", (1, 1.6), (5, 1.6)), id="other borders"),
    ],
)
def test_what_an_operation_does_not_touch_is_no_clash(conn: Connection, theirs: Make, mine: Make) -> None:
    assert rebased(conn, theirs, mine) is None


def test_what_the_plan_did_itself_or_does_no_more_is_no_clash(conn: Connection) -> None:
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    do(conn, first, Rename(ident(conn, "D"), "甲"))
    for make in (rename("D", "乙"), shift("A", "C", (-1, 1.4), (3, 1.4)), SPLIT_A, rename("D", "丙")):
        do(conn, second, make(conn))
    publish(conn, first)
    clashing = []
    while (told := rebase_plan(conn, second.id, by="planner", now=NOW, skip=clashing)).clash is not None:
        assert told.clash.text.startswith(RENAMED)
        clashing.append(told.clash.seq)
    assert clashing == [1, 4]
    publish(conn, second, now=NOW + timedelta(days=1))
    assert standing(conn)["D"].name == "甲"
    assert len([each for each in standing(conn).values() if each.level == "grid"]) == 5


def test_bringing_an_edition_back_does_not_overwrite_what_came_since_unseen(conn: Connection) -> None:
    found_city(conn)
    again = new_plan(conn)
    do(conn, again, Rename(ident(conn, "C"), "丙"))
    publish(conn, again)
    back, other = new_plan(conn), new_plan(conn)
    do(conn, back, restore_edition(conn, "net", 1))
    do(conn, other, Rename(ident(conn, "C"), "三"))
    publish(conn, other, now=NOW + timedelta(days=1))
    clash = rebase_plan(conn, back.id, by="planner", now=NOW).clash
    assert clash is not None
    assert clash.text.startswith("grid C got another name by an edition since: 丙 is 三 now")
