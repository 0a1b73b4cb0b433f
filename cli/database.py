"""`./wangge db`: the schema's version, backups and restores with PostgreSQL's own tools."""

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from cli.frame import DONE, open_database, open_engine, say, whole_file
from core.cluster import server_program
from core.db import make_engine, read_url
from core.errors import Conflict, Invalid
from core.settings import Settings
from migrations.upgrade import newest_version, protect_looks, stored_version, upgrade_schema


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("db", help="the database")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("upgrade", help="bring the schema up to this program").set_defaults(run=run_upgrade)
    actions.add_parser("status", help="schema of the database and of this program").set_defaults(
        run=run_status
    )
    backup = actions.add_parser("backup", help="write everything to one file; the service may go on")
    backup.add_argument("file", type=Path)
    backup.set_defaults(run=run_backup)
    restore = actions.add_parser("restore", help="fill an empty installation from a backup")
    restore.add_argument("file", type=Path)
    restore.set_defaults(run=run_restore)


def run_upgrade(_arguments: argparse.Namespace, settings: Settings) -> int:
    with open_engine(settings):
        say(f"the database is at schema {newest_version()}")
    return DONE


def run_status(_arguments: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as url, make_engine(url, pool_size=1).connect() as conn:
        print(f"database: {stored_version(conn) or 'empty'}\nprogram:  {newest_version()}")
    return DONE


def run_backup(arguments: argparse.Namespace, settings: Settings) -> int:
    """One consistent snapshot: everything acknowledged before it began is in it."""
    with open_database(settings) as url, whole_file(arguments.file) as part:
        _run(
            "pg_dump",
            ["--format=custom", "--compress=6", "--no-owner", "--no-privileges", "--file", str(part)],
            url,
        )
    say(f"wrote {arguments.file} ({arguments.file.stat().st_size:,} bytes)")
    return DONE


def run_restore(arguments: argparse.Namespace, settings: Settings) -> int:
    """All or nothing, into an empty database only: what is there is never overwritten."""
    if not arguments.file.is_file():
        raise Invalid(f"there is no file {arguments.file}")
    with open_database(settings) as url:
        engine = make_engine(url, pool_size=1)
        with engine.connect() as conn:
            if inspect(conn).has_table("network"):
                raise Conflict(
                    "this installation is not empty, and a restore would overwrite it: "
                    "name an empty one with WANGGE_VAR_DIR or WANGGE_DATABASE_URL"
                )
        with tempfile.NamedTemporaryFile("w", suffix=".list") as contents:
            contents.write(_contents_without_extensions(arguments.file, url))
            contents.flush()
            _run(
                "pg_restore",
                [
                    "--no-owner",
                    "--no-privileges",
                    "--single-transaction",
                    "--exit-on-error",
                    "--use-list",
                    contents.name,
                    "--dbname",
                    read_url(url).database or "",
                    str(arguments.file),
                ],
                url,
            )
        upgrade_schema(engine)
        with engine.begin() as conn:
            protect_looks(conn)
        engine.dispose()
    say(f"restored {arguments.file}")
    return DONE


def _contents_without_extensions(file: Path, url: str) -> str:
    """The backup's table of contents less what only a superuser may make and every installation has already."""
    listed = _run("pg_restore", ["--list", str(file)], url)
    theirs = (" EXTENSION ", " SCHEMA - public", " TABLE DATA public spatial_ref_sys ")
    return "\n".join(line for line in listed.splitlines() if not any(word in line for word in theirs))


def _run(program: str, arguments: list[str], url: str) -> str:
    """Run one of PostgreSQL's client programs. The address goes by the environment: process lists show arguments."""
    address = read_url(url)
    host = address.host or str(address.query.get("host", ""))
    environ = {
        "PGHOST": host,
        "PGPORT": str(address.port or 5432),
        "PGUSER": address.username or "",
        "PGPASSWORD": str(address.password or ""),
        "PGDATABASE": address.database or "",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [server_program(program), *arguments], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Invalid(f"{program} failed: {done.stderr.strip()}")
    return done.stdout
