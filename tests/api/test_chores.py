"""What a running service does by itself: one process at a time."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select, text

from api.chores import _MEASURER, measure_some
from core.db import make_engine
from tests.tracking.city import EVER, NOW, make_person
from tracking.devices import add_device


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()


def checked(engine: Engine) -> list[object]:
    with engine.connect() as conn:
        return list(conn.execute(text("SELECT speed_checked_at FROM device")).scalars())


def test_speeds_are_measured_by_one_process_at_a_time(engine: Engine) -> None:
    with engine.begin() as conn:
        make_person(conn)
        add_device(conn, "P1", "W1", now=EVER)
    with engine.begin() as other:
        other.execute(select(func.pg_advisory_xact_lock(_MEASURER)))
        measure_some(engine, NOW)
        assert checked(engine) == [None]
    measure_some(engine, NOW)
    assert checked(engine) == [NOW]
