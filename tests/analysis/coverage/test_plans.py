"""Every look-up of coverage stands on its index: plans over 400 days, 12,000 people, 24,000 streets, 72,000 fixes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from analysis.coverage.beyond.export import fingerprints
from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.kept.due import stale_days
from analysis.coverage.kept.people import find_seen, read_duty, read_own_ground
from analysis.coverage.kept.reading import find_network_id, read_coverage
from analysis.coverage.measures.duty_time import WorkingHours
from analysis.coverage.rules import CoverageRules
from analysis.coverage.views.checkins import count_checkins, list_own
from analysis.coverage.views.cold import list_cold, read_leaves
from analysis.coverage.views.notes import get_note, list_notes
from analysis.coverage.views.people import PeopleAsked, list_people_day
from analysis.coverage.views.person import DayAsked, read_person_day
from analysis.coverage.views.proof import ProofAsked, prove
from analysis.coverage.views.responses import ResponsesAsked, read_responses
from analysis.coverage.views.rhythm import read_calendar, read_week
from analysis.coverage.views.trend import read_trend
from geo.lookup import Lookup
from geo.tables import unit_version
from geo.walkable import read_obstacles, read_sites, read_streets
from people.access import Scope
from people.tables import person
from tests.city import publish_small_city
from tests.plans import analysed, plans_of
from tracking.partitions import ensure_partitions
from tracking.tables import fix

ZONE = ZoneInfo("Asia/Shanghai")
LAST = date(2026, 6, 10)
NOW = datetime(2026, 6, 11, tzinfo=ZONE)
BOX = (114.0, 33.0, 114.02, 33.01)
FILL = (
    "INSERT INTO person (code, name) SELECT 'P' || n, 'x' FROM generate_series(1, 12000) n",
    """INSERT INTO coverage_day ("on", network_id, edition_id, edition_changed, as_of, resolution, rules, definitions,
    fixes, interval_us) SELECT CAST(:last AS date) - n, network.id, edition.id, false, CAST(:now AS timestamptz), 10,
    '{}', '{}', 1, 10000000 FROM generate_series(0, 399) n, network JOIN edition ON edition.network_id = network.id
    WHERE network.code = 'governance'""",
    """INSERT INTO coverage_unit SELECT day.id, v.id, true, '{1,2,0}', '{1,2,0}', '{1,2,0}', '{1,2,0}', '{1,2,0}', 1, 1,
    '{1,1,1}', 10, 5
    FROM coverage_day day, unit_version v WHERE v.level = :deepest""",
    """INSERT INTO coverage_piece SELECT day_id, unit_version_id, 5, 2, 1, 1, NULL, NULL, 1 FROM coverage_unit""",
    """INSERT INTO coverage_presence SELECT day_id, unit_version_id, array_fill(1, ARRAY[24]),
    array_fill(CAST(1 AS bigint), ARRAY[24]), now() FROM coverage_unit""",
    """INSERT INTO coverage_site SELECT day.id, 's' || n, (SELECT min(id) FROM unit_version), 1, 0, 1, NULL, 1, 1,
    '{1,1,1}' FROM coverage_day day, generate_series(1, 30) n""",
    """INSERT INTO coverage_duty SELECT day.id, p.id, as_of, as_of + interval '1 hour', true, '{1,1,1,1,1}',
    '{1,1,1,1,1,1,1}' FROM coverage_day day JOIN person p ON p.id % 400 IN (day.id % 400, (day.id + 7) % 400)""",
    """INSERT INTO coverage_note (person_id, kind, since, until, told, told_at)
    SELECT id, 'rest', :now, CAST(:now AS timestamptz) + interval '1 hour', 'x', now() FROM person""",
    """INSERT INTO shift (person_id, starts_at, ends_at) SELECT p.id, t, t + interval '8 hours' FROM person p,
    generate_series(CAST(:now AS timestamptz) - interval '9 days', :now, interval '3 days') t""",
    """INSERT INTO assignment (person_id, unit_id, role, valid) SELECT person.id,
    (SELECT unit_id FROM unit_version ORDER BY id LIMIT 1), 'grid_worker', tstzrange('2026-01-01', NULL) FROM person""",
    """INSERT INTO notice (version, text_zh, text_en, published_at, renews) VALUES ('plans', 'x', 'x', '2026-01-01', false)""",
    """INSERT INTO notice_acceptance (person_id, version, accepted_at, how) SELECT id, 'plans', '2026-01-02', 'paper'
    FROM person""",
    """INSERT INTO street (source, code, name, kind, digest, valid, geom) SELECT 'x', n, '', '', '', '(,)',
    ST_SetSRID(ST_Multi(ST_MakeLine(ST_MakePoint(110 + n / 3000.0, 33), ST_MakePoint(110 + n / 3000.0, 33.001))), 4326)
    FROM generate_series(1, 24000) n""",
    """INSERT INTO obstacle (source, code, name, kind, digest, valid, width_m, geom)
    SELECT source, code, name, 'water', '', valid, 1, geom FROM street""",
    """INSERT INTO site (source, code, name, kind, digest, valid, visits, days, least_s, geom)
    SELECT source, code, name, kind, '', valid, 1, 1, 1, geom FROM street""",
    """INSERT INTO address_point (source, code, address, point, households, as_of, active) SELECT 'x', n, '',
    ST_SetSRID(ST_MakePoint(110 + n / 3000.0, 33), 4326), 1, '2026-01-01', true FROM generate_series(1, 24000) n""",
    """INSERT INTO fix (device_id, person_id, fixed_at, received_at, lon, lat, digest)
    SELECT person, person, t, t + interval '20 seconds', 114.5, 33.5, 1 FROM generate_series(
    CAST('2026-06-08 00:00Z' AS timestamptz), '2026-06-08 23:59Z', interval '2 minutes') t,
    generate_series(1, 100) person ORDER BY t""",
    """INSERT INTO "case" (number, channel, external_ref, category, point, occurred_at, reported_at, state, owner_unit_id,
    report_digest) SELECT 'C' || n, 'x', n, 'noise', ST_SetSRID(ST_MakePoint(114.5, 33.5), 4326), t, t, 'assigned',
    (SELECT id FROM unit LIMIT 1), '' FROM generate_series(1, 12000) n,
    LATERAL (SELECT CAST(:now AS timestamptz) - n * interval '30 minutes' AS t) times""",
    """INSERT INTO case_event (case_id, seq, kind, state, actor, actor_role, at, evidence, fields_digest, digest)
    SELECT id, n, CASE n WHEN 2 THEN 'assign' ELSE 'report' END, 'assigned', 'x', 'desk', occurred_at,
    jsonb_build_object('assignee', 'P' || 1 + id % 150), '', '' FROM "case", generate_series(1, 2) n""",
    """INSERT INTO case_placement (case_id, network_id, unit_version_id, edition_id, status)
    SELECT "case".id, network.id, (SELECT id FROM unit_version WHERE level = :deepest LIMIT 1),
    (SELECT min(id) FROM edition), 'inside' FROM "case", network WHERE network.code = 'governance'""",
    """INSERT INTO coverage_checkin (person_id, at, network_id, unit_version_id)
    SELECT person.id, CAST(:now AS timestamptz) - person.id * interval '1 hour', network.id,
    (SELECT min(id) FROM unit_version) FROM person, network WHERE network.code = 'governance'""",
)
FULL = "fix_20260608"
DAYS = [LAST - timedelta(days=n) for n in range(-1, 10)]


EMPTY = {f"fix_{on:%Y%m%d}" for on in DAYS} - {FULL}
"""Partitions without a fix, which any plan may read whole."""


def fill(conn: Connection) -> None:
    publish_small_city(conn)
    deepest = conn.scalar(
        select(unit_version.c.level).group_by(unit_version.c.level).order_by(func.count().desc()).limit(1)
    )
    ensure_partitions(conn, fix, DAYS)
    binds = {"last": LAST, "now": NOW, "deepest": deepest}
    for query in FILL:
        conn.execute(text(query), {key: value for key, value in binds.items() if f":{key}" in query})


@pytest.fixture(scope="module")
def kept(server_url: str, template_name: str) -> Iterator[Engine]:
    """400 days of the small city's 64 deepest units."""
    with analysed(server_url, template_name, fill) as engine:
        yield engine


