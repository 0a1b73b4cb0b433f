"""A real PostGIS for every test: a database made once a run by the migrations, each test rolled back."""

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from core.db import make_engine, read_url
from migrations.upgrade import upgrade_schema


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the long tests (kill, soak, many seeds)")
    parser.addoption(
        "--require-data", action="store_true", help="fail, not skip, where the extra real data is absent"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Where no bytecode may lie beside the sources, the run keeps it elsewhere.

    The tests start dozens of processes, each of which would compile a thousand modules.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = tempfile.TemporaryDirectory(prefix="wangge-bytecode-", ignore_cleanup_errors=True)
        config.add_cleanup(folder.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = folder.name
        sys.dont_write_bytecode = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        chosen = [item for item in items if "full" not in item.keywords]
        config.hook.pytest_deselected(items=[item for item in items if "full" in item.keywords])
        items[:] = chosen
    if hasattr(config, "workerinput"):
        from tests.workers import put_longest_first

        put_longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `./wangge test -n 2`."""
    from tests.workers import ByShare

    config.option.loadscopereorder = False
    return ByShare(config, log)


def pytest_collection_finish() -> None:
    """An application started inside the tests leaves their garbage alone.

    A service goes through all there is when it starts; here that is the whole run's, hundreds of times over. Services
    with a process of their own (tests/journeys) do as they always do, and tests/api/test_collecting.py looks at how.
    """
    if "api.app" in sys.modules:
        sys.modules["api.app"].collecting_seldom = nullcontext  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def real_data(pytestconfig: pytest.Config) -> Path:
    """The folder of extra real data; the test is skipped, or fails with --require-data, where it is absent."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("WANGGE_TEST_DATA", root / ".." / "shared" / "data")).resolve()
    if not (folder / "README.md").exists():
        message = f"the extra real data is not at {folder}; set WANGGE_TEST_DATA"
        if pytestconfig.getoption("--require-data"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostGIS server to make test databases on: WANGGE_TEST_DATABASE_URL, or an embedded cluster of its own."""
    if url := os.environ.get("WANGGE_TEST_DATABASE_URL"):
        yield url
        return
    from tests.cluster import borrowed_cluster

    with borrowed_cluster() as url:
        yield url


def make_database(server_url: str, name: str, template: str | None = None) -> str:
    """A fresh database on the server; returns its address."""
    admin = make_engine(server_url, pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        suffix = f" TEMPLATE {template}" if template else ""
        conn.execute(text(f"CREATE DATABASE {name}{suffix}"))
    admin.dispose()
    return read_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    admin = make_engine(server_url, pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        for tries_left in range(20, -1, -1):
            try:
                conn.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                break
            except ProgrammingError:  # autovacuum is at work in it, which only a superuser may end
                if not tries_left:
                    raise
                time.sleep(0.5)
    admin.dispose()


@pytest.fixture(scope="session")
def template_name(server_url: str) -> Iterator[str]:
    """The name of a migrated, empty database that tests copy."""
    name = f"wangge_template_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name), pool_size=1)
    upgrade_schema(engine)
    engine.dispose()
    yield name
    drop_database(server_url, name)


@pytest.fixture(scope="session")
def session_engine(server_url: str, template_name: str) -> Iterator[Engine]:
    """One migrated database for all tests that roll back."""
    name = template_name.replace("template", "session")
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    yield engine
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture
def conn(session_engine: Engine) -> Iterator[Connection]:
    """A connection whose work is rolled back after the test."""
    with session_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        if transaction.is_active:
            transaction.rollback()


@contextmanager
def copy_of(server_url: str, template: str) -> Iterator[str]:
    """The address of a copy of a database to which nobody is connected, gone after the block."""
    name = f"wangge_own_{uuid.uuid4().hex[:12]}"
    try:
        yield make_database(server_url, name, template)
    finally:
        drop_database(server_url, name)


@pytest.fixture
def own_database(server_url: str, template_name: str) -> Iterator[str]:
    """The address of a migrated, empty database of the test's own, for code that commits."""
    with copy_of(server_url, template_name) as url:
        yield url
