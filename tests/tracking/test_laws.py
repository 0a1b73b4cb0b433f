"""The laws of movement: twice changes nothing, order changes nothing, and everything derived equals a recomputation."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from tests.tracking.city import NOW, make_worker
from tracking.batches import Arrival
from tracking.checks import Flag, Rules
from tracking.devices import Device
from tracking.formats.report import ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.trails import TrailRules, read_trail, trail_geojson

RULES = Rules()
ZONE = ZoneInfo("Asia/Shanghai")
PLACES = [
    (113.15, 27.82),
    (113.1502, 27.8201),
    (113.151, 27.8203),
    (113.25, 27.9),
    (0.0, 0.0),
    (113.15, 127.0),
    (None, 27.8),
]
Sent = tuple[int, ParsedFix]
HEARD = """
    SELECT device.id, greatest(max(fix.fixed_at), max(device_heard.heard_at))
    FROM device LEFT JOIN fix ON fix.device_id = device.id AND fix.flags = 0
    LEFT JOIN device_heard ON device_heard.device_id = device.id
    GROUP BY device.id ORDER BY device.id
"""
"""When each device was last heard: its accepted fixes tell it, `device_heard` the rest."""


def a_fix(
    second: int, place: int, accuracy_m: float | None, speed_mps: float | None, mock: bool
) -> ParsedFix:
    lon, lat = PLACES[place]
    at = NOW - timedelta(minutes=40) + timedelta(seconds=second)
    return ParsedFix(
        at, lon, lat, accuracy_m=accuracy_m, speed_mps=speed_mps, mock=mock, item={"s": second, "p": place}
    )


fixes = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1]),
        st.builds(
            a_fix,
            st.sampled_from([0, 1, 5, 10, 20, 60, 300, 1200, 2000, 2390]),
            st.sampled_from([0, 0, 1, 2, 3, 3, 3, 4, 5, 6]),
            st.sampled_from([None, 5.0, 5.0, 50.0, 500.0]),
            st.sampled_from([None, 0.0, 1.4]),
            st.sampled_from([False] * 9 + [True]),
        ),
    ),
    min_size=4,
    max_size=24,
)


@contextmanager
def undone(conn: Connection) -> Iterator[None]:
    """Whatever the block does to the database is gone after it."""
    point = conn.begin_nested()
    try:
        yield
    finally:
        point.rollback()


def send(conn: Connection, devices: list[Device], sent: list[Sent]) -> None:
    arrivals = [Arrival(devices[n], Report("native", (fix,))) for n, fix in sent]
    ingest_reports(conn, None, arrivals, now=NOW, rules=RULES)


def state(conn: Connection) -> tuple[list[tuple[object, ...]], ...]:
    """Everything stored and derived, without what tells of its receipt."""
    return trails(conn), *(
        [tuple(row) for row in conn.execute(text(query))]
        for query in (
            "SELECT device_id, fixed_at, person_id, lon, lat, accuracy_m, speed_mps, flags, digest FROM fix ORDER BY 1, 2",
            "SELECT person_id, device_id, fixed_at, ST_AsText(point), accuracy_m, speed_mps, moving FROM last_fix ORDER BY 1",
            HEARD,
            "SELECT device_id, fixed_at, format, item FROM raw_report ORDER BY 1, 2",
        )
    )


def trails(conn: Connection) -> list[tuple[object, ...]]:
    """Everybody's trail of the day and of the day before, as it is drawn."""
    days = [(NOW - timedelta(days=n)).astimezone(ZONE).date() for n in (1, 0)]
    return [
        (person, on, trail_geojson(read_trail(conn, person, on, zone=ZONE, rules=TrailRules())))
        for person in conn.scalars(text("SELECT id FROM person ORDER BY id"))
        for on in days
    ]


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    lon1, lat1, lon2, lat2 = map(math.radians, (*a, *b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371008.771415059 * math.asin(math.sqrt(h))


def speed_between(a: dict[str, object], b: dict[str, object]) -> float:
    slack = (a["accuracy_m"] or 0) + (b["accuracy_m"] or 0)
    apart = metres((a["lon"], a["lat"]), (b["lon"], b["lat"]))
    return max(apart - slack, 0) / max(abs((b["fixed_at"] - a["fixed_at"]).total_seconds()), 1)


def judged_from_scratch(rows: list[dict[str, object]]) -> dict[datetime, int]:
    """The flags of one device's fixes, from nothing but the fixes."""
    for row in rows:
        row["flags"] &= ~Flag.IMPLAUSIBLE_SPEED
    good = sorted((row for row in rows if row["flags"] == 0), key=lambda row: row["fixed_at"])
    hour = timedelta(hours=1)
    for n, row in enumerate(good):
        before = good[n - 1] if n and row["fixed_at"] - good[n - 1]["fixed_at"] <= hour else None
        after = (
            good[n + 1] if n + 1 < len(good) and good[n + 1]["fixed_at"] - row["fixed_at"] <= hour else None
        )
        fast_in = before is not None and speed_between(before, row) > RULES.implausible_speed_mps
        fast_out = after is None or speed_between(row, after) > RULES.implausible_speed_mps
        row["found"] = Flag.IMPLAUSIBLE_SPEED if fast_in and fast_out else 0
    return {row["fixed_at"]: int(row["flags"] | row.get("found", 0)) for row in rows}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=fixes, seed=st.integers(0, 2**32 - 1))
def test_order_pieces_and_repetition_change_nothing_and_all_equals_a_recomputation(
    conn: Connection, sent: list[Sent], seed: int
) -> None:
    with undone(conn):
        devices = [make_worker(conn, "W1")[1], make_worker(conn, "W2")[1]]
        with undone(conn):
            send(conn, devices, sent)
            whole = state(conn)
            send(conn, devices, sent)
            assert state(conn) == whole
        chance = random.Random(seed)
        again = sent + [one for one in sent if chance.random() < 0.3]
        chance.shuffle(again)
        with undone(conn):
            while again:
                size = chance.randint(1, 5)
                send(conn, devices, again[:size])
                again = again[size:]
            assert state(conn) == whole
            check_against_scratch(conn)


def check_against_scratch(conn: Connection) -> None:
    rows = [dict(row) for row in conn.execute(text("SELECT * FROM fix")).mappings()]
    for device_id in {row["device_id"] for row in rows}:
        own = [dict(row) for row in rows if row["device_id"] == device_id]
        assert {row["fixed_at"]: row["flags"] for row in own} == judged_from_scratch(
            [dict(row) for row in own]
        )
    newest: dict[object, dict[str, object]] = {}
    for row in rows:
        if row["flags"] == 0 and (
            row["person_id"] not in newest or row["fixed_at"] > newest[row["person_id"]]["fixed_at"]
        ):
            newest[row["person_id"]] = row
    stored = conn.execute(text("SELECT person_id, fixed_at FROM last_fix")).all()
    assert {tuple(row) for row in stored} == {(person, row["fixed_at"]) for person, row in newest.items()}


def test_of_two_fixes_at_one_instant_the_smaller_digest_stands_whichever_came_first(conn: Connection) -> None:
    device = make_worker(conn)[1]
    first, second = a_fix(0, 0, 5.0, None, mock=False), a_fix(0, 1, 5.0, None, mock=False)
    found = []
    for order in ([first, second], [second, first]):
        with undone(conn):
            for fix in order:
                send(conn, [device], [(0, fix)])
            found.append(conn.execute(text("SELECT lon, digest FROM fix")).all())
            raw = conn.execute(text("SELECT item->>'p' FROM raw_report")).scalars().all()
            assert len(raw) == 1, "one payload for each fix that is kept"
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_last_fix_is_taken_back_when_a_late_neighbour_shows_that_it_was_too_fast(conn: Connection) -> None:
    #   10:00 A ──(60 s)── 10:01 A'          a late fix between makes the far one B a leap from both sides
    #   10:02 B, 12 km away: believed while the one before is an hour old, no longer when A' comes in
    device = make_worker(conn)[1]
    near, far = a_fix(2000, 0, 5.0, None, mock=False), a_fix(2060, 3, 5.0, None, mock=False)
    send(conn, [device], [(0, far)])
    assert conn.execute(text("SELECT fixed_at FROM last_fix")).scalar_one() == far.fixed_at
    send(conn, [device], [(0, near)])
    assert conn.execute(text("SELECT fixed_at FROM last_fix")).scalar_one() == near.fixed_at
    assert conn.execute(text("SELECT flags FROM fix ORDER BY fixed_at")).scalars().all() == [
        0,
        Flag.IMPLAUSIBLE_SPEED,
    ]


def test_a_day_of_thousands_of_fixes_gives_the_same_in_pieces(conn: Connection) -> None:
    device = make_worker(conn)[1]
    rng = np.random.default_rng(7)
    steps = rng.normal(0, 3e-5, (3000, 2)).cumsum(axis=0)
    start = datetime(2026, 6, 9, 2, tzinfo=UTC)
    sent = [
        (
            0,
            ParsedFix(
                start + timedelta(seconds=10 * n), 113.15 + x, 27.82 + y, accuracy_m=float(abs(x) * 1e6 % 120)
            ),
        )
        for n, (x, y) in enumerate(steps.tolist())
    ]
    with undone(conn):
        send(conn, [device], sent)
        whole = state(conn)
    shuffled = sent[:]
    random.Random(3).shuffle(shuffled)
    for start_at in range(0, len(shuffled), 250):
        send(conn, [device], shuffled[start_at : start_at + 250])
    assert state(conn) == whole
    check_against_scratch(conn)


@pytest.mark.parametrize("bad", [float("inf"), 1e300, -1e300])
def test_numbers_no_map_can_hold_are_kept_and_flagged(conn: Connection, bad: float) -> None:
    device = make_worker(conn)[1]
    send(conn, [device], [(0, ParsedFix(NOW, bad, 27.8, item={}))])
    assert conn.execute(text("SELECT flags FROM fix")).scalar_one() == Flag.OUT_OF_RANGE
