"""A worker's day by hand: the way without gaps, the time in the own grid, and the shift it is a share of.

+---------+---------+
|   G1  w1 →→   G2  |     w1 serves in G1 and walks east into G2
+---------+---------+
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from analysis.today import read_today
from geo.lookup import Lookup
from tests.people.town import EVER, LAT, LON, NOW, Town, build_town
from tests.tracking.test_laws import RULES
from tracking.batches import Arrival
from tracking.devices import add_device, find_devices
from tracking.formats.report import ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.partitions import make_ahead
from tracking.trails import TrailRules

SHANGHAI = ZoneInfo("Asia/Shanghai")
STEP = 10 / 95_410  # ten metres of longitude at 31 degrees north


@pytest.fixture
def town(conn: Connection) -> Town:
    make_ahead(conn, NOW)
    return build_town(conn)


def walk(conn: Connection, *places: tuple[float, float], device: str = "P1") -> None:
    """Fixes of w1's phone at (seconds before NOW, degrees east of the border of G1 and G2)."""
    token = add_device(conn, device, "w1", now=EVER)
    phone = find_devices(conn, [token])[token]
    fixes = tuple(
        ParsedFix(NOW - timedelta(seconds=ago), LON + 0.01 + east, LAT + 0.005) for ago, east in places
    )
    ingest_reports(conn, Lookup(conn), [Arrival(phone, Report("native", fixes))], now=NOW, rules=RULES)


def today(conn: Connection, town: Town):
    return read_today(conn, town.persons["w1"], NOW, zone=SHANGHAI, rules=TrailRules())


def test_the_way_and_the_time_in_the_own_grid(conn: Connection, town: Town) -> None:
    # two minutes towards the border, then one beyond it, ten metres every ten seconds
    walk(conn, *((180 - 10 * n, (n - 12.5) * STEP) for n in range(19)))
    day = today(conn, town)
    assert day.moved_m == pytest.approx(180, rel=0.01)
    assert (day.in_own_s, day.observed_s, day.fixes) == (120, 180, 19)
    assert day.on_shift_s == 8 * 3600, "since one in the morning in Shanghai"


def test_nothing_is_walked_across_a_gap(conn: Connection, town: Town) -> None:
    before = [(1200 - 10 * n, -0.005 + n * STEP) for n in range(7)]
    after = [(60 - 10 * n, -0.003 + n * STEP) for n in range(7)]
    walk(conn, *before, *after)
    day = today(conn, town)
    assert day.moved_m == pytest.approx(120, rel=0.01)
    assert (day.in_own_s, day.observed_s) == (120, 120)


def test_two_phones_at_once_count_once(conn: Connection, town: Town) -> None:
    walk(conn, *((100 - 10 * n, -0.005 + n * STEP) for n in range(11)))
    walk(conn, *((95 - 10 * n, -0.005 + n * STEP) for n in range(10)), device="P2")
    day = today(conn, town)
    assert (day.in_own_s, day.observed_s) == (100, 100)


def test_a_shift_counts_from_midnight_and_until_now(conn: Connection, town: Town) -> None:
    conn.execute(
        text("UPDATE shift SET starts_at = :since, ends_at = :until WHERE person_id = :p"),
        {"since": NOW - timedelta(hours=11), "until": NOW + timedelta(hours=1), "p": town.persons["w1"]},
    )
    assert today(conn, town).on_shift_s == 9 * 3600, "midnight in Shanghai is nine hours before NOW"


def test_a_day_without_a_fix_is_empty(conn: Connection, town: Town) -> None:
    day = today(conn, town)
    assert (day.moved_m, day.in_own_s, day.observed_s, day.fixes) == (0, 0, 0, 0)
