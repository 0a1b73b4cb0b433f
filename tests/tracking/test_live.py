"""Dots: their states by the device's own rhythm, whom they are shown to, and a cursor that late commits cannot slip past."""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.dialects.postgresql import Range

from core.clock import utc_now
from core.db import sql_file
from people.tables import assignment
from tests.people.town import lay_ground
from tests.tracking.city import EVER, NOW, make_device, make_person, make_worker
from tests.tracking.test_laws import RULES
from tracking.batches import Arrival
from tracking.devices import Device
from tracking.formats.report import Heartbeat, ParsedFix, Report
from tracking.ingest import ingest_reports
from tracking.live import (
    STATES,
    LiveMap,
    Rhythm,
    Standing,
    dots_of,
    figures_of,
    reason_of,
    snapshot_dots,
    states_of,
    turns_in_s,
)
from tracking.live.reading import read_positions
from tracking.partitions import make_ahead
from tracking.roster import EVERYTHING, read_changes


def rhythm(
    *, on_shift: bool = True, moving: bool, interval_s: int = 10, heartbeat_s: float = np.nan
) -> Rhythm:
    return Rhythm(*map(np.array, (on_shift, moving, interval_s, heartbeat_s)))


WALK, REST = rhythm(moving=True), rhythm(moving=False)
SLEEP = rhythm(moving=False, heartbeat_s=600)
SLOW = rhythm(moving=True, interval_s=300)
OFF = rhythm(on_shift=False, moving=True)


@pytest.mark.parametrize(
    ("rhythm", "age_s", "state"),
    [
        (WALK, 0, "moving"), (WALK, 14, "moving"), (WALK, 16, "late"), (WALK, 299, "late"), (WALK, 301, "stale"),
        (WALK, 899, "stale"), (WALK, 900, "silent"), (REST, 9, "still"), (REST, 40, "late"), (REST, np.nan, "silent"),
        (SLEEP, 600, "still"), (SLEEP, 700, "unconfirmed"), (SLEEP, 1200, "unconfirmed"), (SLEEP, 1201, "silent"),
        (SLOW, 299, "moving"), (SLOW, 400, "late"), (SLOW, 899, "late"), (SLOW, 901, "silent"),
        (OFF, 1, "off_shift"), (OFF, np.nan, "off_shift"),
    ],
)  # fmt: skip
def test_a_dot_is_as_fresh_as_its_devices_rhythm(rhythm: Rhythm, age_s: float, state: str) -> None:
    assert state_of(rhythm, age_s, 3600) == state


def state_of(rhythm: Rhythm, age_s: float, waited_s: float) -> str:
    return STATES[states_of(rhythm, np.array(age_s), np.array(waited_s))]


def test_somebody_who_has_just_come_on_duty_is_not_silent_yet() -> None:
    assert state_of(REST, np.nan, 60) == "late"
    assert state_of(REST, 40_000, 60) == "stale"


@pytest.mark.parametrize("rhythm", [WALK, REST, SLEEP, SLOW])
@pytest.mark.parametrize("waited_s", [0.0, 850.0, 4000.0, np.nan])
def test_between_the_turns_no_state_changes(rhythm: Rhythm, waited_s: float) -> None:
    """Time goes on in steps of a quarter of a second: a state that changes was due."""
    passed_s = np.arange(0, 2000, 0.25)
    many = Rhythm(*(np.broadcast_to(one, passed_s.shape) for one in rhythm))
    ages_s, waits_s = passed_s, waited_s + passed_s
    states, left_s = states_of(many, ages_s, waits_s), turns_in_s(many, ages_s, waits_s)
    changes = np.flatnonzero(np.diff(states))
    assert len(changes) >= 2
    assert (left_s[changes] <= 0.25).all()
    unheard = np.full_like(passed_s, np.nan)
    never = states_of(many, unheard, waits_s)
    assert (turns_in_s(many, unheard, waits_s)[np.flatnonzero(np.diff(never))] <= 0.25).all()


