from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, DateTime, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range, array

from core.errors import Conflict, Invalid, NotFound
from geo.tables import Ltree, unit_version
from people.access import (
    MAY_SEE_MOVEMENT,
    MAY_SEE_PEOPLE,
    Caller,
    Scope,
    assigned_within,
    may,
    may_see_person,
    visible_units,
)
from people.grants import add_grant, find_unit, list_grants, revoke_grant
from people.persons import Post, assign, end_assignments, list_people
from people.tokens import read_grants
from tests.people.town import EVER, NOW, Town


def caller_of(conn: Connection, town: Town, login: str, *, at=NOW) -> Caller:
    person = town.persons.get(login)
    return Caller(town.accounts[login], login, person, read_grants(conn, town.accounts[login], at))


def test_a_supervisor_sees_the_people_of_the_own_subtree_alone(conn: Connection, town: Town) -> None:
    boss = caller_of(conn, town, "boss1")
    assert may_see_person(conn, boss, town.persons["w1"], NOW)
    assert not may_see_person(conn, boss, town.persons["w2"], NOW)
    listed = list_people(conn, visible_units(conn, boss, MAY_SEE_PEOPLE), NOW)
    assert [one.code for one in listed] == ["w1"]


def test_a_grant_everywhere_sees_everybody_page_by_page(conn: Connection, town: Town) -> None:
    scope = visible_units(conn, caller_of(conn, town, "command"), MAY_SEE_PEOPLE)
    first = list_people(conn, scope, NOW, limit=1)
    assert [one.code for one in first] == ["w1"]
    assert [one.code for one in list_people(conn, scope, NOW, after="w1")] == ["w2"]


def test_everybody_sees_themselves_and_a_worker_nobody_else(conn: Connection, town: Town) -> None:
    worker = caller_of(conn, town, "w1")
    assert may_see_person(conn, worker, town.persons["w1"], NOW)
    assert not may_see_person(conn, worker, town.persons["w2"], NOW)


def test_an_administrator_sees_people_but_not_their_movement(conn: Connection, town: Town) -> None:
    administrator = caller_of(conn, town, "administrator")
    assert may_see_person(conn, administrator, town.persons["w1"], NOW, roles=MAY_SEE_PEOPLE)
    assert not may_see_person(conn, administrator, town.persons["w1"], NOW, roles=MAY_SEE_MOVEMENT)
    assert not may(administrator, *MAY_SEE_MOVEMENT)


def test_a_person_who_moves_to_another_street_changes_eyes_at_once(conn: Connection, town: Town) -> None:
    moved = NOW + timedelta(hours=1)
    assert end_assignments(conn, town.persons["w1"], moved) == 1
    assign(conn, town.persons["w1"], Post(town.units["G2"], "grid_worker", moved))
    before, after = moved - timedelta(seconds=1), moved
    for login, sees_before, sees_after in (("boss1", True, False), ("boss2", False, True)):
        boss = caller_of(conn, town, login)
        assert may_see_person(conn, boss, town.persons["w1"], before) is sees_before
        assert may_see_person(conn, boss, town.persons["w1"], after) is sees_after


def test_a_grant_counts_from_its_hour_until_it_is_revoked(conn: Connection, town: Town) -> None:
    account = town.accounts["plain"]
    grant_id = add_grant(conn, account, "desk", unit_id=town.units["S1"], now=NOW)
    assert read_grants(conn, account, NOW - timedelta(seconds=1)) == ()
    assert [one.role for one in read_grants(conn, account, NOW)] == ["desk"]
    revoke_grant(conn, grant_id, NOW + timedelta(hours=1))
    assert read_grants(conn, account, NOW + timedelta(hours=1)) == ()
    assert [one.until for one in list_grants(conn, login="plain")] == [NOW + timedelta(hours=1)]
    with pytest.raises(NotFound):
        revoke_grant(conn, grant_id, NOW + timedelta(hours=2))


def test_the_same_grant_twice_and_unknown_ones_are_refused(conn: Connection, town: Town) -> None:
    with pytest.raises(Conflict, match="holds supervisor there already"):
        add_grant(conn, town.accounts["boss1"], "supervisor", unit_id=town.units["S1"], now=NOW)
    with pytest.raises(Invalid, match="no grant “king”"):
        add_grant(conn, town.accounts["boss1"], "king", unit_id=None, now=NOW)
    with pytest.raises(NotFound, match="no unit X"):
        find_unit(conn, "X", NOW)


