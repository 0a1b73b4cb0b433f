import pytest
from sqlalchemy import Connection

from tests.people.town import Town, build_town


@pytest.fixture
def town(conn: Connection) -> Town:
    return build_town(conn)
