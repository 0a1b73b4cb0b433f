"""Lists of cases: filters, pages, what a caller sees; and the indexes that serve them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import ColumnElement, Connection, Engine, Executable, select, text, true

from cases.events import read_chains
from cases.tables import case, case_event
from cases.tallies import Asked, count_open_cases
from cases.views import CaseFilter, find_subtree, list_cases, select_cases, visible, within
from core.db import sql_file
from core.errors import Invalid, NotFound
from geo.lookup import Lookup
from tests.cases.town import (
    IN_G1,
    IN_G2,
    NOW,
    OUTSIDE,
    Town,
    bring_to,
    caller_of,
    desk,
    new_case,
    report,
    step,
    take_in,
)
from tests.plans import plans_of


def numbers(conn: Connection, wanted: CaseFilter, seen: ColumnElement[bool] | None = None) -> set[str]:
    page = list_cases(conn, wanted, true() if seen is None else seen)
    return {view.external_ref for view in page.cases}


@pytest.fixture
def some(conn: Connection, town: Town) -> Connection:
    """a: G1; b: G2; c: outside; d: nowhere; e: G1, closed."""
    for ref, where in (("a", IN_G1), ("b", IN_G2), ("c", OUTSIDE), ("d", (None, None))):
        new_case(conn, ref, lon=where[0], lat=where[1], category=f"kind {ref}")
    bring_to(conn, town, "closed", "e")
    return conn


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CaseFilter(), "abcde"),
        (CaseFilter(unit_code="G1"), "ae"),
        (CaseFilter(unit_code="S2"), "b"),
        (CaseFilter(unit_code="T"), "abcde"),
        (CaseFilter(unit_code="T", network_code="governance"), "abcde"),
        (CaseFilter(states=("closed",)), "e"),
        (CaseFilter(states=("closed", "reported")), "abcde"),
        (CaseFilter(category="kind b"), "b"),
        (CaseFilter(bbox=(121.0, 31.0, 121.01, 31.01)), "ae"),
        (CaseFilter(with_point=True), "abce"),
        (CaseFilter(since=NOW), ""),
        (CaseFilter(until=NOW), "abcde"),
    ],
)
def test_each_filter_keeps_what_it_says(some: Connection, wanted: CaseFilter, expected: str) -> None:
    assert numbers(some, wanted) == set(expected)


def test_an_unknown_unit_is_no_empty_list(some: Connection) -> None:
    with pytest.raises(NotFound, match="X9"):
        list_cases(some, CaseFilter(unit_code="X9"), true())


@pytest.mark.parametrize(
    ("login", "role", "unit", "expected"),
    [
        ("boss1", "supervisor", "S1", "ae"),
        ("boss2", "supervisor", "S2", "b"),
        ("w1", "worker", "G1", "ae"),
        ("command", "command", None, "abcde"),
        ("desk", "desk", None, "abcde"),
        ("planner", "planner", None, ""),
        ("administrator", "administrator", None, ""),
        ("auditor", "auditor", None, ""),
    ],
)
def test_a_caller_sees_the_cases_of_their_subtree(
    some: Connection, town: Town, login: str, role: str, unit: str | None, expected: str
) -> None:
    caller = caller_of(some, town, login, role, unit)  # type: ignore[arg-type]
    assert numbers(some, CaseFilter(), visible(some, caller)) == set(expected)


def test_a_case_handed_to_another_street_is_seen_there_and_stays_seen_where_it_lies(
    some: Connection, town: Town
) -> None:
    view = list_cases(some, CaseFilter(category="kind a"), true()).cases[0]
    step(
        some,
        desk(some, town),
        step(some, desk(some, town), view, "accept"),
        "transfer",
        unit="S2",
        note="theirs",
    )
    for boss, unit in (("boss1", "S1"), ("boss2", "S2")):
        assert "a" in numbers(
            some, CaseFilter(), visible(some, caller_of(some, town, boss, "supervisor", unit))
        )


def test_pages_hold_every_case_once_also_of_one_instant(conn: Connection, town: Town) -> None:
    take_in(
        conn, *(report(f"{place}", reported_at=NOW - timedelta(hours=place // 10)) for place in range(25))
    )
    seen, after = [], None
    for _ in range(4):
        page = list_cases(conn, CaseFilter(), true(), limit=7, after=after)
        seen += [view.external_ref for view in page.cases]
        after = page.after
    assert after is None
    assert sorted(seen, key=int) == [str(place) for place in range(25)]


@pytest.mark.parametrize(
    "after", ["", "x", "2026-01-01_1", "2026-01-01T00:00:00+00:00_x", "2026-01-01T00:00:00Z_-1"]
)
def test_a_broken_page_mark_is_refused(conn: Connection, town: Town, after: str) -> None:
    with pytest.raises(Invalid, match="after is not one"):
        list_cases(conn, CaseFilter(), true(), after=after)


# Plans on 20,000 cases


@pytest.fixture(scope="module")
def crowded(session_engine: Engine, built: tuple[Connection, Town]) -> Iterator[tuple[Connection, Town]]:
    connection, town = built
    savepoint = connection.begin_nested()
    many = [
        report(
            f"many {place}",
            lon=121.0 + (place % 200) * 1e-4,
            lat=31.0 + (place // 200) * 1e-4,
            reported_at=NOW - timedelta(minutes=place),
            state="closed" if place % 50 else "reported",
        )
        for place in range(20_000)
    ]
    take_in(connection, *many)
    for table in ("case", "case_event", "case_placement", "unit_version"):
        connection.execute(text(f'ANALYZE "{table}"'))
    yield connection, town
    savepoint.rollback()


def plan_of(conn: Connection, query: Executable) -> str:
    compiled = query.compile(conn, compile_kwargs={"render_postcompile": True})
    return "\n".join(conn.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars())


def test_a_page_of_the_latest_cases_walks_the_index_of_time(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    query = select_cases(conn, CaseFilter()).order_by(case.c.occurred_at.desc(), case.c.id.desc()).limit(100)
    assert "ix_case_occurred_at" in plan_of(conn, query)


def test_a_small_box_is_found_by_the_index_of_points(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    query = select_cases(conn, CaseFilter(bbox=(121.001, 31.001, 121.0015, 31.0015)))
    assert "ix_case_point" in plan_of(conn, query)


def test_the_open_cases_of_a_unit_are_found_by_their_owner(crowded: tuple[Connection, Town]) -> None:
    conn, town = crowded
    assert "ix_case_owner_unit" in plan_of(
        conn, select(case.c.id).where(case.c.owner_unit_id == town.units["S1"])
    )


def test_the_cases_of_a_small_unit_are_found_by_their_placement(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    new_case(conn, "elsewhere", lon=IN_G2[0], lat=IN_G2[1], reported_at=NOW - timedelta(days=300))
    scope = find_subtree(conn, "G2", None)
    conn.execute(text("SET LOCAL enable_seqscan = off"))
    plan = plan_of(conn, select(case.c.id).where(within(scope)))
    conn.execute(text("SET LOCAL enable_seqscan = on"))
    assert "ix_case_placement_unit_version" in plan


def test_the_log_of_a_case_and_a_reference_are_found_by_their_keys(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    case_id = conn.execute(select(case.c.id).limit(1)).scalar_one()
    events = select(case_event.c.id).where(case_event.c.case_id == case_id).order_by(case_event.c.seq)
    assert "uq_case_event_case_id" in plan_of(conn, events)
    known = plan_of(conn, sql_file("cases", "known").bindparams(channels=["12345"], refs=["many 3"]))
    assert "uq_case_channel" in known
    assert "uq_case_event_case_id" in known


def test_what_was_open_then_is_read_from_each_log_by_its_key(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    asked, lookup = Asked("governance", at=NOW - timedelta(days=13)), Lookup(conn)
    used, whole = plans_of(conn, lambda: count_open_cases(conn, lookup, asked, true()))
    assert "uq_case_event_case_id_seq" in used
    assert "case_event" not in whole


def test_the_logs_of_many_cases_go_on_by_their_keys(crowded: tuple[Connection, Town]) -> None:
    conn, _ = crowded
    some = list(conn.scalars(select(case.c.id).limit(20)))
    used, whole = plans_of(conn, lambda: read_chains(conn, some))
    assert {"pk_case", "uq_case_event_case_id_seq"} <= used
    assert not whole