@pytest.fixture
def conn(kept: Engine) -> Iterator[Connection]:
    with kept.connect() as connection:
        yield connection


SMALL = {"coverage_day", "network", "unit", "unit_version", "role", "edition", "ground_survey", "notice"}
"""Hundreds of rows here, and as many in any city."""


def asked_of(conn: Connection, unit_id: UUID | None = None, *, days: int = 7) -> CoverageAsked:
    network_id = find_network_id(conn, "governance")
    return CoverageAsked(network_id, unit_id, LAST - timedelta(days=days - 1), LAST)


@pytest.mark.parametrize("named", [False, True])
def test_a_week_of_figures_reads_its_days_alone(conn: Connection, named: bool) -> None:
    one = conn.scalars(select(unit_version.c.unit_id).order_by(unit_version.c.id)).first() if named else None
    used, whole = plans_of(conn, lambda: read_coverage(conn, asked_of(conn, one)))
    assert {"pk_coverage_unit", "pk_coverage_piece", "pk_coverage_site"} <= used
    assert whole <= SMALL


def test_the_calendar_and_the_rhythm_of_a_week_read_its_days_alone(conn: Connection) -> None:
    asked = asked_of(conn)
    used, whole = plans_of(conn, lambda: (read_calendar(conn, asked), read_week(conn, asked)))
    assert {"pk_coverage_unit", "pk_coverage_presence"} <= used
    assert whole <= SMALL


