from sqlalchemy import Connection, inspect


def test_the_migrations_make_every_table_of_every_room(conn: Connection) -> None:
    names = set(inspect(conn).get_table_names())
    assert {"network", "unit_version", "person", "fix", "case", "case_event"} <= names