def report(conn: Connection, device: Device, minutes: float, lat: float = 27.8) -> None:
    parsed = ParsedFix(NOW - timedelta(minutes=minutes), 113.15, lat, accuracy_m=5, battery_pct=50)
    ingest_reports(conn, None, [Arrival(device, Report("native", (parsed,)))], now=NOW, rules=RULES)


def test_a_snapshot_shows_who_is_on_duty_and_hides_where_others_are(conn: Connection) -> None:
    _, device = make_worker(conn, "W1")
    report(conn, device, 0)
    gone_id, gone = make_worker(conn, "W2")
    report(conn, gone, 5)
    conn.execute(
        text("UPDATE shift SET ends_at = :at WHERE person_id = (SELECT id FROM person WHERE code = 'W2')"),
        {"at": NOW},
    )
    make_person(conn, "W3")
    dots = {dot.person_code: dot for dot in snapshot_dots(conn, None, NOW)}
    assert {code: dot.state for code, dot in dots.items()} == {"W1": "still", "W3": "silent"}
    assert dots["W1"].position is not None
    assert (dots["W1"].position.lon, dots["W1"].position.lat, dots["W1"].age_s) == (113.15, 27.8, 0)
    assert dots["W3"].position is None
    figures = figures_of(dots.values())
    assert (figures.on_shift, figures.heard, figures.moving, figures.silent) == (2, 1, 0, 1)
    named = dots_of(conn, [gone_id], NOW)[gone_id]
    assert (named.state, named.position) == ("off_shift", None)


def test_somebody_who_walked_the_last_minutes_is_moving(conn: Connection) -> None:
    _, device = make_worker(conn)
    for n in range(19):  # 180 m in three minutes
        report(conn, device, (180 - 10 * n) / 60, 27.8 + n * 10 / 111_320)
    assert snapshot_dots(conn, None, NOW)[0].state == "moving"


def test_a_heartbeat_keeps_a_resting_dot_alive_without_moving_it(conn: Connection) -> None:
    _, device = make_worker(conn)
    report(conn, device, 8)
    before = snapshot_dots(conn, None, NOW)[0]
    beat = Report("owntracks", heartbeats=(Heartbeat(NOW, 40),))
    ingest_reports(conn, None, [Arrival(device, beat)], now=NOW, rules=RULES)
    after = snapshot_dots(conn, None, NOW)[0]
    assert (before.state, after.state) == ("stale", "still")
    assert (after.position, after.battery_pct) == (before.position, 40)


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
        return [dot.person_code for dot in snapshot_dots(conn, [paths[code] for code in codes], NOW)]

    assert seen("S1") == ["W1"]
    assert seen("S2") == ["W2"]
    assert seen("T") == seen("G1", "G2") == ["W1", "W2"]
    assert seen() == []
    standing = snapshot_dots(conn, [paths["S1"]], NOW)[0].standing
    assert (standing.unit_code, standing.role, standing.paths) == ("G1", "grid_leader", (paths["G1"],))


class Seen(NamedTuple):
    """Who a read told of, and how."""

    code: str
    state: str
    lon: float | None


class Wall:
    """A live map and what it told so far."""

    def __init__(self) -> None:
        self.live = LiveMap()
        self.dots: dict[int, Seen] = {}
        self.standings: dict[str, Standing] = {}
        self._codes: dict[int, str] = {}

    def look(self, reader: Connection, now: datetime = NOW, *, sweeps: bool | None = False) -> list[Seen]:
        """Whom a read in a transaction of its own tells of, by code."""
        with reader.begin():
            changes = self.live.read(reader, now, sweeps=sweeps)
        self._codes |= {place: standing.person_code for place, standing in changes.stood.items()}
        self.standings |= {standing.person_code: standing for standing in changes.stood.values()}
        told = {
            place: Seen(
                self._codes[place], STATES[row["state"]], None if np.isnan(row["lon"]) else row["lon"]
            )
            for place, row in zip(changes.places.tolist(), changes.rows, strict=True)
        }
        self.dots |= told
        for place in changes.gone.tolist():
            del self.dots[place]
        return sorted(told.values())


