-- Who they are and where they serve: what changes with rosters and posts, not with movement. Either everybody on shift
-- (persons NULL), or these persons, on shift or not. Nobody waits to hear from a volunteer: untracked roles are left out.
WITH on_shift AS MATERIALIZED (
    SELECT person_id, max(starts_at) AS since, max(ends_at) AS until
    FROM shift
    WHERE starts_at >= CAST(:now AS timestamptz) - interval '24 hours'  -- no shift is longer
      AND starts_at <= CAST(:now AS timestamptz) AND ends_at > CAST(:now AS timestamptz)
      AND (CAST(:persons AS bigint[]) IS NULL OR person_id = ANY(CAST(:persons AS bigint[])))
    GROUP BY person_id
),
wanted AS MATERIALIZED (
    SELECT person_id FROM on_shift
    UNION
    SELECT person_id FROM unnest(CAST(:persons AS bigint[])) AS one(person_id)
),
served AS MATERIALIZED (  -- sorted once below: an order in each aggregate would sort once for each
    SELECT post.person_id, array_agg(post.path) AS paths,
           (array_agg(post.role))[1] AS role, (array_agg(post.role_name))[1] AS role_name,
           (array_agg(post.code))[1] AS unit_code, (array_agg(post.name))[1] AS unit_name,
           bool_or(post.tracked) AS tracked, bool_or(post.within) AS within
    FROM (
        SELECT assignment.person_id, role.code AS role, role.name AS role_name, role.tracked,
               unit_version.code, unit_version.name, CAST(unit_version.path AS text) AS path,
               CAST(:paths AS text[]) IS NULL
               OR unit_version.path <@ CAST(CAST(:paths AS text[]) AS ltree[]) AS within
        FROM wanted
        JOIN assignment ON assignment.person_id = wanted.person_id AND assignment.valid @> CAST(:now AS timestamptz)
        JOIN role ON role.code = assignment.role
        JOIN unit_version ON unit_version.unit_id = assignment.unit_id
            AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
        ORDER BY assignment.person_id, role.tracked DESC, unit_version.code, role.code
    ) AS post
    GROUP BY post.person_id
),
held AS MATERIALIZED (
    SELECT one.person_id, array_agg(one.id) AS device_id, array_agg(one.interval_s) AS interval_s,
           array_agg(one.heartbeat_s) AS heartbeat_s, array_agg(one.since) AS held_since
    FROM (
        SELECT device_holder.person_id, device.id, device.interval_s, device.heartbeat_s,
               lower(device_holder.valid) AS since
        FROM wanted
        JOIN device_holder ON device_holder.person_id = wanted.person_id
            AND device_holder.valid @> CAST(:now AS timestamptz)
        JOIN device ON device.id = device_holder.device_id AND device.revoked_at IS NULL
        ORDER BY device_holder.person_id, device.id
    ) AS one
    GROUP BY one.person_id
)
SELECT person.id AS person_id, person.code AS person_code, person.name, served.role, served.role_name,
       served.unit_code, served.unit_name, served.paths, on_shift.since, on_shift.until,
       held.device_id, held.interval_s, held.heartbeat_s, held.held_since, last_fix.person_id IS NOT NULL AS has_fix
FROM wanted
JOIN person ON person.id = wanted.person_id
LEFT JOIN on_shift ON on_shift.person_id = person.id
LEFT JOIN served ON served.person_id = person.id
LEFT JOIN held ON held.person_id = person.id
LEFT JOIN last_fix ON last_fix.person_id = person.id
WHERE (CAST(:paths AS text[]) IS NULL OR served.within) AND coalesce(served.tracked, true)
ORDER BY person.code