def test_what_is_unvisited_is_of_the_last_day_s_units_whoever_came_on_any_day(conn: Connection) -> None:
    hours = WorkingHours(ZONE)
    asked = asked_of(conn)
    used, whole = plans_of(conn, lambda: list_cold(conn, asked, before=NOW, until=NOW, hours=hours, limit=40))
    assert "pk_coverage_unit" in used
    assert whole <= {*SMALL, "coverage_presence"}, "when each was visited last is asked of all days"


def test_people_of_a_day_are_found_by_day_and_their_notes_by_person(conn: Connection) -> None:
    network_id = find_network_id(conn, "governance")
    everywhere = Scope(everywhere=True, paths=())
    used, whole = plans_of(
        conn,
        lambda: list_people_day(
            conn, PeopleAsked(network_id, everywhere, LAST, ZONE, NOW, kept_days=30), CoverageRules()
        ),
    )
    assert {"pk_coverage_duty", "ix_coverage_note_person"} <= used
    assert whole <= {*SMALL, *EMPTY}
    used, whole = plans_of(
        conn, lambda: find_seen(conn, range(1, 300), (NOW - timedelta(days=3), NOW - timedelta(days=2)))
    )
    assert {f"{FULL}_person_id_fixed_at_idx", "ix_notice_acceptance_person_id"} <= used
    assert whole <= {*SMALL, *EMPTY}


def test_one_person_s_day_and_notes_are_found_by_person(conn: Connection) -> None:
    someone = conn.scalar(select(person.c.id).where(person.c.code == "P77")) or 0
    for kept_days, indexes in (
        (30, {"ix_shift_person_time"}),
        (0, {"ix_coverage_duty_person", "pk_coverage_duty"}),
    ):
        asked = DayAsked(someone, LAST, ZONE, NOW, kept_days)
        used, whole = plans_of(conn, lambda asked=asked: read_person_day(conn, asked, CoverageRules()))  # type: ignore[misc]
        assert used & indexes
        assert whole <= {*SMALL, *EMPTY}
    used, whole = plans_of(
        conn, lambda: list_notes(conn, person.c.id == someone, since=NOW - timedelta(days=9), until=NOW)
    )
    assert "ix_coverage_note_person" in used
    assert not whole
    note_id = conn.scalar(text("SELECT max(id) FROM coverage_note")) or 0
    used, whole = plans_of(conn, lambda: get_note(conn, note_id))
    assert "pk_coverage_note" in used
    assert not whole


