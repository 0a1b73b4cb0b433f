"""The lookup of a process: what it keeps, when it looks again, and how the database is asked."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from core.db import make_engine, ring
from geo.lookup import Lookup
from geo.lookup.units import units_at
from tests.geo.ground import Drawn, make_network, publish

ONE = [Drawn("one", shapely.box(116.0, 40.0, 116.1, 40.1))]
TWO = [
    Drawn("west", shapely.box(116.0, 40.0, 116.05, 40.1)),
    Drawn("east", shapely.box(116.05, 40.0, 116.1, 40.1)),
]
JULY = datetime(2026, 7, 1, tzinfo=UTC)
INSIDE = (116.02, 40.05)


def code_at(lookup: Lookup, at: datetime) -> str | None:
    unit = lookup.place(*INSIDE, at=at)[0].unit
    return None if unit is None else unit.code


def test_an_edition_published_elsewhere_is_seen_when_its_bell_rings(own_database: str) -> None:
    engine = make_engine(own_database)
    lookup = Lookup(engine)
    with engine.begin() as conn:
        make_network(conn, "governance")
        publish(conn, "governance", ONE)
    assert code_at(lookup, JULY) == "one"
    with engine.begin() as conn:
        publish(conn, "governance", TWO, effective_from=JULY)
        ring(conn, "edition")
        assert code_at(lookup, JULY) == "one", "nothing is seen before the commit"
    lookup.refresh()
    assert code_at(lookup, JULY) == "west"
    assert code_at(lookup, JULY - timedelta(days=1)) == "one"
    lookup.close()
    engine.dispose()


def test_the_bell_alone_is_enough(own_database: str) -> None:
    engine = make_engine(own_database)
    lookup = Lookup(engine)
    with engine.begin() as conn:
        make_network(conn, "governance")
        publish(conn, "governance", ONE)
    assert code_at(lookup, JULY) == "one"
    with engine.begin() as conn:
        publish(conn, "governance", TWO, effective_from=JULY)
        ring(conn, "edition")
    until = time.monotonic() + 60
    while code_at(lookup, JULY) == "one" and time.monotonic() < until:
        time.sleep(0.01)
    assert code_at(lookup, JULY) == "west"
    lookup.close()
    engine.dispose()


def test_placement_goes_on_from_memory_while_the_database_is_away(own_database: str) -> None:
    engine = make_engine(own_database)
    with engine.begin() as conn:
        make_network(conn, "governance")
        publish(conn, "governance", ONE)
    lookup = Lookup(engine)
    assert code_at(lookup, JULY) == "one"
    with engine.connect() as conn:
        others = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        conn.execute(others)
        conn.commit()
    assert [code_at(lookup, JULY) for _ in range(3)] == ["one"] * 3
    lookup.close()
    engine.dispose()


def test_a_lookup_keeps_no_connection_of_the_pool(own_database: str) -> None:
    engine = make_engine(own_database, pool_size=1)
    with engine.begin() as conn:
        make_network(conn, "governance")
        publish(conn, "governance", ONE)
    lookup = Lookup(engine)
    with engine.connect():
        assert code_at(lookup, JULY) == "one"
    lookup.close()
    engine.dispose()


def test_snapshots_are_bounded_and_the_least_used_goes(conn: Connection) -> None:
    make_network(conn, "governance")
    days = [JULY + timedelta(days=day) for day in range(4)]
    for day in days:
        publish(conn, "governance", ONE if day.day % 2 else TWO, effective_from=day)
    lookup = Lookup(conn, max_bytes=9_000)
    assert [code_at(lookup, day) for day in days] == ["one", "west", "one", "west"]
    assert lookup.kept < 4
    assert [code_at(lookup, day) for day in days] == ["one", "west", "one", "west"]


def test_many_points_at_many_instants_each_take_the_edition_of_their_own(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", ONE, effective_from=JULY)
    publish(conn, "governance", TWO, effective_from=JULY + timedelta(days=1))
    at = np.array(
        ["2026-06-30T23:59:59.999999", "2026-07-01", "2026-07-02", "2026-07-03", "NaT"],
        dtype="datetime64[us]",
    )
    lon, lat = np.full(5, INSIDE[0]), np.full(5, INSIDE[1])
    found = Lookup(conn).place_many("governance", lon, lat, at)
    assert list(found.codes("grid")) == [None, "one", "west", "west", None]
    assert list(found.status) == ["outside", "inside", "inside", "inside", "outside"]
    assert list(found.edition_id > 0) == [False, True, True, True, False]
    assert found.unit_version_id[2] == found.unit_version_id[3] != found.unit_version_id[1]
    assert list(found.several) == [()] * 5
    assert np.isnan(found.border_m[[0, 4]]).all()


def test_threads_share_one_lookup_and_get_the_same_answers(own_database: str) -> None:
    engine = make_engine(own_database)
    squares = [
        Drawn(f"{x}-{y}", shapely.box(116 + x / 100, 40 + y / 100, 116.01 + x / 100, 40.01 + y / 100))
        for x in range(10)
        for y in range(10)
    ]
    with engine.begin() as conn:
        make_network(conn, "governance")
        publish(conn, "governance", squares)
    lookup = Lookup(engine)
    points = np.random.default_rng(1).random((30_000, 2)) * 0.1 + [116, 40]
    lon, lat = points[:, 0].copy(), points[:, 1].copy()
    with ThreadPoolExecutor(8) as threads:
        work = [
            threads.submit(lambda: lookup.place_many("governance", lon, lat).unit_version_id)
            for _ in range(16)
        ]
        answers = [each.result() for each in work]
    assert (answers[0] > 0).all()
    assert all((answer == answers[0]).all() for answer in answers)
    lookup.close()
    engine.dispose()


@pytest.fixture
def crowded(own_database: str) -> str:
    """12,000 unit versions: 100 units in each of 10 editions of 12 networks."""
    engine = make_engine(own_database)
    squares = [
        Drawn(f"{x}-{y}", shapely.box(116 + x / 1000, 40 + y / 1000, 116.001 + x / 1000, 40.001 + y / 1000))
        for x in range(10)
        for y in range(10)
    ]
    with engine.begin() as conn:
        for number in range(12):
            code = "governance" if number == 7 else f"network{number}"
            make_network(conn, code)
            for day in range(10):
                publish(conn, code, squares, effective_from=JULY + timedelta(days=day))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE unit_version, unit"))
    engine.dispose()
    return own_database


def test_units_of_an_instant_are_found_by_an_index_that_knows_time(crowded: str) -> None:
    engine = make_engine(crowded)
    with engine.connect() as conn:
        network_id = conn.execute(text("SELECT id FROM network WHERE code = 'governance'")).scalar_one()
        assert conn.execute(text("SELECT count(*) FROM unit_version")).scalar_one() >= 10_000
        early = JULY + timedelta(hours=1)
        queries = (units_at(network_id, early), units_at(network_id, early, known_at=early))
        compiled = [query.compile(conn) for query in queries]
        plans = [
            "\n".join(conn.exec_driver_sql(f"EXPLAIN {each}", each.params).scalars()) for each in compiled
        ]
    engine.dispose()
    by_time = ("ix_unit_version_ground", "ex_unit_version_one_at_a_time")
    for plan in plans:
        assert any(index in plan for index in by_time), plan
        assert "Seq Scan on unit_version" not in plan
