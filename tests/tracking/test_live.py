"""Dots: their states by the device's own rhythm, whom they are shown to, and a cursor that late commits cannot slip past."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.dialects.postgresql import Range

from people.tables import assignment
from tests.people.town import lay_ground
from tests.tracking.city import EVER, NOW, make_person, make_worker
from tests.tracking.test_laws import RULES
from tracking.batches import Arrival
from tracking.devices import Device
from tracking.formats.report import Heartbeat, ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.live import Rhythm, changed_dots, snapshot_dots, state_of
from tracking.partitions import make_ahead

WALK = Rhythm(on_shift=True, moving=True, interval_s=10, heartbeat_s=None)
REST = Rhythm(on_shift=True, moving=False, interval_s=10, heartbeat_s=None)
SLEEP = Rhythm(on_shift=True, moving=False, interval_s=10, heartbeat_s=600)
SLOW = Rhythm(on_shift=True, moving=True, interval_s=300, heartbeat_s=None)
OFF = Rhythm(on_shift=False, moving=True, interval_s=10, heartbeat_s=None)


@pytest.mark.parametrize(
    ("rhythm", "age_s", "state"),
    [
        (WALK, 0, "moving"), (WALK, 14, "moving"), (WALK, 16, "late"), (WALK, 299, "late"), (WALK, 301, "stale"),
        (WALK, 899, "stale"), (WALK, 900, "silent"), (REST, 9, "still"), (REST, 40, "late"), (REST, None, "silent"),
        (SLEEP, 600, "still"), (SLEEP, 700, "unconfirmed"), (SLEEP, 1200, "unconfirmed"), (SLEEP, 1201, "silent"),
        (SLOW, 299, "moving"), (SLOW, 400, "late"), (SLOW, 899, "late"), (SLOW, 901, "silent"),
        (OFF, 1, "off_shift"), (OFF, None, "off_shift"),
    ],
)  # fmt: skip
def test_a_dot_is_as_fresh_as_its_devices_rhythm(rhythm: Rhythm, age_s: float | None, state: str) -> None:
    assert state_of(rhythm, age_s, 3600) == state


def test_somebody_who_has_just_come_on_duty_is_not_silent_yet() -> None:
    assert state_of(REST, None, 60) == "late"
    assert state_of(REST, 40_000, 60) == "stale"


def report(conn: Connection, device: Device, minutes: float, lat: float = 27.8) -> None:
    parsed = ParsedFix(NOW - timedelta(minutes=minutes), 113.15, lat, accuracy_m=5, battery_pct=50)
    ingest_reports(conn, None, [Arrival(device, Report("native", (parsed,)))], now=NOW, rules=RULES)


def test_a_snapshot_shows_who_is_on_duty_and_hides_where_others_are(conn: Connection) -> None:
    _, device = make_worker(conn, "W1")
    report(conn, device, 0)
    _, gone = make_worker(conn, "W2")
    report(conn, gone, 5)
    conn.execute(
        text("UPDATE shift SET ends_at = :at WHERE person_id = (SELECT id FROM person WHERE code = 'W2')"),
        {"at": NOW},
    )
    make_person(conn, "W3")
    dots = {dot.person_code: dot for dot in snapshot_dots(conn, None, NOW).dots}
    assert {code: dot.state for code, dot in dots.items()} == {
        "W1": "still",
        "W2": "off_shift",
        "W3": "silent",
    }
    assert (dots["W1"].lon, dots["W1"].lat, dots["W1"].age_s) == (113.15, 27.8, 0)
    assert dots["W2"].lon is None
    assert dots["W3"].lon is None


def test_somebody_who_walked_the_last_minutes_is_moving(conn: Connection) -> None:
    _, device = make_worker(conn)
    for n in range(19):  # 180 m in three minutes
        report(conn, device, (180 - 10 * n) / 60, 27.8 + n * 10 / 111_320)
    assert snapshot_dots(conn, None, NOW).dots[0].state == "moving"


def test_a_heartbeat_keeps_a_resting_dot_alive_without_moving_it(conn: Connection) -> None:
    _, device = make_worker(conn)
    report(conn, device, 8)
    before = snapshot_dots(conn, None, NOW).dots[0]
    beat = Report("owntracks", heartbeats=(Heartbeat(NOW, 40),))
    ingest_reports(conn, None, [Arrival(device, beat)], now=NOW, rules=RULES)
    after = snapshot_dots(conn, None, NOW).dots[0]
    assert (before.state, after.state) == ("stale", "still")
    assert (after.fixed_at, after.lat, after.battery_pct) == (before.fixed_at, before.lat, 40)


def test_a_scope_holds_those_who_serve_in_its_subtree(conn: Connection) -> None:
    units = lay_ground(conn)
    for code, unit in (("W1", "G1"), ("W2", "G2")):
        person_id, device = make_worker(conn, code)
        conn.execute(
            insert(assignment).values(
                person_id=person_id, unit_id=units[unit], role="grid_leader", valid=Range(EVER, None)
            )
        )
        report(conn, device, 0)
    rows = conn.execute(text("SELECT code, CAST(path AS text) FROM unit_version"))
    paths = dict(tuple(row) for row in rows)

    def seen(*codes: str) -> list[str]:
        return [dot.person_code for dot in snapshot_dots(conn, [paths[code] for code in codes], NOW).dots]

    assert seen("S1") == ["W1"]
    assert seen("S2") == ["W2"]
    assert seen("T") == seen("G1", "G2") == ["W1", "W2"]
    assert seen() == []
    dot = snapshot_dots(conn, [paths["S1"]], NOW).dots[0]
    assert (dot.unit_code, dot.role, dot.paths) == ("G1", "grid_leader", (paths["G1"],))


def test_a_change_that_commits_late_is_not_lost(engine: Engine) -> None:
    #   writer A opens ─ writes W1 ───────────────────── commits
    #                        writer B writes W2, commits
    #                                 reader asks ①                reader asks ② since ①
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        slow, quick = make_worker(conn, "W1")[1], make_worker(conn, "W2")[1]
        cursor = snapshot_dots(conn, None, NOW).cursor
    with engine.connect() as late, engine.connect() as reader:
        late.begin()
        report(late, slow, 0)
        with engine.begin() as conn:
            report(conn, quick, 0)
        first = changed_dots(reader, cursor, None, NOW)
        reader.rollback()
        late.commit()
        second = changed_dots(reader, first.cursor, None, NOW)
        reader.rollback()
        third = changed_dots(reader, second.cursor, None, NOW)
    seen = {(dot.person_code, dot.changed) for dot in first.dots} | {
        (dot.person_code, dot.changed) for dot in second.dots
    }
    assert [dot.person_code for dot in first.dots] == ["W2"]
    assert "W1" in [dot.person_code for dot in second.dots]
    # Given twice at most while a transaction anywhere on the server is open, and then as it was.
    assert {(dot.person_code, dot.changed) for dot in third.dots} <= seen
