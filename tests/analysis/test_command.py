"""What the wall asks of a whole city: by its indexes, and in agreement with what is computed one by one."""

import math
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from analysis.children import count_children
from analysis.dispatch import find_nearest
from cases.views import find_case
from core.db import sql_file
from people.access import Scope
from tests.analysis.crowd import LAT, LON, NOW, SIDE, fill
from tests.plans import Plan, analysed, plan_of
from tracking.live import snapshot_dots

EVERYWHERE = Scope(everywhere=True)


@pytest.fixture(scope="module")
def city(server_url: str, template_name: str) -> Iterator[Engine]:
    with analysed(server_url, template_name, fill) as engine:
        yield engine


@pytest.fixture
def conn(city: Engine) -> Iterator[Connection]:
    with city.connect() as connection:
        yield connection


def scope_of(conn: Connection, code: str) -> Scope:
    path = conn.execute(
        text("SELECT CAST(path AS text) FROM unit_version WHERE code = :code"), {"code": code}
    ).scalar_one()
    return Scope(everywhere=False, paths=(path,))


def file_plan(conn: Connection, name: str, asked: dict[str, object]) -> Plan:
    return plan_of(conn, sql_file("analysis", name).text, asked)


@pytest.mark.parametrize("unit", [None, "S3", "G3.7"])
def test_the_nearest_are_those_one_finds_by_measuring_everybody(conn: Connection, unit: str | None) -> None:
    scope = EVERYWHERE if unit is None else scope_of(conn, unit)
    dots = [
        dot
        for dot in snapshot_dots(conn, None if unit is None else scope.paths, NOW)
        if dot.position is not None
        and dot.state != "off_shift"
        and dot.position.fixed_at >= dot.standing.since
    ]
    assert dots
    for number in range(1, 20):
        view = find_case(conn, f"C{number:07d}")
        found = find_nearest(conn, view, scope, limit=5, now=NOW)
        by_hand = sorted(
            math.hypot(
                (dot.position.lon - view.lon) * math.cos(math.radians(view.lat)), dot.position.lat - view.lat
            )
            * 111_195
            for dot in dots
        )[:5]
        assert [near.distance_m for near in found] == pytest.approx(by_hand, rel=0.01)
        assert {near.dot.person_code for near in found} <= {dot.person_code for dot in dots}


def test_the_nearest_look_at_no_shifts_of_other_days(conn: Connection) -> None:
    asked = {
        "lon": LON + SIDE / 2,
        "lat": LAT + SIDE / 2,
        "network_id": 1,
        "paths": None,
        "limit": 5,
        "now": NOW,
    }
    used, whole = file_plan(conn, "nearest", asked)
    assert "ix_shift_person_time" in used
    assert "shift" not in whole


@pytest.mark.parametrize("parent", [None, "C", "S3"])
def test_the_table_of_children_agrees_with_the_dots(conn: Connection, parent: str | None) -> None:
    counted = count_children(conn, "governance", parent, EVERYWHERE, now=NOW)
    paths = dict(
        tuple(row) for row in conn.execute(text("SELECT CAST(path AS text), code FROM unit_version"))
    )
    depth = {None: 1, "C": 2, "S3": 3}[parent]
    tally: dict[str, Counter[str]] = {}
    for dot in snapshot_dots(conn, None, NOW):
        if dot.state == "off_shift":
            continue
        for child in {
            paths[".".join(path.split(".")[:depth])]
            for path in dot.standing.paths
            if path.count(".") + 1 >= depth
        }:
            tally.setdefault(child, Counter())[dot.state] += 1
    assert sum(child.on_shift for child in counted) > 100
    for child in counted:
        states = tally.get(child.code, Counter())
        assert (child.on_shift, child.silent, child.moving) == (
            states.total(), states["silent"], states["moving"]
        )  # fmt: skip
        assert child.heard == child.on_shift - child.silent
    open_cases = conn.execute(
        text('SELECT count(*) FROM "case" WHERE owner_unit_id IS NOT NULL')
    ).scalar_one()
    if depth < 3:
        assert sum(child.open_cases for child in counted) == open_cases


def test_children_of_a_scope_are_only_those_it_holds_or_reaches_into(conn: Connection) -> None:
    street, grid = scope_of(conn, "S3"), scope_of(conn, "G3.7")
    assert [one.code for one in count_children(conn, "governance", "C", street, now=NOW)] == ["S3"]
    (reached,) = count_children(conn, "governance", "C", grid, now=NOW)
    (own,) = count_children(conn, "governance", "S3", grid, now=NOW)
    assert (reached.code, own.code) == ("S3", "G3.7")
    assert own.on_shift > 5
    assert (reached.on_shift, reached.open_cases) == (own.on_shift, own.open_cases)
    assert count_children(conn, "governance", "S4", grid, now=NOW) == []


def test_asking_often_does_not_make_the_answer_read_everybody(conn: Connection) -> None:
    """After some executions PostgreSQL may keep one plan for all values; here that would be the one for everybody."""
    view = find_case(conn, "C0000005")
    assert conn.execute(text("SHOW plan_cache_mode")).scalar_one() == "auto"
    find_nearest(conn, view, EVERYWHERE, limit=5, now=NOW)
    assert conn.execute(text("SHOW plan_cache_mode")).scalar_one() == "force_custom_plan"
    conn.rollback()
    assert conn.execute(text("SHOW plan_cache_mode")).scalar_one() == "auto", "it ends with the transaction"


def test_a_thousand_alerts_that_are_over_are_not_read(conn: Connection) -> None:
    conn.execute(
        text("SET LOCAL enable_seqscan = off")
    )  # 421 units are read as fast without an index; is there one?
    used, whole = file_plan(conn, "open_alerts", {"now": NOW, "listed_since": NOW})
    assert "ix_sos_acknowledged_at" in used
    assert not whole & {
        "sos",
        "alert",
        "person",
        "case",
        "last_fix",
        "assignment",
        "unit_version",
        "case_placement",
    }


def test_the_watch_reads_the_shifts_of_a_day(conn: Connection) -> None:
    for name, asked in (("silent", {"silent_s": 900.0}), ("empty_units", {"networks": [1]})):
        used, whole = file_plan(conn, name, {"now": NOW, **asked})
        assert "ix_shift_starts_at" in used, name
        assert "shift" not in whole, name


def test_waiting_cases_are_found_by_their_index(conn: Connection) -> None:
    query = """SELECT id FROM "case" WHERE state = 'reported' AND reported_at > :since AND level >= 3"""
    found = "\n".join(conn.execute(text("EXPLAIN " + query), {"since": NOW}).scalars())
    assert "ix_case_waiting" in found
