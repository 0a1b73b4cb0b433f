-- The units right below one (NULL: the roots of a network) with who is on shift there and below, of those one may see.
-- The states are those of tracking.live, on the same limits.
WITH child AS MATERIALIZED (
    SELECT unit_version.unit_id, unit_version.level, unit_version.code, unit_version.name, unit_version.geom,
           CAST(unit_version.path AS text) AS path, unit.kind,
           replace(CAST(unit_version.unit_id AS text), '-', '') AS label
    FROM unit_version JOIN unit ON unit.id = unit_version.unit_id
    WHERE unit_version.network_id = :network_id AND unit_version.valid @> CAST(:now AS timestamptz)
      AND upper_inf(unit_version.recorded)
      AND unit_version.parent_unit_id IS NOT DISTINCT FROM CAST(:parent_id AS uuid)
),
on_shift AS MATERIALIZED (
    SELECT shift.person_id, max(shift.starts_at) AS since FROM shift
    WHERE shift.starts_at > CAST(:now AS timestamptz) - interval '24 hours'
      AND shift.starts_at <= CAST(:now AS timestamptz) AND shift.ends_at > CAST(:now AS timestamptz)
    GROUP BY shift.person_id
),
served AS MATERIALIZED (
    SELECT DISTINCT child.unit_id, on_shift.person_id, on_shift.since
    FROM on_shift
    JOIN assignment ON assignment.person_id = on_shift.person_id AND assignment.valid @> CAST(:now AS timestamptz)
    JOIN unit_version ON unit_version.unit_id = assignment.unit_id AND unit_version.network_id = :network_id
        AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
    JOIN child ON child.label = split_part(CAST(unit_version.path AS text), '.', :depth + 1)
    WHERE (CAST(:paths AS text[]) IS NULL OR unit_version.path <@ CAST(CAST(:paths AS text[]) AS ltree[]))
),
tracked AS MATERIALIZED (
    SELECT assignment.person_id FROM assignment JOIN role ON role.code = assignment.role
    WHERE assignment.valid @> CAST(:now AS timestamptz)
    GROUP BY assignment.person_id HAVING bool_or(role.tracked)
),
phone AS MATERIALIZED (
    SELECT DISTINCT ON (device_holder.person_id) device_holder.person_id, device.interval_s, device.heartbeat_s,
           device_heard.heard_at
    FROM device_holder
    JOIN device ON device.id = device_holder.device_id AND device.revoked_at IS NULL
    LEFT JOIN device_heard ON device_heard.device_id = device.id AND device_holder.valid @> device_heard.heard_at
    LEFT JOIN last_fix ON last_fix.person_id = device_holder.person_id AND last_fix.device_id = device.id
    WHERE device_holder.valid @> CAST(:now AS timestamptz)
      AND device_holder.person_id IN (SELECT served.person_id FROM served)
    ORDER BY device_holder.person_id, greatest(device_heard.heard_at, last_fix.fixed_at) DESC NULLS LAST, device.id
),
rhythm AS MATERIALIZED (
    SELECT served.unit_id, coalesce(last_fix.moving, false) AS moving,
           CASE WHEN coalesce(last_fix.moving, false) OR phone.heartbeat_s IS NULL THEN coalesce(phone.interval_s, 10)
                ELSE phone.heartbeat_s END AS expected_s,
           phone.heartbeat_s IS NOT NULL AND NOT coalesce(last_fix.moving, false) AS sleeps,
           extract(epoch FROM CAST(:now AS timestamptz) - greatest(last_fix.fixed_at, phone.heard_at)) AS age_s,
           extract(epoch FROM CAST(:now AS timestamptz) - served.since) AS waited_s
    FROM served
    JOIN tracked ON tracked.person_id = served.person_id
    LEFT JOIN last_fix ON last_fix.person_id = served.person_id
    LEFT JOIN phone ON phone.person_id = served.person_id
),
counted AS (
    SELECT rhythm.unit_id, count(*) AS on_shift,
           count(*) FILTER (WHERE rhythm.waited_s >= :silent_s AND (rhythm.age_s IS NULL OR (
               rhythm.age_s >= :silent_s AND NOT (rhythm.sleeps AND rhythm.age_s <= 2 * rhythm.expected_s)
           ))) AS silent,
           count(*) FILTER (WHERE rhythm.moving AND rhythm.age_s <= rhythm.expected_s + :transit_s
               AND rhythm.age_s < :silent_s) AS moving
    FROM rhythm GROUP BY rhythm.unit_id
),
opened AS (
    SELECT child.unit_id, count(DISTINCT "case".id) AS open_cases
    FROM "case"
    JOIN case_placement ON case_placement.case_id = "case".id AND case_placement.network_id = :network_id
    JOIN unit_version ON unit_version.id = case_placement.unit_version_id
    JOIN child ON child.label = split_part(CAST(unit_version.path AS text), '.', :depth + 1)
    WHERE "case".owner_unit_id IS NOT NULL  -- open
      AND (CAST(:paths AS text[]) IS NULL OR unit_version.path <@ CAST(CAST(:paths AS text[]) AS ltree[]))
    GROUP BY child.unit_id
)
SELECT child.unit_id, child.kind, child.level, child.code, child.name, child.path,
       json_build_array(ST_XMin(child.geom), ST_YMin(child.geom), ST_XMax(child.geom), ST_YMax(child.geom)) AS bbox,
       coalesce(counted.on_shift, 0) AS on_shift, coalesce(counted.silent, 0) AS silent,
       coalesce(counted.moving, 0) AS moving, coalesce(opened.open_cases, 0) AS open_cases
FROM child
LEFT JOIN counted ON counted.unit_id = child.unit_id
LEFT JOIN opened ON opened.unit_id = child.unit_id
