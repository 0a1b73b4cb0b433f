"""What is remembered of the rosters counts until somebody's change is committed, and not a moment longer."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from tests.tracking.city import EVER, NOW, make_person
from tracking import roster
from tracking.devices import add_device, renew_token, revoke_device
from tracking.roster import Roster, forget_roster_changes

TABLES = (
    "person",
    "role",
    "assignment",
    "shift",
    "notice",
    "notice_acceptance",
    "device",
    "device_holder",
    "unit_version",
)


@pytest.fixture(autouse=True)
def enrolled(engine: Engine) -> None:
    with engine.begin() as conn:
        make_person(conn, "W1")
        add_device(conn, "P1", "W1", now=EVER)


def is_kept(engine: Engine, memory: Roster, before: object) -> bool:
    with engine.begin() as conn:
        return memory.recall(conn) is before


def recall(engine: Engine, memory: Roster) -> object:
    with engine.begin() as conn:
        return memory.recall(conn)


def test_a_memory_is_kept_while_nothing_changes(engine: Engine) -> None:
    memory = Roster()
    before = recall(engine, memory)
    with engine.begin() as conn:
        conn.execute(text("UPDATE role SET name = name WHERE false"))
        conn.rollback()
    assert is_kept(engine, memory, before)
    assert is_kept(engine, memory, before)


@pytest.mark.parametrize("table", TABLES)
def test_whatever_roster_is_changed_it_begins_anew(engine: Engine, table: str) -> None:
    memory = Roster()
    before = recall(engine, memory)
    with engine.begin() as conn:
        conn.execute(text(f"DELETE FROM {table} WHERE false"))
    assert not is_kept(engine, memory, before)


def test_a_change_counts_from_its_commit_on_also_when_it_began_before(engine: Engine) -> None:
    memory = Roster()
    with engine.connect() as slow:
        slow.execute(text("UPDATE shift SET ends_at = ends_at"))
        before = recall(engine, memory)
        with engine.begin() as conn:  # later numbers are committed meanwhile
            conn.execute(text("CREATE TABLE elsewhere ()"))
        assert is_kept(engine, memory, before)
        slow.commit()
    assert not is_kept(engine, memory, before)
    assert is_kept(engine, memory, recall(engine, memory))


def test_a_change_that_is_taken_back_changes_nothing(engine: Engine) -> None:
    memory = Roster()
    before = recall(engine, memory)
    with engine.connect() as conn:
        revoke_device(conn, "P1", now=NOW)
        conn.rollback()
    assert is_kept(engine, memory, before)


def test_many_changes_of_one_transaction_leave_one_number_and_old_numbers_go(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM roster_change"))
        for _ in range(3):
            renew_token(conn, "P1")
    with engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM roster_change")).scalar_one() == 1
        forget_roster_changes(conn)
        assert conn.execute(text("SELECT count(*) FROM roster_change")).scalar_one() == 1
        conn.execute(text("UPDATE roster_change SET at = :at"), {"at": NOW - timedelta(days=9999)})
        forget_roster_changes(conn)
        assert conn.execute(text("SELECT count(*) FROM roster_change")).scalar_one() == 0


def test_an_old_or_full_memory_begins_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Roster()
    before = recall(engine, memory)
    monkeypatch.setattr(roster, "_KEPT_S", -1.0)
    assert not is_kept(engine, memory, before)
    monkeypatch.undo()
    before = recall(engine, memory)
    before.spans.update((n, roster._NOBODYS) for n in range(5))
    monkeypatch.setattr(roster, "_MOST", 4)
    assert not is_kept(engine, memory, before)
