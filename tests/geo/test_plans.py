"""A plan redraws the newest edition: logged, undone, judged, approved by somebody else, published, rolled back."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, Engine, func, select

from core.db import make_engine
from core.errors import Conflict, Invalid, NotFound, Refused
from geo.editions import FindingsRefused, list_editions, publish_plan
from geo.networks import get_network
from geo.operations import Impossible, Merge, Operation, Recode, Rename, SplitByLine, Transfer
from geo.plans import UnitDraft, add_units_to_plan, find_draft
from geo.plans.codec import read_operation, write_operation
from geo.plans.effects import list_affected
from geo.plans.rebase import rebase_plan
from geo.plans.redraw import (
    do_operation,
    get_redraw,
    list_operations,
    overlapping_plans,
    redo_operation,
    undo_operation,
)
from geo.plans.rollback import restore_edition
from geo.plans.steps import list_steps, publish_redraw, take_step
from geo.plans.working import read_changes
from geo.tables import lineage, unit, unit_version
from tests.geo.redrawing import (
    NOW,
    approve,
    do,
    found_city,
    ident,
    line,
    new_plan,
    publish,
    split_a,
    standing,
)
from tests.geo.sketch import NORTH, STEP_DEG, WEST


def test_a_split_is_published_with_its_lineage_and_its_parents_follow(conn: Connection) -> None:
    found_city(conn)
    before = standing(conn)
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    published = publish(conn, found)
    after = standing(conn)
    assert (published.seq, published.counts) == (2, {"city": 1, "street": 2, "grid": 5})
    assert published.changes == {"born": 1, "changed": 4, "kept": 3, "retired": 0}
    (born,) = (each for code, each in after.items() if code not in before)
    assert after["A"].unit_id == before["A"].unit_id
    assert ((after["A"].households or 0), born.households) == (65, 35)
    kinds = dict(
        conn.execute(
            select(unit_version.c.code, unit_version.c.change_kinds).where(
                unit_version.c.edition_id == published.edition_id
            )
        ).all()
    )
    assert kinds == {
        "A": ["geometry", "households"],
        "C": ["precision"],
        born.code: ["born"],
        "0": ["precision"],
        "1": ["precision"],
    }
    rows = conn.execute(
        select(lineage).where(lineage.c.from_version == before["A"].version_id).order_by(lineage.c.area_share)
    ).all()
    assert [(row.kind, round(row.area_share, 2), round(row.households_share, 2)) for row in rows] == [
        ("split", 0.35, 0.35),
        ("goes_on", 0.65, 0.65),
    ]
    assert {row.to_version for row in rows} == {born.version_id, after["A"].version_id}
    assert get_redraw(conn, found.id).state == "published"


def test_undo_and_redo_lead_back_and_forth_without_limit_and_another_operation_ends_redoing(
    conn: Connection,
) -> None:
    found_city(conn)
    found = new_plan(conn)
    states = [read_changes(conn, found)]
    a, b, c = (ident(conn, code) for code in "ABC")
    circle = shapely.Point(WEST + 2 * STEP_DEG, NORTH - STEP_DEG).buffer(STEP_DEG / 2)
    for operation in (split_a(conn), Transfer(b, a, circle), Rename(c, "新"), Merge((a, c))):
        do(conn, found, operation)
        states.append(read_changes(conn, found))
    for wanted in reversed(states[:-1]):
        undo_operation(conn, found.id)
        assert read_changes(conn, found) == wanted
    with pytest.raises(Conflict, match="nothing is left to undo"):
        undo_operation(conn, found.id)
    for wanted in states[1:]:
        redo_operation(conn, found.id)
        assert read_changes(conn, found) == wanted
    undo_operation(conn, found.id)
    do(conn, found, Rename(ident(conn, "D"), "丁"))
    with pytest.raises(Conflict, match="nothing was undone"):
        redo_operation(conn, found.id)
    assert [(row.seq, row.op) for row in list_operations(conn, found.id)] == [
        (1, "split_by_line"),
        (2, "transfer"),
        (3, "rename"),
        (4, "rename"),
    ]


def test_what_was_undone_leaves_nothing_in_the_edition(conn: Connection) -> None:
    found_city(conn)
    sha = list_editions(conn, "net")[0].sha256
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    undo_operation(conn, found.id)
    undo_operation(conn, found.id)
    assert publish(conn, found).sha256 == sha


def test_operations_are_stored_as_they_were_asked_for(conn: Connection) -> None:
    found_city(conn)
    operation = split_a(conn)
    assert read_operation(*write_operation(operation)) == operation
    for args, trouble in (
        ({}, "needs more: give"),
        ({"unit": "x", "line": {}}, r"split_by_line\.unit cannot be read: x"),
        (
            {"unit": str(operation.unit), "line": {"type": "Point", "coordinates": [900, 0]}},
            "line cannot be read",
        ),
        ({"unity": 1}, "has no unity"),
    ):
        with pytest.raises(Invalid, match=trouble):
            read_operation("split_by_line", args)
    for number in (10**400, "nan", float("inf"), None, [], "1e999"):
        even = {"unit": str(operation.unit), "count": 2, "by": "cases", "points": [[113.1, 27.8, number]]}
        with pytest.raises(Invalid, match=r"split_even\.points cannot be read"):
            read_operation("split_even", even)
    with pytest.raises(Invalid, match="there are: split_by_line, split_even"):
        read_operation("smash", {})


def test_nobody_approves_their_own_and_each_step_leads_on_from_its_state(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    with pytest.raises(
        Conflict, match="is draft: submit does not lead on from there; possible: check, withdraw"
    ):
        take_step(conn, found.id, "submit", by="planner", now=NOW)
    take_step(conn, found.id, "check", by="planner", now=NOW)
    take_step(conn, found.id, "submit", by="planner", now=NOW)
    with pytest.raises(Conflict, match="is submitted"):
        do(conn, found, Rename(ident(conn, "B"), "乙"))
    with pytest.raises(Refused, match="nobody approves a plan of their own"):
        take_step(conn, found.id, "approve", by="planner", now=NOW)
    with pytest.raises(Invalid, match="say what is to be changed"):
        take_step(conn, found.id, "send_back", by="approver", now=NOW)
    take_step(conn, found.id, "send_back", by="approver", now=NOW, comment="界线请沿路")
    do_operation(conn, found.id, Rename(ident(conn, "B"), "乙"), by="second", now=NOW)
    take_step(conn, found.id, "check", by="second", now=NOW)
    take_step(conn, found.id, "submit", by="second", now=NOW)
    with pytest.raises(Refused, match="nobody approves"):
        take_step(conn, found.id, "approve", by="second", now=NOW)
    take_step(conn, found.id, "approve", by="approver", now=NOW)
    publish_redraw(conn, found.id, by="approver", now=NOW)
    assert [(each.step, each.by, each.comment) for each in list_steps(conn, found.id)][2] == (
        "send_back",
        "approver",
        "界线请沿路",
    )
    with pytest.raises(Conflict, match="is published"):
        take_step(conn, found.id, "withdraw", by="planner", now=NOW)


def test_a_plan_redraws_its_own_subtree_alone(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn, scope_unit_id=ident(conn, "1"))
    do(conn, found, split_a(conn))
    with pytest.raises(Impossible, match="grid B lies outside of what this plan may redraw"):
        do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    whole = new_plan(conn)
    other = new_plan(conn, scope_unit_id=ident(conn, "2"))
    assert [each.id for each in overlapping_plans(conn, found)] == [whole.id]
    assert [each.id for each in overlapping_plans(conn, other)] == [whole.id]


def test_the_second_of_two_plans_is_rebased_and_keeps_its_approval_when_it_does_the_same(
    conn: Connection,
) -> None:
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    do(conn, first, Rename(ident(conn, "D"), "丁"))
    do(conn, second, split_a(conn))
    approve(conn, second)
    publish(conn, first)
    with pytest.raises(Conflict, match="rebase the plan first"):
        publish_redraw(conn, second.id, by="approver", now=NOW + timedelta(days=1))
    rebased = rebase_plan(conn, second.id, by="planner", now=NOW)
    assert (rebased.clash, rebased.same, rebased.plan.state) == (None, True, "approved")
    publish_redraw(conn, second.id, by="approver", now=NOW + timedelta(days=1))
    assert standing(conn)["D"].name == "丁"


def test_nodes_in_a_common_border_cost_no_approval(conn: Connection) -> None:
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    corner = shapely.box(*line((1.5, 2.5), (3, 1.2)).bounds)
    do(conn, first, Transfer(ident(conn, "B"), ident(conn, "D"), corner))
    do(conn, second, SplitByLine(ident(conn, "A"), line((-1, 0.6), (3, 0.7))))
    approve(conn, second)
    publish(conn, first)
    rebased = rebase_plan(conn, second.id, by="planner", now=NOW)
    assert (rebased.same, rebased.plan.state) == (True, "approved")
    publish_redraw(conn, second.id, by="approver", now=NOW + timedelta(days=1))
    shapes = [each.geom for each in standing(conn).values() if each.level == "grid"]
    assert len(shapes) == 5
    assert shapely.coverage_is_valid(shapes)


def test_a_code_that_somebody_else_took_meanwhile_asks_for_a_new_approval(conn: Connection) -> None:
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    do(conn, first, SplitByLine(ident(conn, "B"), line((1, 1.3), (5, 1.4))))
    do(conn, second, SplitByLine(ident(conn, "A"), line((-1, 0.6), (3, 0.7))))
    approve(conn, second)
    publish(conn, first)
    rebased = rebase_plan(conn, second.id, by="planner", now=NOW)
    assert (rebased.clash, rebased.same, rebased.plan.state) == (None, False, "draft")
    publish(conn, second, now=NOW + timedelta(days=1))
    assert {"01", "02"} <= standing(conn).keys()


def test_clashes_are_shown_one_by_one_and_nothing_is_changed_until_each_is_decided(conn: Connection) -> None:
    found_city(conn)
    first, second = new_plan(conn), new_plan(conn)
    do(conn, second, split_a(conn))
    do(conn, second, Rename(ident(conn, "D"), "丁"))
    do(conn, second, Recode(ident(conn, "C"), "77"))
    do(conn, first, Merge((ident(conn, "B"), ident(conn, "A"), ident(conn, "D"))))
    do(conn, first, Rename(ident(conn, "C"), "丙"))
    publish(conn, first)
    before = list_operations(conn, second.id)
    clash = rebase_plan(conn, second.id, by="planner", now=NOW).clash
    assert clash is not None
    assert (clash.seq, clash.op) == (1, "split_by_line")
    assert list_operations(conn, second.id) == before
    again = rebase_plan(conn, second.id, by="planner", now=NOW, skip=[1]).clash
    assert again is not None
    assert again.seq == 2
    done = rebase_plan(conn, second.id, by="planner", now=NOW, skip=[1, 2])
    assert (done.clash, done.plan.state) == (None, "draft")
    publish(conn, second, now=NOW + timedelta(days=1))
    assert standing(conn)["77"].name == "丙"


def test_an_edition_takes_effect_by_itself_or_in_the_past_with_a_reason(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    approve(conn, found)
    with pytest.raises(Invalid, match="give the reason"):
        publish_redraw(conn, found.id, by="approver", now=NOW, effective_from=NOW - timedelta(days=30))
    publish_redraw(
        conn,
        found.id,
        by="approver",
        now=NOW,
        effective_from=NOW - timedelta(days=30),
        reason="批文 5 月 2 日",
    )
    believed = select(func.count()).where(
        unit_version.c.code == "A",
        ~func.upper_inf(unit_version.c.recorded),
        func.upper_inf(unit_version.c.valid),
    )
    assert conn.scalar(believed) == 1
    later = new_plan(conn)
    do(conn, later, Rename(ident(conn, "B"), "乙"))
    publish(conn, later, effective_from=NOW + timedelta(days=9))
    scheduled = get_redraw(conn, later.id)
    assert scheduled.state == "scheduled"
    assert scheduled.state_at(NOW + timedelta(days=8)) == "scheduled"
    assert scheduled.state_at(NOW + timedelta(days=9)) == "published"


def test_a_rollback_is_a_new_edition_with_the_content_of_an_old_one(conn: Connection) -> None:
    found_city(conn)
    before, sha = standing(conn), list_editions(conn, "net")[0].sha256
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    publish(conn, found)
    back = new_plan(conn)
    do(conn, back, restore_edition(conn, "net", 1))
    published = publish(conn, back, now=NOW + timedelta(days=1))
    assert published.sha256 == sha
    after = standing(conn)
    assert {code: each.unit_id for code, each in after.items()} == {
        code: each.unit_id for code, each in before.items()
    }
    with pytest.raises(Conflict, match="holds what edition 1 held"):
        restore_edition(conn, "net", 1)
    with pytest.raises(NotFound, match="no edition 9"):
        restore_edition(conn, "net", 9)
    ended = select(func.count()).select_from(unit).where(unit.c.retired_edition_id == published.edition_id)
    assert conn.scalar(ended) == 1


def test_a_plan_and_a_draft_from_files_stand_beside_each_other(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    assert find_draft(conn, get_network(conn, "net")) is None
    add_units_to_plan(conn, "net", [UnitDraft("city", "0", "大市", None)])
    do(conn, found, split_a(conn))
    publish_plan(conn, "net", by="test", now=NOW)
    with pytest.raises(Conflict, match="rebase the plan first"):
        undo_operation(conn, found.id)


def test_a_check_with_errors_leaves_a_draft(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    from geo.tables import plan_unit

    conn.execute(
        plan_unit.update()
        .where(plan_unit.c.plan_id == found.id, plan_unit.c.code == "A")
        .values(geom=func.ST_Multi(func.ST_Buffer(plan_unit.c.geom, 1e-5)))
    )
    with pytest.raises(FindingsRefused, match="errors and stays a draft"):
        take_step(conn, found.id, "check", by="planner", now=NOW)
    assert get_redraw(conn, found.id).state == "draft"


def test_what_a_plan_changes_is_listed_with_who_takes_over_the_ground(conn: Connection) -> None:
    found_city(conn)
    found = new_plan(conn)
    do(conn, found, split_a(conn))
    do(conn, found, Merge((ident(conn, "B"), ident(conn, "D"))))
    do(conn, found, Rename(ident(conn, "C"), "丙"))
    listed = {(each.before or each.after).code: each for each in list_affected(conn, found)}  # type: ignore[union-attr]
    born = next(code for code in listed if code not in "ABCD")
    assert set(listed) == {"A", "B", "C", "D", born}
    assert [(heir.code, round(heir.area_share, 2)) for heir in listed["A"].heirs] == [
        ("A", 0.65),
        (born, 0.35),
    ]
    assert listed["D"].after is None
    assert [(heir.code, heir.households_share) for heir in listed["D"].heirs] == [("B", 1.0)]
    assert {code for code, each in listed.items() if each.moves_ground} == {"A", "D"}
    assert listed["B"].will_be.area_m2 == pytest.approx(  # type: ignore[union-attr]
        listed["B"].was.area_m2 + listed["D"].was.area_m2  # type: ignore[union-attr]
    )


@pytest.fixture
def committed(own_database: str) -> Any:
    engine = make_engine(own_database, pool_size=4)
    with engine.begin() as conn:
        found_city(conn)
    yield engine
    engine.dispose()


def approved(engine: Engine, operation: Callable[[Connection], Operation]) -> int:
    with engine.begin() as conn:
        found = new_plan(conn)
        do(conn, found, operation(conn))
        approve(conn, found)
        return found.id


def test_of_two_planners_who_publish_at_once_one_does_and_the_other_is_told(committed: Engine) -> None:
    plans = [approved(committed, split_a), approved(committed, lambda conn: Rename(ident(conn, "D"), "丁"))]
    told: list[str] = []
    start = threading.Barrier(2)

    def go(plan_id: int) -> None:
        start.wait()
        try:
            with committed.begin() as conn:
                publish_redraw(conn, plan_id, by="approver", now=NOW)
            told.append("published")
        except Conflict as refused:
            told.append(str(refused))

    threads = [threading.Thread(target=go, args=(plan_id,)) for plan_id in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text[:9] for text in told) == ["network n", "published"]
    with committed.connect() as conn:
        assert len(list_editions(conn, "net")) == 2


def test_a_publication_whose_connection_is_killed_half_way_leaves_nothing(
    committed: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    import geo.editions

    plan_id = approved(committed, split_a)
    written = geo.editions.write_units

    def write_and_die(conn: Connection, *rest: Any) -> None:
        written(conn, *rest)
        own = conn.scalar(select(func.pg_backend_pid()))
        with committed.connect() as other:
            other.execute(select(func.pg_terminate_backend(own)))

    with committed.connect() as conn:
        before = standing(conn)
    monkeypatch.setattr(geo.editions, "write_units", write_and_die)
    with pytest.raises(OperationalError), committed.begin() as conn:
        publish_redraw(conn, plan_id, by="approver", now=NOW)
    monkeypatch.undo()
    with committed.begin() as conn:
        assert {code: each.version_id for code, each in standing(conn).items()} == {
            code: each.version_id for code, each in before.items()
        }
        assert len(list_editions(conn, "net")) == 1
        assert publish_redraw(conn, plan_id, by="approver", now=NOW).seq == 2
