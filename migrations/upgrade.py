"""The schema's version: bring a database up to this program's, or say plainly why not."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select

from core.errors import Conflict

MIGRATIONS = Path(__file__).parent
_LOCK = 0x77616E67  # any constant of our own: one migrator at a time


def _config(conn: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    return config


def newest_version() -> str:
    """The revision this program was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def stored_version(conn: Connection) -> str | None:
    """The revision the database is at; None for an empty database."""
    return MigrationContext.configure(conn).get_current_revision()


def upgrade_schema(engine: Engine) -> str:
    """Migrate to this program's schema, in one transaction and never downwards; returns the revision.

    Conflict when the database belongs to a newer program.
    """
    with engine.begin() as conn:
        conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        stored = stored_version(conn)
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if stored is not None and stored not in known:
            raise Conflict(
                f"the database is at schema {stored}, which this program does not know (its newest is "
                f"{newest_version()}): it was used by a newer Wangge. Run that one, or restore a backup from before."
            )
        if stored != newest_version():
            command.upgrade(_config(conn), "head")
    return newest_version()


def protect_looks(conn: Connection) -> None:
    """Take the right to change looks from this database's account; a restored table has it anew."""
    conn.exec_driver_sql("REVOKE UPDATE, DELETE, TRUNCATE ON look FROM PUBLIC, CURRENT_USER")
