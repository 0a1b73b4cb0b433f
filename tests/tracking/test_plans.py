"""Every look-up of movement stands on its index: plans on tens of thousands of fixes over many days."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, select, text

from core.db import sql_file
from geo.tables import unit_version
from people.access import Caller, Grant
from tests.people.town import lay_ground
from tests.plans import Plan, analysed, nodes_of, plan_of, plans_of, statements_of
from tests.tracking.city import EVER, NOW, make_person
from tracking.devices import add_device, find_devices
from tracking.partitions import ensure_partitions
from tracking.tables import fix, raw_report
from tracking.trails import TrailRules, read_trail
from tracking.trails.seen import fixes_seen

DAYS = [NOW.date() - timedelta(days=n) for n in range(10)]
FILL = """
INSERT INTO fix (device_id, person_id, fixed_at, received_at, lon, lat, flags, digest)
SELECT d, d, CAST(:now AS timestamptz) - day * interval '1 day' - n * interval '2 minutes', now(), 113.15, 27.8, 0, n
FROM generate_series(1, 50) d, generate_series(0, 8) day, generate_series(1, 60) n
"""
FILL_PEOPLE = """
INSERT INTO person (code, name) SELECT 'F' || n, 'x' FROM generate_series(1, 10000) n
"""
FILL_REST = (
    (
        "INSERT INTO shift (person_id, starts_at, ends_at) SELECT p.id, t, t + interval '8 hours' FROM person p, "
        "generate_series(CAST(:now AS timestamptz) - interval '3 days', CAST(:now AS timestamptz), interval '1 day') t"
    ),
    "INSERT INTO notice_acceptance (person_id, version, accepted_at, how) SELECT id, '1', now(), 'x' FROM person WHERE code LIKE 'F%'",
    "INSERT INTO device (code, token_hash) SELECT code, decode(md5(code), 'hex') FROM person WHERE code LIKE 'F%'",
    "INSERT INTO device_holder SELECT d.id, p.id, tstzrange(NULL, NULL) FROM device d JOIN person p USING (code)",
    (
        "INSERT INTO last_fix (person_id, device_id, fixed_at, received_at, point, changed) SELECT id, id, now(), now(), "
        "ST_SetSRID(ST_MakePoint(113, 27), 4326), CAST('1' AS xid8) FROM person"
    ),
    "INSERT INTO device_heard (device_id, heard_at, received_at, changed) SELECT id, now(), now(), CAST('1' AS xid8) FROM device",
    (
        "INSERT INTO raw_report (device_id, fixed_at, received_at, format, is_fix, item) SELECT n % 50, "
        "CAST(:now AS timestamptz) - n * interval '1 second', CAST(:now AS timestamptz), 'native', true, '{}' FROM generate_series(1, 12000) n"
    ),
)


def fill(conn: Connection) -> None:
    ensure_partitions(conn, fix, DAYS)
    ensure_partitions(conn, raw_report, DAYS[:1])
    make_person(conn)
    grid = lay_ground(conn)["G1"]
    for query in (FILL, FILL_PEOPLE, *FILL_REST):
        conn.execute(text(query), {"now": NOW} if ":now" in query else {})
    posts = "INSERT INTO assignment (person_id, unit_id, role, valid) SELECT id, :grid, 'grid_worker', '(,)' FROM person WHERE id <= 3"
    conn.execute(text(posts), {"grid": grid})


@pytest.fixture(scope="module")
def crowded(server_url: str, template_name: str) -> Iterator[Engine]:
    """27,000 fixes of 50 devices on 9 days, 12,000 payloads, 10,000 people on 40,000 shifts with their devices."""
    with analysed(server_url, template_name, fill) as engine:
        yield engine


@pytest.fixture
def crowd(crowded: Engine) -> Iterator[Connection]:
    with crowded.connect() as conn:
        yield conn


def file_plan(conn: Connection, name: str, parameters: dict[str, object]) -> Plan:
    return plan_of(conn, sql_file("tracking", name).text, parameters)


ONE = {"device_id": [7], "person_id": [7], "fixed_at": [NOW - timedelta(minutes=10)]}


def test_judging_reads_only_the_persons_own_rows(crowd: Connection) -> None:
    used, whole = file_plan(crowd, "judge", {**ONE, "ahead": [False], "received_at": NOW})
    assert {"ix_shift_person_time", "ix_notice_acceptance_person_id"} <= used
    assert used & {"ix_device_holder_device", "ex_device_holder_one_at_a_time"}
    assert whole <= {"notice", "role", "assignment"}, "small tables only"


def test_what_is_stored_around_new_fixes_is_read_by_the_key_of_device_and_time(crowd: Connection) -> None:
    at = ONE["fixed_at"]
    told = {**ONE, "first": at, "last": at, "since": NOW - timedelta(hours=2), "until": NOW, "bit": 16}
    used, whole = file_plan(crowd, "around", told)
    assert {name for name in used if name.endswith("_pkey")}
    assert not whole


def test_the_last_fix_is_found_from_the_end_of_the_persons_index(crowd: Connection) -> None:
    used, whole = file_plan(crowd, "advance_last_fix", {"persons": [7]})
    assert any("person_id_fixed_at" in name for name in used)
    assert not {name for name in whole if name.startswith("fix")}


def test_a_last_fix_is_appended_by_its_device_and_window(crowd: Connection) -> None:
    measures = ("accuracy_m", "speed_mps", "heading_deg", "battery_pct", "charging", "unit_version_id")
    told = {
        **ONE,
        **{name: [None] for name in measures},
        "received_at": [NOW],
        "lon": [113.15],
        "lat": [27.8],
        "since": NOW - timedelta(days=1),
        "until": NOW,
    }
    used, whole = file_plan(crowd, "append_last_fix", told)
    assert any(name.endswith(("_pkey", "person_id_fixed_at_idx")) for name in used)
    assert not {name for name in whole if name.startswith("fix")}


def test_fixes_change_and_payloads_go_by_device_and_time(crowd: Connection) -> None:
    key = {"device_id": [7], "fixed_at": [NOW - timedelta(days=1)]}
    days = {"since": key["fixed_at"][0], "until": key["fixed_at"][0]}
    _, whole = file_plan(crowd, "reflag", {**key, **days, "flags": [16]})
    assert not whole
    used, whole = file_plan(crowd, "forget_raw", key)
    assert any("device_id_fixed_at" in name for name in used)
    assert not whole


def test_signs_that_changed_are_found_by_their_transaction(crowd: Connection) -> None:
    used, whole = file_plan(crowd, "signs", {"since": f"{10**9}:{10**9}:", "devices": None})
    assert "ix_device_heard_changed" in used
    assert "device_heard" not in whole


def test_a_trail_reads_one_persons_day(crowd: Connection) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    asked = statements_of(crowd, lambda: read_trail(crowd, 7, DAYS[1], zone=zone, rules=TrailRules()))
    statement, parameters = next(one for one in asked if "FROM fix" in one[0])
    found = crowd.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    read = [node for node in nodes_of(found) if str(node.get("Relation Name", "")).startswith("fix")]
    assert {str(node["Relation Name"]) for node in read} <= {f"fix_{day:%Y%m%d}" for day in DAYS[:3]}, (
        "two UTC days"
    )
    assert all(
        "person_id_fixed_at" in str(node.get("Index Name")) or node["Node Type"] == "Bitmap Heap Scan"
        for node in read
    )


def test_a_credential_is_found_by_its_hash(crowd: Connection) -> None:
    crowd.execute(text("UPDATE device SET interval_s = 5 WHERE id = 1"))
    token = add_device(crowd, "new", "W1", now=EVER)
    assert find_devices(crowd, [token])[token].code == "new"
    used, whole = plan_of(crowd, "SELECT * FROM device WHERE token_hash = ANY(:hashes)", {"hashes": [b"x"]})
    assert used == {"uq_device_token_hash"}
    assert not whole


def test_fixes_of_those_one_leads_are_found_by_person_and_time(crowd: Connection) -> None:
    """Of a span of many days; who they are is found first."""
    unit_id = crowd.scalars(select(unit_version.c.unit_id).where(unit_version.c.code == "S1")).one()
    leader = Caller(1, "boss", None, (Grant("supervisor", unit_id, unit_id.hex),))
    since, until = NOW - timedelta(days=8), NOW

    def ask() -> None:
        seen = fixes_seen(crowd, leader, since, until)
        sent = (fix.c.fixed_at >= since) & (fix.c.fixed_at < until)
        assert len(crowd.execute(select(fix.c.lon).where(seen, sent)).all()) > 900

    used, whole = plans_of(crowd, ask)
    assert any("person_id_fixed_at" in name for name in used)
    assert not {name for name in whole if name.startswith("fix")}
