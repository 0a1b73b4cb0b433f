"""A database of the test's own that commits, for tests of doors and of many at once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from core.db import make_engine


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()