def put_under_the_other_street(conn: Connection, town: Town) -> tuple[str, str]:
    """G1 belongs to S2 from NOW on; its path before and after."""
    old = conn.execute(
        select(func.text(unit_version.c.path)).where(unit_version.c.unit_id == town.units["G1"])
    ).scalar_one()
    row = (
        conn.execute(select(unit_version).where(unit_version.c.unit_id == town.units["G1"])).mappings().one()
    )
    conn.execute(update(unit_version).where(unit_version.c.id == row["id"]).values(valid=Range(None, NOW)))
    new = ".".join(town.units[code].hex for code in ("T", "S2", "G1"))
    fresh = {key: value for key, value in row.items() if key != "id"}
    conn.execute(insert(unit_version).values(fresh | {"valid": Range(NOW, None), "path": new}))
    return old, new


def test_a_unit_that_moves_to_another_street_takes_its_people_out_of_the_old_eyes(
    conn: Connection, town: Town
) -> None:
    put_under_the_other_street(conn, town)
    before = NOW - timedelta(seconds=1)
    for login, sees_before, sees_after in (("boss1", True, False), ("boss2", False, True)):
        boss = caller_of(conn, town, login)
        assert may_see_person(conn, boss, town.persons["w1"], before) is sees_before
        assert may_see_person(conn, boss, town.persons["w1"], NOW) is sees_after


def test_people_of_a_unit_that_is_gone_are_still_seen_by_those_above_it(conn: Connection, town: Town) -> None:
    own = unit_version.c.unit_id == town.units["G1"]
    conn.execute(update(unit_version).where(own).values(valid=Range(None, NOW)))
    for login, sees in (("boss1", True), ("boss2", False)):
        assert may_see_person(conn, caller_of(conn, town, login), town.persons["w1"], NOW) is sees


def test_many_instants_are_asked_about_at_once_and_each_gets_its_own_answer(
    conn: Connection, town: Town
) -> None:
    """G1 goes from S1 to S2 and ends a day later; then it lies where it ever did."""
    moves, ends = NOW, NOW + timedelta(days=1)
    own = unit_version.c.unit_id == town.units["G1"]
    conn.execute(update(unit_version).where(own).values(valid=Range(None, moves)))
    names = [column.name for column in unit_version.c if column.name not in {"id", "path", "valid"}]
    path = f"{town.units['T'].hex}.{town.units['S2'].hex}.{town.units['G1'].hex}"
    then = select(*(unit_version.c[name] for name in names), literal(path).cast(Ltree), literal(Range(moves, ends), TSTZRANGE)).where(own)  # fmt: skip
    conn.execute(insert(unit_version).from_select([*names, "path", "valid"], then))
    hour = timedelta(hours=1)
    instants = (
        func.unnest(array([moves - hour, moves + hour, ends + hour])).table_valued("at").render_derived()
    )
    at = instants.c.at.cast(DateTime(timezone=True))

    def seen(street: str) -> set[datetime]:
        paths = (f"{town.units['T'].hex}.{town.units[street].hex}",)
        within = assigned_within(Scope(everywhere=False, paths=paths), literal(town.persons["w1"]), at)
        return set(conn.scalars(select(at).where(within)))

    assert seen("S1") == {moves - hour, ends + hour}
    assert seen("S2") == {moves + hour, ends + hour}


def test_a_grant_holds_for_what_was_recorded_below_the_unit_before_it_moved(
    conn: Connection, town: Town
) -> None:
    """G1 is put under S2 by a later version: S1's boss keeps the old path only, G1's own grant both."""
    old, new = put_under_the_other_street(conn, town)
    add_grant(conn, town.accounts["plain"], "supervisor", unit_id=town.units["G1"], now=EVER)
    scope = visible_units(conn, caller_of(conn, town, "plain"), MAY_SEE_MOVEMENT)
    assert (scope.holds(old), scope.holds(new)) == (True, True)
    street = visible_units(conn, caller_of(conn, town, "boss1"), MAY_SEE_MOVEMENT)
    assert (street.holds(old), street.holds(new)) == (True, False)


def test_a_scope_says_the_same_in_python_and_in_sql(conn: Connection, town: Town) -> None:
    paths = {row.code: row.path for row in conn.execute(select(unit_version.c.code, unit_version.c.path))}
    for scope in (
        Scope(True),
        Scope(False),
        Scope(False, (paths["S1"],)),
        Scope(False, (paths["G1"], paths["S2"])),
    ):
        found = set(conn.scalars(select(unit_version.c.code).where(scope.where(unit_version.c.path))))
        assert found == {code for code, path in paths.items() if scope.holds(path)}
    assert not Scope(False, (paths["S1"],)).holds(None)
    assert Scope(True).holds(None)
    assert not Scope(False, ("ab",)).holds("abc")
