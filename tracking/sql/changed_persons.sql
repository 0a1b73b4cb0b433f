-- Persons with a change at or after the cursor (NULL: everybody with a fix or on duty), and the next cursor, of one snapshot.
SELECT
    CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS cursor,
    (
        SELECT array_agg(DISTINCT person_id ORDER BY person_id)
        FROM (
            SELECT last_fix.person_id FROM last_fix
            WHERE last_fix.changed >= CAST(CAST(:since AS text) AS xid8)
            UNION ALL
            SELECT device_holder.person_id
            FROM device_heard JOIN device_holder ON device_holder.device_id = device_heard.device_id
            WHERE device_heard.changed >= CAST(CAST(:since AS text) AS xid8) AND device_holder.valid @> CAST(:now AS timestamptz)
            UNION ALL
            SELECT last_fix.person_id FROM last_fix WHERE CAST(:since AS text) IS NULL
            UNION ALL
            SELECT shift.person_id FROM shift
            WHERE CAST(:since AS text) IS NULL
              AND shift.starts_at <= CAST(:now AS timestamptz) AND shift.ends_at > CAST(:now AS timestamptz)
        ) AS found
    ) AS persons