def codes(told: list[Seen]) -> list[str]:
    return [seen.code for seen in told]


def test_a_change_that_commits_late_is_not_lost_and_comes_once(engine: Engine) -> None:
    #   writer A opens ─ writes W1 ───────────────────── commits
    #                        writer B writes W2, commits
    #                                 reader asks ①                reader asks ② ③
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        slow, quick = make_worker(conn, "W1")[1], make_worker(conn, "W2")[1]
    wall = Wall()
    with engine.connect() as late, engine.connect() as reader:
        wall.look(reader)
        late.begin()
        report(late, slow, 0)
        with engine.begin() as conn:
            report(conn, quick, 0)
        assert codes(wall.look(reader)) == ["W2"]
        assert codes(wall.look(reader)) == []
        late.commit()
        assert codes(wall.look(reader)) == ["W1"]
        assert codes(wall.look(reader)) == []


def test_what_a_backup_brought_from_another_server_is_read_once(engine: Engine) -> None:
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        device = make_worker(conn, "W1")[1]
        report(conn, device, 1)
        conn.execute(text("UPDATE last_fix SET changed = '99999999999'"))
    wall = Wall()
    with engine.connect() as reader:
        assert codes(wall.look(reader)) == ["W1"]
        with reader.begin():
            assert not len(read_positions(reader, read_changes(reader, EVERYTHING)[0])[0])
        with engine.begin() as conn:
            report(conn, device, 0)
        assert codes(wall.look(reader)) == ["W1"]


def test_time_alone_turns_a_dot_without_anything_being_read_of_it(engine: Engine) -> None:
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        report(conn, make_worker(conn, "W1")[1], 0)
    wall = Wall()
    states = []
    with engine.connect() as reader:
        for second in range(0, 1000, 2):
            turned = wall.look(reader, NOW + timedelta(seconds=second))
            states += [(second, dot.state) for dot in turned]
    assert states == [(0, "still"), (16, "late"), (302, "stale"), (902, "silent")]


def test_a_shift_that_ends_takes_the_dot_away_and_one_that_begins_brings_it(engine: Engine) -> None:
    soon, later = NOW + timedelta(seconds=30), NOW + timedelta(seconds=60)
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        make_person(
            conn, "W1", shifts=[(NOW - timedelta(hours=1), soon), (later, later + timedelta(hours=1))]
        )
        report(conn, make_device(conn, "P-W1", "W1"), 0)
    wall = Wall()
    with engine.connect() as reader:
        assert codes(wall.look(reader)) == ["W1"]
        assert wall.dots
        wall.look(reader, soon + timedelta(seconds=1))
        assert not wall.dots
        back = wall.look(reader, later + timedelta(seconds=1), sweeps=True)
        assert [dot.lon for dot in back] == [113.15]


def test_what_was_entered_long_before_is_seen_when_it_begins_and_nothing_is_swept_before(
    engine: Engine,
) -> None:
    soon, later = NOW + timedelta(minutes=2), NOW + timedelta(minutes=5)
    with engine.begin() as conn:
        units = lay_ground(conn)
        hour = timedelta(hours=1)
        person_id = make_person(conn, "W1", shifts=[(NOW - hour, NOW + hour)])
        post = {"person_id": person_id, "unit_id": units["G1"], "role": "grid_leader"}
        conn.execute(insert(assignment).values(**post, valid=Range(soon, later)))
    wall = Wall()
    swept = []
    with engine.connect() as reader:
        for second in range(0, 400, 10):
            wall.look(reader, NOW + timedelta(seconds=second), sweeps=None)
            swept += [second] * wall.live.swept
            standing = wall.standings.get("W1")
            assert standing is not None
            assert standing.unit_code == ("G1" if 120 <= second < 300 else None)
    assert swept == [0, 120, 300]


