"""The chores of a running service: of several processes one keeps watch, and another takes over when it ends."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from api.chores import chores_done
from core.clock import utc_now
from core.db import make_engine
from core.settings import read_settings
from tests.cases.town import report, take_in
from tests.people.town import build_town

SETTINGS = read_settings({})


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database)
    yield engine
    engine.dispose()


def count(engine: Engine, query: str) -> int:
    with engine.connect() as conn:
        return int(conn.execute(text(query)).scalar_one())


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


WATCH = """
FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 2002875491
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WATCHMEN = "SELECT count(DISTINCT pid) " + WATCH
URGENT = "SELECT count(*) FROM alert WHERE kind = 'urgent_case'"


def test_one_process_keeps_watch_and_another_takes_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.chores.WATCH_S", 0.2)
    now = utc_now()
    with engine.begin() as conn:
        build_town(conn, now)
        take_in(conn, report("urgent", level=4, reported_at=now), now=now)
    other = make_engine(engine.url.render_as_string(hide_password=False))
    with chores_done(other, SETTINGS, utc_now), chores_done(engine, SETTINGS, utc_now):
        wait_for(lambda: count(engine, URGENT) == 1)
        assert count(engine, WATCHMEN) == 1
        with engine.begin() as conn:  # whoever watches is gone
            conn.execute(text("SELECT pg_terminate_backend(pid) " + WATCH))
        with engine.begin() as conn:
            take_in(conn, report("urgent too", level=4, reported_at=now), now=now)
        wait_for(lambda: count(engine, URGENT) == 2)
        wait_for(lambda: count(engine, WATCHMEN) == 1)
    other.dispose()
    wait_for(lambda: count(engine, WATCHMEN) == 0)
