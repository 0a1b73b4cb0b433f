-- What the wall knows of these persons. A sign of life counts while its device is in the person's hands.
WITH served AS MATERIALIZED (
    SELECT assignment.person_id,
           array_agg(DISTINCT CAST(unit_version.path AS text)) AS paths,
           (array_agg(role.code ORDER BY role.tracked DESC, unit_version.code))[1] AS role,
           (array_agg(role.name ORDER BY role.tracked DESC, unit_version.code))[1] AS role_name,
           (array_agg(unit_version.code ORDER BY role.tracked DESC, unit_version.code))[1] AS unit_code,
           (array_agg(unit_version.name ORDER BY role.tracked DESC, unit_version.code))[1] AS unit_name,
           bool_or(role.tracked) AS tracked,
           bool_or(CAST(:paths AS text[]) IS NULL OR unit_version.path <@ CAST(CAST(:paths AS text[]) AS ltree[])) AS within
    FROM assignment
    JOIN role ON role.code = assignment.role
    JOIN unit_version ON unit_version.unit_id = assignment.unit_id
        AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
    WHERE assignment.person_id = ANY(CAST(:persons AS bigint[])) AND assignment.valid @> CAST(:now AS timestamptz)
    GROUP BY assignment.person_id
)
SELECT person.id AS person_id, person.code AS person_code, person.name, served.role, served.role_name,
       served.unit_code, served.unit_name, coalesce(served.paths, '{}') AS paths,
       at_unit.code AS at_unit_code,
       ST_X(last_fix.point) AS lon, ST_Y(last_fix.point) AS lat, last_fix.accuracy_m, last_fix.speed_mps,
       last_fix.heading_deg, coalesce(heard.battery_pct, last_fix.battery_pct) AS battery_pct, last_fix.charging,
       last_fix.fixed_at, greatest(last_fix.fixed_at, heard.heard_at) AS heard_at,
       coalesce(last_fix.moving, false) AS moving,
       coalesce(heard.interval_s, 10) AS interval_s, heard.heartbeat_s,
       on_shift.since AS on_shift_since, on_shift.since IS NOT NULL AS on_shift,
       CAST(CAST(greatest(last_fix.changed, heard.changed, CAST('0' AS xid8)) AS text) AS bigint) AS changed
FROM person
LEFT JOIN served ON served.person_id = person.id
LEFT JOIN last_fix ON last_fix.person_id = person.id
LEFT JOIN unit_version at_unit ON at_unit.id = last_fix.unit_version_id
LEFT JOIN LATERAL (
    SELECT device.interval_s, device.heartbeat_s, device_heard.heard_at, device_heard.battery_pct, device_heard.changed
    FROM device_holder
    JOIN device ON device.id = device_holder.device_id
    LEFT JOIN device_heard ON device_heard.device_id = device.id AND device_holder.valid @> device_heard.heard_at
    WHERE device_holder.person_id = person.id AND device_holder.valid @> CAST(:now AS timestamptz)
    ORDER BY device_heard.heard_at DESC NULLS LAST, device.id LIMIT 1
) AS heard ON true
LEFT JOIN LATERAL (
    SELECT max(shift.starts_at) AS since FROM shift
    WHERE shift.person_id = person.id
      AND shift.starts_at <= CAST(:now AS timestamptz) AND shift.ends_at > CAST(:now AS timestamptz)
) AS on_shift ON true
WHERE person.id = ANY(CAST(:persons AS bigint[])) AND (CAST(:paths AS text[]) IS NULL OR served.within)
  AND coalesce(served.tracked, true)  -- nobody waits to hear from a volunteer
ORDER BY person.code
