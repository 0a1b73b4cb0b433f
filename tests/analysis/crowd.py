"""A city of 20 streets and 400 grids with 10,000 workers, their phones and 10,000 cases: for plans and for agreement."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from tests.people.town import EVER

NOW = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
LON, LAT = 113.5, 34.6
SIDE = 0.4
"""Degrees: the city is a square, its streets are strips of it, each with twenty grids."""
FILL = (
    """INSERT INTO network (code, name, coverage, levels) VALUES ('governance', '综治', 'full', CAST(
       '[{"code": "city", "name": "市", "name_en": "city", "parent": null, "origin": "drawn"},
         {"code": "street", "name": "街", "name_en": "street", "parent": "city", "origin": "drawn"},
         {"code": "grid", "name": "格", "name_en": "grid", "parent": "street", "origin": "drawn"}]' AS jsonb))""",
    """INSERT INTO edition (network_id, seq, published_by, published_at, sha256, counts)
       SELECT id, 1, 'test', :ever, '', '{}' FROM network""",
    """CREATE TEMPORARY TABLE ground ON COMMIT DROP AS
       SELECT 'C' AS code, NULL AS parent, 'city' AS level, CAST(md5('C') AS uuid) AS id, 0.0 AS x, 0.0 AS y, 1.0 AS w, 1.0 AS h
       UNION ALL SELECT 'S' || s, 'C', 'street', CAST(md5('S' || s) AS uuid), 0, s / 20.0, 1, 1 / 20.0
       FROM generate_series(0, 19) s
       UNION ALL SELECT 'G' || s || '.' || g, 'S' || s, 'grid', CAST(md5('G' || s || '.' || g) AS uuid), g / 20.0, s / 20.0,
              1 / 20.0, 1 / 20.0 FROM generate_series(0, 19) s, generate_series(0, 19) g""",
    """INSERT INTO unit (id, network_id, level, kind, origin, born_edition_id)
       SELECT ground.id, network.id, ground.level, 'territorial', 'drawn', edition.id
       FROM ground, network JOIN edition ON edition.network_id = network.id""",
    """INSERT INTO unit_version (unit_id, network_id, level, parent_unit_id, path, code, name, geom, area_m2, valid, recorded,
              edition_id, geom_sha)
       SELECT g.id, network.id, g.level, p.id,
              CAST(concat_ws('.', replace(CAST(pp.id AS text), '-', ''), replace(CAST(p.id AS text), '-', ''),
                             replace(CAST(g.id AS text), '-', '')) AS ltree),
              g.code, g.code || ' 号', ST_Multi(ST_MakeEnvelope(:lon + g.x * :side, :lat + g.y * :side,
              :lon + (g.x + g.w) * :side, :lat + (g.y + g.h) * :side, 4326)), 1, tstzrange(NULL, NULL),
              tstzrange(:ever, NULL), edition.id, CAST(g.code AS bytea)
       FROM ground g LEFT JOIN ground p ON p.code = g.parent LEFT JOIN ground pp ON pp.code = p.parent,
            network JOIN edition ON edition.network_id = network.id""",
    "INSERT INTO person (code, name) SELECT 'W' || n, n || ' 李四' FROM generate_series(1, 10000) n",
    """INSERT INTO assignment (person_id, unit_id, role, valid)
       SELECT person.id, CAST(md5('G' || person.id % 20 || '.' || person.id / 20 % 20) AS uuid),
              CASE WHEN person.id % 50 = 0 THEN 'volunteer' ELSE 'grid_worker' END, tstzrange(:ever, NULL)
       FROM person""",
    """INSERT INTO assignment (person_id, unit_id, role, valid)  -- some also serve a street
       SELECT person.id, CAST(md5('S' || person.id % 20) AS uuid), 'instructor', tstzrange(:ever, NULL)
       FROM person WHERE person.id % 7 = 0""",
    """INSERT INTO shift (person_id, starts_at, ends_at)
       SELECT person.id, day + interval '23 hours' + person.id / 400 % 5 * interval '1 hour', day + interval '32 hours'
       FROM person, generate_series(:now - interval '20 days', :now + interval '20 days', interval '1 day') AS day
       WHERE person.id % 11 <> 0""",
    """INSERT INTO notice (version, text_zh, text_en, published_at, renews) VALUES ('1', '告知', 'Notice', :ever, false)""",
    "INSERT INTO notice_acceptance (person_id, version, accepted_at, how) SELECT id, '1', :ever, 'x' FROM person",
    """INSERT INTO device (code, token_hash, interval_s, heartbeat_s)
       SELECT code || '.' || n, sha256(CAST(code || '.' || n AS bytea)), (ARRAY[5, 10, 60, 400])[1 + id % 4],
              CASE WHEN id % 3 = 0 THEN 600 END
       FROM person, generate_series(1, 2) n WHERE id % 13 <> 0 AND (n = 1 OR id % 9 = 0)""",
    """INSERT INTO device_holder SELECT device.id, person.id, tstzrange(:ever, NULL)
       FROM device JOIN person ON person.code = split_part(device.code, '.', 1)""",
    """INSERT INTO last_fix (person_id, device_id, fixed_at, received_at, point, moving)
       SELECT device_holder.person_id, device.id, at.fixed_at, at.fixed_at,
              ST_SetSRID(ST_MakePoint(:lon + random() * :side, :lat + random() * :side), 4326), device.id % 2 = 0
       FROM device JOIN device_holder ON device_holder.device_id = device.id AND device.code LIKE '%.1',
            LATERAL (SELECT :now - power(random(), 4) * interval '5000 seconds' + device.id * interval '0' AS fixed_at) AS at
       WHERE device.id % 17 <> 0""",
    """INSERT INTO device_heard (device_id, heard_at, received_at)
       SELECT device.id, at.heard_at, at.heard_at
       FROM device, LATERAL (SELECT :now - power(random(), 3) * interval '4000 seconds' + device.id * interval '0' AS heard_at) at
       WHERE device.id % 5 = 0""",
    """INSERT INTO "case" (number, channel, external_ref, category, level, point, occurred_at, reported_at, state, owner_unit_id,
              ended_unit_id, report_digest)
       SELECT 'C' || lpad(CAST(n AS text), 7, '0'), 'x', CAST(n AS text), 'noise', 1 + n % 5,
              ST_SetSRID(ST_MakePoint(:lon + random() * :side, :lat + random() * :side), 4326), :now - n * interval '1 hour',
              :now - n * interval '1 hour', CASE WHEN n % 10 = 0 THEN 'reported' ELSE 'closed' END,
              CASE WHEN n % 10 = 0 THEN CAST(md5('S' || n % 20) AS uuid) END,
              CASE WHEN n % 10 <> 0 THEN CAST(md5('S' || n % 20) AS uuid) END, ''
       FROM generate_series(1, 10000) n""",
    """INSERT INTO case_placement (case_id, network_id, unit_version_id, edition_id, status)
       SELECT "case".id, unit_version.network_id, unit_version.id, unit_version.edition_id, 'inside'
       FROM "case" JOIN unit_version ON unit_version.code = 'G' || "case".id % 20 || '.' || "case".id / 20 % 20""",
    "INSERT INTO sos (person_id, raised_at, received_at, acknowledged_at) SELECT id, :now, :now, :now - interval '9 days' FROM person",
    """INSERT INTO alert (kind, case_id, noticed_at, raised_at, cleared_at)
       SELECT 'urgent_case', id, :now, :now, :now FROM "case" """,
)  # fmt: skip


def fill(conn: Connection) -> None:
    """Lay the city out and let everybody report."""
    values = {"now": NOW, "ever": EVER, "lon": LON, "lat": LAT, "side": SIDE}
    conn.execute(text("SELECT setseed(0.5)"))
    for statement in FILL:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        conn.execute(text(statement), used)


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
