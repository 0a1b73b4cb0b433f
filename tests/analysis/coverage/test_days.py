"""Which days are to be computed, and that a day computed again after a late fix is the day from scratch."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.due import days_due, stale_days
from analysis.coverage.kept.reading import find_network_id
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_duty,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_unit,
)
from core.errors import Invalid
from geo.lookup import Lookup
from geo.tables import unit_version
from people.shifts import Shift, add_shift
from people.tables import person
from tests.analysis.coverage.test_denominators import WALKED, add_sites
from tests.analysis.coverage.town import JOB, MORNING, NOW, ON, ZONE, add_fixes, build
from tests.tracking.city import make_device

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MIDNIGHT = MORNING + timedelta(hours=16)
TABLES = (coverage_unit, coverage_piece, coverage_presence, coverage_site, coverage_duty)
Rows = dict[str, list[str]]


def compute(conn: Connection, *days: date) -> None:
    for on in days:
        compute_day(conn, Lookup(conn), JOB, on=on, now=NOW + 2 * DAY)


def contents(conn: Connection) -> Rows:
    """Everything kept of all days, with codes in place of ids."""
    codes = {
        "day_id": {row.id: row.on for row in conn.execute(select(coverage_day))},
        "unit_version_id": {row.id: row.code for row in conn.execute(select(unit_version))},
        "person_id": {row.id: row.code for row in conn.execute(select(person))},
    }
    found: Rows = {}
    for table in TABLES:
        rows = conn.execute(select(table)).mappings()
        found[table.name] = sorted(
            repr({name: codes[name][value] if name in codes else value for name, value in row.items()})
            for row in rows
        )
    days = conn.execute(select(coverage_day.c.on, coverage_day.c.fixes, coverage_day.c.interval_us))
    return {**found, "coverage_day": sorted(repr(tuple(row)) for row in days)}


def from_scratch(conn: Connection, fill: Callable[[], None]) -> Rows:
    """What is found where all was there before anything was computed, and nothing of it stays."""
    with conn.begin_nested() as alone:
        fill()
        compute(conn, ON, ON + DAY)
        found = contents(conn)
        alone.rollback()
    return found


def fill_night(conn: Connection, folder: Path) -> int:
    """w1 by day, and again from ten minutes before midnight until ten after, with a hole around it."""
    worker = build(conn)
    add_sites(conn, folder, ("S1", 1, 1, WALKED))
    add_shift(conn, Shift(worker, MIDNIGHT - 60 * MINUTE, MIDNIGHT + 60 * MINUTE))
    add_fixes(conn, worker, WALK)
    add_fixes(conn, worker, WALK[:2], at=MIDNIGHT - 2 * MINUTE)
    add_fixes(conn, worker, WALK[2:], at=MIDNIGHT + 4 * MINUTE)
    return worker


def test_a_late_fix_near_midnight_makes_both_days_due_and_both_are_as_from_scratch(
    conn: Connection, tmp_path: Path
) -> None:
    late = [(1.0, 0.2), (1.0, 0.3)]
    at, received = MIDNIGHT + MINUTE, NOW + 3 * DAY

    def fill_all() -> None:
        add_fixes(conn, fill_night(conn, tmp_path), late, at=at, received_at=received)

    whole = from_scratch(conn, fill_all)
    worker = fill_night(conn, tmp_path)
    compute(conn, ON, ON + DAY)
    before = contents(conn)
    assert stale_days(conn, find_network_id(conn, "governance"), zone=ZONE, now=received) == []
    add_fixes(conn, worker, late, at=at, received_at=received)
    network_id = find_network_id(conn, "governance")
    assert stale_days(conn, network_id, zone=ZONE, now=received + MINUTE) == [ON, ON + DAY]
    compute(conn, ON, ON + DAY)
    assert contents(conn) == whole
    assert before != whole
    assert all(whole[table.name] for table in TABLES)


def test_a_late_fix_by_day_makes_its_day_stale_until_it_is_computed_again(
    conn: Connection, tmp_path: Path
) -> None:
    later = NOW + timedelta(hours=1)
    on_way = {"at": MORNING + 30 * MINUTE, "received_at": later}

    def fill_all() -> None:
        add_fixes(conn, fill_night(conn, tmp_path), [(0.0, 1.0), (0.0, 0.0)], **on_way)

    whole = from_scratch(conn, fill_all)
    worker, network_id = fill_night(conn, tmp_path), find_network_id(conn, "governance")
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    assert stale_days(conn, network_id, zone=ZONE, now=later) == [ON], "received in the minute of computing"
    compute_day(conn, Lookup(conn), JOB, on=ON, now=later)
    assert stale_days(conn, network_id, zone=ZONE, now=later) == []
    add_fixes(conn, worker, [(0.0, 1.0), (0.0, 0.0)], **on_way)
    assert stale_days(conn, network_id, zone=ZONE, now=later + MINUTE) == [ON]
    compute(conn, ON, ON + DAY)
    assert contents(conn) == whole


def test_after_a_weekend_down_every_day_is_due_from_the_oldest_with_fixes(conn: Connection) -> None:
    add_fixes(conn, build(conn), WALK)
    network_id = find_network_id(conn, "governance")

    def due(hours: float, kept_days: float = 30) -> list[date]:
        now = MIDNIGHT + timedelta(hours=hours)
        return days_due(conn, network_id, zone=ZONE, now=now, kept_days=kept_days)

    assert due(0.5) == [ON - DAY], "the hour in which fixes in time still change it is not over"
    assert due(2) == [ON]
    assert due(80) == [ON, ON + DAY, ON + 2 * DAY, ON + 3 * DAY]
    assert due(80, kept_days=2.5) == [ON + 3 * DAY], "of the others no fixes stand"
    compute_day(conn, Lookup(conn), JOB, on=ON + 2 * DAY, now=MIDNIGHT + timedelta(hours=60))
    assert due(80) == [ON, ON + DAY, ON + 3 * DAY]


def test_no_day_is_computed_at_a_resolution_that_the_phones_do_not_support(conn: Connection) -> None:
    add_fixes(conn, build(conn), WALK)
    assert make_device(conn, "P1", "w1")
    fine = replace(JOB, rules=replace(JOB.rules, resolution=12))
    with pytest.raises(Invalid, match="WANGGE_H3_RESOLUTION to 11"):
        compute_day(conn, Lookup(conn), fine, on=ON, now=NOW)
