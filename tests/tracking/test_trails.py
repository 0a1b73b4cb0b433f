"""Trails, gaps and stays of days drawn as sketches; who may look, and that looks are written down."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from tests.tracking.city import make_worker
from tracking.partitions import ensure_partitions
from tracking.tables import fix
from tracking.trails import Trail, TrailRules, find_stays, read_trail, trail_geojson

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 6, 10)
START = datetime(2026, 6, 10, 1, tzinfo=UTC)
METRE = 1 / 111_320  # degrees of latitude


def walk(conn: Connection, steps: list[tuple[float, float]], *, code: str = "W1") -> Trail:
    """Fixes of one device at (seconds after START, metres north); the trail of the day."""
    person_id, device = make_worker(conn, code)
    store(conn, person_id, device.id, steps)
    return read_trail(conn, person_id, DAY, zone=ZONE, rules=TrailRules())


def store(
    conn: Connection, person_id: int, device_id: int, steps: list[tuple[float, float]], **more: object
) -> None:
    ensure_partitions(conn, fix, [DAY])
    for seconds, metres in steps:
        at = START + timedelta(seconds=seconds)
        values = {
            "device_id": device_id,
            "person_id": person_id,
            "fixed_at": at,
            "received_at": at,
            "lon": 113.15,
        }
        conn.execute(
            insert(fix).values(**values, lat=27.8 + metres * METRE, flags=0, digest=1).values(**more)
        )


def test_a_silence_longer_than_two_minutes_breaks_the_trail(conn: Connection) -> None:
    #   ●──●──●     119 s      ●──●     121 s     ●
    trail = walk(conn, [(0, 0), (10, 10), (20, 20), (139, 60), (149, 70), (270, 120)])
    assert trail.segments == ((0, 4), (5, 5))
    assert [(gap.first, gap.last, gap.reason) for gap in trail.gaps] == [(4, 5, "silence")]


def test_a_device_that_reports_every_minute_is_silent_after_three(conn: Connection) -> None:
    trail = walk(conn, [(0, 0), (60, 50), (120, 100), (180, 150), (359, 250), (540, 350)])
    assert trail.segments == ((0, 4), (5, 5))


def test_a_step_too_fast_to_be_believed_is_a_gap_and_no_line(conn: Connection) -> None:
    #   A──A          5 km in 10 s          B──B
    trail = walk(conn, [(0, 0), (10, 10), (20, 5000), (30, 5010)])
    assert trail.segments == ((0, 1), (2, 3))
    assert [gap.reason for gap in trail.gaps] == ["leap"]


def test_flagged_fixes_are_no_part_of_a_trail(conn: Connection) -> None:
    person_id, device = make_worker(conn)
    store(conn, person_id, device.id, [(0, 0), (20, 20)])
    store(conn, person_id, device.id, [(10, 9000)], flags=16)
    trail = read_trail(conn, person_id, DAY, zone=ZONE, rules=TrailRules())
    assert trail.segments == ((0, 1),)
    assert trail.moved_m == pytest.approx(20, rel=0.01)


def test_two_phones_of_one_person_are_two_lines(conn: Connection) -> None:
    from tests.tracking.city import make_device

    person_id, first = make_worker(conn)
    second = make_device(conn, "P2", "W1")
    store(conn, person_id, second.id, [(5, 1000), (15, 1010), (25, 1020)])
    store(conn, person_id, first.id, [(0, 0), (10, 10), (20, 20)])
    trail = read_trail(conn, person_id, DAY, zone=ZONE, rules=TrailRules())
    assert trail.segments == ((0, 2), (3, 5))
    assert trail.gaps == ()
    assert trail.lat[0] < trail.lat[3], "the device that began first comes first"


def test_three_minutes_within_fifty_metres_are_a_stay_and_add_no_distance(conn: Connection) -> None:
    #   walks 100 m, stands 200 s with a phone that jitters by 20 m, walks on 100 m
    coming = [(10.0 * n, 10.0 * n) for n in range(10)]
    standing = [(100.0 + 10 * n, 100.0 + (20 if n % 2 else 0)) for n in range(21)]
    going = [(310.0 + 10 * n, 160.0 + 10 * n) for n in range(10)]
    trail = walk(conn, coming + standing + going)
    (stay,) = trail.stays
    assert trail.segments == ((0, 40),)
    assert stay.last - stay.first + 1 >= 20
    assert abs(stay.lat - (27.8 + 105 * METRE)) < 15 * METRE
    assert trail.moved_m < 250, "the jitter of standing is no walk"


def test_the_geojson_draws_lines_for_segments_alone(conn: Connection) -> None:
    trail = walk(conn, [(0, 0), (10, 10), (20, 20), (310, 400), (320, 410), (910, 0)])
    document = json.loads(trail_geojson(trail))
    kinds = [(one["properties"]["kind"], one["geometry"]["type"]) for one in document["features"]]
    assert kinds == [("segment", "LineString")] * 2 + [("gap", "MultiPoint")] * 2 + [("fix", "Point")] * 6
    assert (document["person"], document["on"], document["fixes"]) == ("W1", "2026-06-10", 6)
    assert document["unobserved_s"] == 290 + 590
    assert document["features"][0]["properties"]["since"] == "2026-06-10T01:00:00Z"


def test_a_day_without_fixes_is_an_empty_trail(conn: Connection) -> None:
    trail = walk(conn, [])
    assert json.loads(trail_geojson(trail))["features"] == []


@given(
    st.lists(st.tuples(st.floats(1, 400), st.floats(-40, 40)), min_size=1, max_size=60),
    st.floats(10, 100),
    st.floats(30, 600),
)
def test_a_stay_keeps_within_its_circle_for_its_time_and_none_overlaps(
    steps: list[tuple[float, float]], radius_m: float, least_s: float
) -> None:
    seconds = np.cumsum([step[0] for step in steps])
    lat = 27.8 + np.cumsum([step[1] for step in steps]) * METRE
    lon = np.full(len(steps), 113.15)
    stays = find_stays(seconds, lon, lat, radius_m=radius_m, least_s=least_s)
    for stay in stays:
        assert seconds[stay.last] - seconds[stay.first] >= least_s
        apart = np.abs(lat[stay.first : stay.last + 1] - lat[stay.first]) / METRE
        assert apart.max() <= radius_m * 1.01
    assert all(one.last < other.first for one, other in pairwise(stays))
