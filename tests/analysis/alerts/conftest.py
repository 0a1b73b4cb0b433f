"""The town of two streets with a phone for each of its workers, in a transaction that is rolled back."""

import pytest
from sqlalchemy import Connection

from tests.people.town import EVER, Town, build_town
from tracking.devices import Device, add_device, find_devices


@pytest.fixture
def town(conn: Connection) -> Town:
    return build_town(conn)


@pytest.fixture
def phones(conn: Connection, town: Town) -> dict[str, Device]:
    """By person; they report every ten seconds."""
    found = {}
    for code in town.persons:
        token = add_device(conn, f"P-{code}", code, now=EVER)
        found[code] = find_devices(conn, [token])[token]
    return found
