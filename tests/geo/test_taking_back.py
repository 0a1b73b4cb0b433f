"""An edition that was only announced is taken back: the network goes on as if it had never been published."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, select

from core.errors import Conflict, Invalid
from geo.editions import list_editions, publish_plan
from geo.editions.history import list_changes
from geo.editions.life import read_life
from geo.editions.standing import read_retired
from geo.editions.takeback import take_back_edition
from geo.lookup import Lookup
from geo.networks import Level, create_network, get_network
from geo.operations import Merge, Rename
from geo.plans import UnitDraft, add_units_to_plan, find_draft, withdraw_draft
from geo.plans.redraw import get_redraw
from geo.plans.rollback import restore_edition, take_back_plan
from geo.plans.steps import list_steps, publish_redraw, take_step
from geo.tables import edition, unit, unit_version
from geo.units import list_published_networks
from tests.geo.redrawing import (
    NOW,
    approve,
    do,
    found_city,
    ident,
    new_plan,
    publish,
    split_a,
    standing,
)
from tests.geo.sketch import square

DAY = timedelta(days=1)
NEXT_YEAR = NOW + timedelta(days=365)
MISTYPED = datetime(2099, 6, 1, tzinfo=UTC)
BACK: dict[str, Any] = {"by": "approver", "reason": "年份写错"}


@pytest.mark.parametrize("announced", [NEXT_YEAR, MISTYPED])
def test_a_plan_whose_edition_was_taken_back_is_published_for_now_and_each_instant_has_its_borders(
    conn: Connection, announced: datetime
) -> None:
    found_city(conn)
    before, lookup = standing(conn), Lookup(conn)
    middle = shapely.point_on_surface(before["D"].geom)

    def holder(instant: datetime) -> str:
        (placed,) = lookup.place(middle.x, middle.y, at=instant)
        return placed.unit.code if placed.unit else ""

    found = new_plan(conn)
    do(conn, found, split_a(conn))
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    sealed = publish(conn, found, effective_from=announced).sha256
    born = next(each for code, each in standing(conn).items() if code not in before)
    assert [holder(NOW), holder(announced)] == ["D", "B"]
    with pytest.raises(Invalid, match="give the reason"):
        take_back_plan(conn, found.id, by="approver", now=NOW + DAY, reason=" ")

    back = take_back_plan(conn, found.id, now=NOW + DAY, **BACK)
    assert (back.state, back.effective_from) == ("returned", None)
    assert standing(conn) == before
    assert [holder(NOW), holder(announced), holder(announced + DAY)] == ["D", "D", "D"]
    assert len(lookup.network("net").starts) == 1
    (network,) = list_published_networks(conn, at=announced)
    assert network.edition is not None
    assert network.edition.seq == 1
    assert list_changes(conn, "net", 2) == []
    assert [each.valid_until for each in read_life(conn, before["D"].unit_id).chapters] == [None]
    taken_back = list_editions(conn, "net")[0]
    assert (taken_back.seq, taken_back.sha256, taken_back.effective_from) == (2, sealed, announced)
    assert (taken_back.taken_back_at, taken_back.taken_back_by, taken_back.taken_back_reason) == (
        NOW + DAY,
        "approver",
        "年份写错",
    )
    last = list_steps(conn, found.id)[-1]
    assert (last.step, last.state, last.by, last.comment) == ("take_back", "returned", "approver", "年份写错")
    with pytest.raises(Conflict, match="not announced: roll it back"):
        take_back_plan(conn, found.id, now=NOW + DAY, **BACK)
    with pytest.raises(Conflict, match="was taken back before it began"):
        restore_edition(conn, "net", 2)

    now = NOW + 2 * DAY
    published = publish(conn, found, now=now)
    assert (published.seq, published.sha256, published.effective_from) == (3, sealed, now)
    assert standing(conn)[born.code].unit_id == born.unit_id
    assert [holder(NOW), holder(now), holder(announced)] == ["D", "B", "B"]
    assert get_redraw(conn, found.id).state == "published"
    bore = select(unit.c.born_edition_id).where(unit.c.id == born.unit_id)
    assert conn.scalar(bore) == published.edition_id
    assert len(read_life(conn, born.unit_id).chapters) == 1


def test_what_an_edition_that_was_taken_back_said_stays_written_down(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    published = publish(conn, found, effective_from=NEXT_YEAR)
    take_back_plan(conn, found.id, now=NOW + DAY, **BACK)
    columns = (unit_version.c.code, unit_version.c.valid, unit_version.c.recorded)
    of_it = select(*columns).where(unit_version.c.edition_id == published.edition_id)
    rows = {
        row.code: (row.valid.lower, row.recorded.lower, row.recorded.upper) for row in conn.execute(of_it)
    }
    assert rows["B"] == (NEXT_YEAR, NOW, NOW + DAY)
    ended = select(*columns).where(unit_version.c.code == "D").order_by(unit_version.c.recorded)
    believed, now = ((row.valid.upper, row.recorded.upper) for row in conn.execute(ended))
    assert (believed, now) == ((NEXT_YEAR, NOW + DAY), (None, None))


def test_nothing_holds_before_an_announced_edition_and_another_on_top_of_it_is_taken_back_first(
    conn: Connection,
) -> None:
    found_city(conn)
    first = new_plan(conn)
    do(conn, first, Rename(ident(conn, "D"), "丁"))
    publish(conn, first, effective_from=NEXT_YEAR)
    second = new_plan(conn)
    do(conn, second, Rename(ident(conn, "C"), "丙"))
    approve(conn, second)
    for instant in (None, NEXT_YEAR - DAY, NEXT_YEAR):
        with pytest.raises(Conflict, match=r"edition 2 of net is announced for 2027.*take it back first"):
            publish_redraw(conn, second.id, by="approver", now=NOW, effective_from=instant)
    publish_redraw(conn, second.id, by="approver", now=NOW, effective_from=NEXT_YEAR + DAY)
    with pytest.raises(Conflict, match=f"on top of plan {first.id}: take that one back first"):
        take_back_plan(conn, first.id, now=NOW + DAY, **BACK)
    take_back_plan(conn, second.id, now=NOW + DAY, **BACK)
    take_back_plan(conn, first.id, now=NOW + 2 * DAY, **BACK)
    assert standing(conn)["C"].name == "格C"
    with pytest.raises(Conflict, match="rebase the plan first"):
        take_step(conn, second.id, "check", by="planner", now=NOW)


def test_an_edition_that_holds_is_not_taken_back(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, Rename(ident(conn, "D"), "丁"))
    publish(conn, found, effective_from=NEXT_YEAR)
    with pytest.raises(Conflict, match="not announced"):
        take_back_plan(conn, found.id, now=NEXT_YEAR, **BACK)
    with pytest.raises(Conflict, match="no edition announced"):
        take_back_edition(conn, "net", now=NEXT_YEAR, **BACK)


LEVELS = (Level("city", "市", origin="natural"), Level("grid", "网格", parent="city"))


def receive(conn: Connection, drafts: list[UnitDraft], **options: Any) -> int:
    add_units_to_plan(conn, "net", drafts)
    return publish_plan(conn, "net", by="test", **options).edition_id


def outline_of(conn: Connection) -> Any:
    natural = select(unit.c.outline).where(unit.c.outline.is_not(None))
    return conn.scalar(natural)


def drawn(*codes: str, shift: float = 0.0) -> list[UnitDraft]:
    """Squares side by side in an official outline whose corners lie beside the grid of 1e-7°."""
    squares = [square(place, 0) for place in range(len(codes))]
    whole = shapely.union_all(squares)
    outline = shapely.transform(whole, lambda xy: xy + 3e-8 + shift)
    grids = [UnitDraft("grid", code, code, each, "1") for code, each in zip(codes, squares, strict=True)]
    return [UnitDraft("city", "1", "市", outline), *grids]


def test_borders_from_files_are_a_draft_again_and_units_come_and_go_as_before(conn: Connection) -> None:
    create_network(conn, "net", coverage="full", levels=LEVELS)
    receive(conn, drawn("A", "C"), now=NOW)
    receive(conn, drawn("A", "B"), now=NOW + DAY)
    retired = read_retired(conn, get_network(conn, "net"))
    ended = select(unit.c.id, unit.c.retired_edition_id).order_by(unit.c.id)
    before = (standing(conn), conn.execute(ended).all(), outline_of(conn))
    assert before[2] is not None
    receive(conn, drawn("N", "C", shift=-1e-8), now=NOW + 2 * DAY, effective_from=MISTYPED)
    announced = {code: each.unit_id for code, each in standing(conn).items()}
    assert outline_of(conn) != before[2]
    take_back_edition(conn, "net", now=NOW + 3 * DAY, **BACK)
    those = (
        select(unit.c.id, unit.c.retired_edition_id).where(unit.c.id != announced["N"]).order_by(unit.c.id)
    )
    assert (standing(conn), conn.execute(those).all(), outline_of(conn)) == before
    assert read_retired(conn, get_network(conn, "net")) == retired
    assert find_draft(conn, get_network(conn, "net")) is not None
    published = publish_plan(conn, "net", by="test", now=NOW + 4 * DAY)
    assert published.effective_from == NOW + 4 * DAY
    assert {code: each.unit_id for code, each in standing(conn).items()} == announced


def test_the_only_edition_of_a_network_is_taken_back_and_the_file_comes_in_again(conn: Connection) -> None:
    create_network(conn, "net", coverage="full", levels=LEVELS)
    receive(conn, drawn("A", "B"), now=NOW, effective_from=MISTYPED)
    announced = {code: each.unit_id for code, each in standing(conn).items()}
    take_back_edition(conn, "net", now=NOW + DAY, **BACK)
    assert standing(conn) == {}
    withdraw_draft(conn, "net")
    receive(conn, [replace(each, name="新") for each in drawn("A", "B")], now=NOW + 2 * DAY)
    assert {code: each.unit_id for code, each in standing(conn).items()} == announced
    assert [row.seq for row in conn.execute(select(edition.c.seq).order_by(edition.c.id))] == [1, 2]
    assert list_editions(conn, "net")[0].effective_from is None
