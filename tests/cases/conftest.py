"""The town is built once; each test works on it in a savepoint that is rolled back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from tests.people.town import Town, build_town


@pytest.fixture(scope="package")
def built(session_engine: Engine) -> Iterator[tuple[Connection, Town]]:
    with session_engine.connect() as connection:
        transaction = connection.begin()
        yield connection, build_town(connection)
        transaction.rollback()


@pytest.fixture
def conn(built: tuple[Connection, Town]) -> Iterator[Connection]:
    """A connection in whose transaction the town stands."""
    connection, _ = built
    savepoint = connection.begin_nested()
    yield connection
    savepoint.rollback()


@pytest.fixture
def town(built: tuple[Connection, Town]) -> Town:
    return built[1]


@pytest.fixture
def empty_conn(session_engine: Engine) -> Iterator[Connection]:
    """A connection in a database where nothing is published."""
    with session_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()
