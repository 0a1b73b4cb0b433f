import ast
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from migrations.upgrade import protect_looks
from people.looks import Look, list_looks, record_look
from people.persons import Post, assign, end_assignments
from tests.people.town import NOW, Town

ROOT = Path(__file__).parent.parent.parent
HOUR = timedelta(hours=1)


def test_a_person_reads_who_looked_at_them(conn: Connection, town: Town) -> None:
    seen = Look(NOW, "boss1", "trail", "complaint 12", town.accounts["boss1"], town.persons["w1"])
    record_look(conn, seen)
    assert list_looks(conn, town.persons["w1"]) == [seen]
    assert list_looks(conn, town.persons["w2"]) == []


def test_a_view_of_a_unit_is_a_look_at_those_who_served_below_it_then(conn: Connection, town: Town) -> None:
    end_assignments(conn, town.persons["w2"], NOW + HOUR)
    assign(conn, town.persons["w2"], Post(town.units["G1"], "grid_worker", NOW + HOUR))
    for hour in (0, 2):
        record_look(conn, Look(NOW + hour * HOUR, "boss1", "live", "wall", unit_id=town.units["S1"]))
    record_look(conn, Look(NOW + 3 * HOUR, "operator", "export", "report"))
    hours = {
        code: [(one.at - NOW) / HOUR for one in list_looks(conn, town.persons[code])] for code in ("w1", "w2")
    }
    assert hours == {"w1": [3, 2, 0], "w2": [3, 2]}
    assert len(list_looks(conn, town.persons["w1"], limit=1)) == 1


def rights_on_looks(conn: Connection) -> set[str]:
    listed = conn.execute(
        text(
            "SELECT privilege_type FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))"
            " WHERE relname = 'look'"
        )
    )
    return set(listed.scalars())


def test_looks_are_written_once(conn: Connection) -> None:
    """Not even the tables' owner changes one by an ordinary statement: the right is taken away."""
    assert not {"UPDATE", "DELETE", "TRUNCATE"} & rights_on_looks(conn)


def test_a_restored_table_of_looks_is_protected_again(conn: Connection) -> None:
    conn.execute(text("GRANT UPDATE, DELETE, TRUNCATE ON look TO CURRENT_USER"))
    assert {"UPDATE", "DELETE", "TRUNCATE"} <= rights_on_looks(conn)
    protect_looks(conn)
    assert not {"UPDATE", "DELETE", "TRUNCATE"} & rights_on_looks(conn)


@pytest.mark.parametrize("statement", ["UPDATE look SET who = 'nobody'", "DELETE FROM look", "TRUNCATE look"])
def test_the_programs_own_database_account_cannot_change_a_look(
    conn: Connection, town: Town, statement: str
) -> None:
    if conn.execute(text("SELECT usesuper FROM pg_user WHERE usename = current_user")).scalar_one():
        pytest.skip("this server was given with a superuser, who may do anything")
    with pytest.raises(ProgrammingError, match="permission denied"):
        conn.execute(text(statement))


def test_no_code_changes_a_look() -> None:
    """No update( or delete( of the table anywhere, and no SQL file that names it after UPDATE or DELETE."""
    found = []
    for path in [*ROOT.glob("[a-z]*/**/*.py")]:
        relative = path.relative_to(ROOT)
        if relative.parts[0] in {"tests", "node_modules", "var", "migrations"} or not path.is_file():
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"update", "delete"}
            ):
                named = [ast.unparse(argument) for argument in node.args]
                found += [
                    f"{relative}: {node.func.id}({name})" for name in named if name.split(".")[-1] == "look"
                ]
    for path in ROOT.glob("[a-z]*/sql/*.sql"):
        words = path.read_text("utf-8").lower().split()
        pairs = pairwise(words)
        found += [str(path) for one, two in pairs if one in {"update", "from", "truncate"} and two == "look"]
    assert found == []
