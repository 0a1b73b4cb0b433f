"""The migrations make what the tables say, and a newer database is not touched."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.dialects.postgresql.base import ischema_names

import analysis.alerts.tables
import analysis.coverage.kept.tables
import cases.tables
import geo.tables
import geo.walkable.tables
import maps.tables
import people.tables
import tracking.tables
from core.db import make_engine, metadata
from core.errors import Conflict
from migrations.upgrade import upgrade_schema

ROOMS = (analysis, cases, geo, maps, people, tracking)
ischema_names |= {"ltree": geo.tables.Ltree, "xid8": tracking.tables.Xid8}


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Not PostGIS's own table, nor the daily partitions."""
    return not (kind == "table" and name is not None and (name == "spatial_ref_sys" or "_p2" in name))


def test_the_migrations_make_what_the_tables_say(conn: Connection) -> None:
    assert {"network", "unit_version", "person", "fix", "case", "case_event"} <= set(
        inspect(conn).get_table_names()
    )
    context = MigrationContext.configure(conn, opts={"include_name": is_ours, "compare_type": True})
    assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_program_is_an_error_with_a_remedy_and_is_left_alone(own_database: str) -> None:
    engine = make_engine(own_database, pool_size=1)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match=r"9999.*newer Wangge"):
        upgrade_schema(engine)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_upgrading_twice_changes_nothing(own_database: str) -> None:
    engine = make_engine(own_database, pool_size=1)
    assert upgrade_schema(engine) == upgrade_schema(engine)
    engine.dispose()