def test_a_fix_that_is_no_longer_believed_takes_its_place_off_the_map(engine: Engine) -> None:
    with engine.begin() as conn:
        make_ahead(conn, NOW)
        report(conn, make_worker(conn, "W1")[1], 0)
    wall = Wall()
    with engine.connect() as reader:
        wall.look(reader)
        with engine.begin() as conn:
            conn.execute(text("DELETE FROM last_fix"))
        wall.look(reader, sweeps=True)
    assert [(dot.lon, dot.state) for dot in wall.dots.values()] == [(None, "silent")]


@pytest.mark.parametrize(
    ("status", "battery_pct", "charging", "reason"),
    [
        (None, None, None, None),
        (None, 50, False, None),
        (None, 8, False, "battery"),
        (None, 8, True, None),
        ({"android": {"loc": 0, "ps": 0, "bo": 0}}, 50, None, None),
        ({"android": {"loc": -2, "ps": 1}}, 5, None, "permission"),
        ({"android": {"loc": 0, "ps": 1}}, 50, None, "power_saving"),
        ({"android": {"bo": 1}}, 50, None, "power_saving"),
        (
            {"iOS": {"locationManagerAuthorizationStatus": "kCLAuthorizationStatusDenied"}},
            50,
            None,
            "permission",
        ),
        (
            {"iOS": {"locationManagerAuthorizationStatus": "kCLAuthorizationStatusAuthorizedAlways"}},
            50,
            None,
            None,
        ),
        ({"iOS": {"backgroundRefreshStatus": "UIBackgroundRefreshStatusDenied"}}, 50, None, "power_saving"),
        ({"android": "odd", "iOS": 3}, 50, None, None),
    ],
)
def test_the_likely_reason_is_what_the_phone_told(
    status: dict[str, object] | None, battery_pct: float | None, charging: bool | None, reason: str | None
) -> None:
    assert reason_of(status, battery_pct, charging=charging) == reason


def test_a_reason_is_told_of_a_quiet_phone_alone_and_not_when_a_fix_came_after_it(conn: Connection) -> None:
    person_id, device = make_worker(conn)
    report(conn, device, 20)
    denied = {"_type": "status", "android": {"loc": -4}}
    beat = Report("owntracks", heartbeats=(Heartbeat(NOW - timedelta(minutes=18), status=denied),))
    ingest_reports(conn, None, [Arrival(device, beat)], now=NOW, rules=RULES)
    quiet = dots_of(conn, [person_id], NOW)[person_id]
    assert (quiet.state, quiet.reason) == ("silent", "permission")
    report(conn, device, 17)
    after = dots_of(conn, [person_id], NOW)[person_id]
    assert (after.state, after.reason) == ("silent", None)


def test_reading_what_changed_looks_at_what_changed(engine: Engine) -> None:
    rows = 12_000
    with engine.begin() as conn:
        people = {"n": rows}
        conn.execute(
            text("INSERT INTO person (code, name) SELECT 'E' || n, 'E' FROM generate_series(1, :n) n"), people
        )
        conn.execute(
            text(
                "INSERT INTO last_fix (person_id, device_id, fixed_at, received_at, point)"
                " SELECT id, id, now(), now(), ST_SetSRID(ST_MakePoint(113, 27), 4326) FROM person"
            )
        )
        conn.execute(
            text(
                "INSERT INTO shift (person_id, starts_at, ends_at) SELECT id, at, at + interval '8 hours'"
                " FROM person, generate_series(now() - interval '40 days', now() - interval '1 hour', '1 day') at"
            )
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE last_fix, shift, person"))
        with engine.begin() as writer:
            since = read_changes(writer, EVERYTHING)[0]
            writer.execute(
                text("UPDATE last_fix SET changed = pg_current_xact_id() WHERE person_id % 100 = 0")
            )
        assert len(read_positions(conn, since)[0]) == rows // 100
        assert "ix_shift_starts_at" in plan(
            conn, "standing", {"now": utc_now(), "persons": None, "paths": None}
        )


def plan(conn: Connection, name: str, binds: dict[str, object]) -> str:
    statement = sql_file("tracking", name)
    return "\n".join(conn.execute(text(f"EXPLAIN {statement.text}"), binds).scalars())