def test_who_was_on_duty_and_where_is_found_by_person_and_time(conn: Connection) -> None:
    between = (NOW - timedelta(days=9), NOW - timedelta(days=8))
    people = list(conn.scalars(select(person.c.id).order_by(person.c.id).limit(50)))
    used, whole = plans_of(conn, lambda: read_duty(conn, between, person_id=people[0]))
    assert "ix_shift_person_time" in used
    used, whole = plans_of(conn, lambda: read_own_ground(conn, people, between, margin_m=30))
    assert used & {"ix_assignment_person", "ex_assignment_once"}
    assert whole <= SMALL


def test_streets_water_and_sites_are_found_by_where_they_lie(conn: Connection) -> None:
    for read, index in (
        (read_streets, "ix_street_geom"),
        (read_obstacles, "ix_obstacle_geom"),
        (read_sites, "ix_site_geom"),
    ):
        used, whole = plans_of(conn, lambda read=read: read(conn, BOX, LAST))  # type: ignore[misc]
        assert used == {index}
        assert not whole


def fixes_of(*days: date) -> set[str]:
    return {f"fix_{on:%Y%m%d}" for on in days}


def test_late_fixes_are_looked_for_where_they_were_received(conn: Connection) -> None:
    """Every computed day is asked for, every quarter of an hour: a day that holds fixes is not read for it."""
    network_id = find_network_id(conn, "governance")
    used, whole = plans_of(conn, lambda: stale_days(conn, network_id, zone=ZONE, now=NOW))
    assert f"{FULL}_received_at_idx" in used
    assert FULL not in whole


def test_what_a_day_holds_is_asked_of_that_day_alone(conn: Connection) -> None:
    between = (NOW - timedelta(days=3), NOW - timedelta(days=2))
    on = between[0].astimezone(UTC).date()
    used, whole = plans_of(conn, lambda: fingerprints(conn, between))
    own = fixes_of(on, on + timedelta(days=1))
    assert whole
    assert {name[:12] for name in whole | used} <= own


def test_a_proof_reads_its_own_day_and_what_lies_near(conn: Connection) -> None:
    lookup, on = Lookup(conn), LAST - timedelta(days=2)
    everywhere = Scope(everywhere=True)
    network_id = find_network_id(conn, "governance")
    leaf = read_leaves(conn, CoverageAsked(network_id, None, on, on))[0].version_id
    lookup.snapshot("governance", NOW)
    job = CoverageJob("governance", ZONE, CoverageRules(), 30)
    used, whole = plans_of(
        conn, lambda: prove(conn, lookup, job, ProofAsked("area", on, [leaf], everywhere), now=NOW)
    )
    assert {"ix_street_geom", "ix_obstacle_geom", "ix_site_geom", "ix_address_point_point"} <= used
    assert whole <= {*SMALL, "assignment", *fixes_of(on, on - timedelta(days=1))}, (
        "who serves where is asked of the network"
    )


def test_who_was_sent_is_found_by_time_and_when_they_came_by_person(conn: Connection) -> None:
    since, until = NOW - timedelta(days=2), NOW - timedelta(days=1)
    asked = ResponsesAsked(
        since, until, NOW, 30, Scope(everywhere=True), network_id=find_network_id(conn, "governance")
    )
    used, whole = plans_of(conn, lambda: read_responses(conn, asked))
    assert {"ix_case_event_assigned", "pk_case_placement", "ix_shift_person_time"} <= used
    assert any(name.endswith("_person_id_fixed_at_idx") for name in used)
    assert not [table for table in whole - EMPTY if table.startswith(("fix", "case"))]


def test_check_ins_of_a_week_are_found_by_time_and_one_s_own_by_person(conn: Connection) -> None:
    asked = asked_of(conn)
    used, whole = plans_of(
        conn, lambda: count_checkins(conn, asked, since=NOW - timedelta(days=7), until=NOW)
    )
    assert "ix_coverage_checkin_network_at" in used
    assert whole <= SMALL
    used, whole = plans_of(conn, lambda: list_own(conn, 77, since=NOW - timedelta(days=1), now=NOW))
    assert "pk_coverage_checkin" in used
    assert whole <= SMALL


def test_twelve_weeks_read_their_days_alone(conn: Connection) -> None:
    used, whole = plans_of(conn, lambda: read_trend(conn, asked_of(conn)))
    assert "pk_coverage_unit" in used
    assert whole <= SMALL
