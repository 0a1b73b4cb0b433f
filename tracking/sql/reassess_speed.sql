-- `implausible_speed` as a function of the stored fixes alone: a fix that is otherwise good carries it when the nearest
-- good fixes of the same person and device within an hour before and after are both too fast to reach; one with none
-- after it when the one before is; one with none before it never. Judged again for what changed and its neighbours.
-- `since` and `until` bound all that is touched by more than an hour: the planner then looks at these days alone.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT device_id, person_id, fixed_at
    FROM unnest(CAST(:device_id AS bigint[]), CAST(:person_id AS bigint[]), CAST(:fixed_at AS timestamptz[]))
        AS item(device_id, person_id, fixed_at)
),
around AS MATERIALIZED (
    SELECT device_id, person_id, fixed_at FROM touched
    UNION
    SELECT touched.device_id, touched.person_id, before.fixed_at
    FROM touched CROSS JOIN LATERAL (
        SELECT fix.fixed_at FROM fix
        WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = touched.device_id AND fix.person_id = touched.person_id
          AND fix.fixed_at < touched.fixed_at AND fix.fixed_at >= touched.fixed_at - interval '1 hour'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at DESC LIMIT 1
    ) AS before
    UNION
    SELECT touched.device_id, touched.person_id, after.fixed_at
    FROM touched CROSS JOIN LATERAL (
        SELECT fix.fixed_at FROM fix
        WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = touched.device_id AND fix.person_id = touched.person_id
          AND fix.fixed_at > touched.fixed_at AND fix.fixed_at <= touched.fixed_at + interval '1 hour'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at LIMIT 1
    ) AS after
),
judged AS MATERIALIZED (
    SELECT around.device_id, around.fixed_at,
           CASE WHEN this.flags & ~CAST(:bit AS integer) = 0
                     AND before.mps > CAST(:limit_mps AS double precision)
                     AND coalesce(after.mps > CAST(:limit_mps AS double precision), true)
                THEN CAST(:bit AS integer) ELSE 0 END AS found
    FROM around
    CROSS JOIN LATERAL (
        SELECT fix.flags, fix.lon, fix.lat, fix.accuracy_m FROM fix
        WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = around.device_id AND fix.fixed_at = around.fixed_at
    ) AS this
    LEFT JOIN LATERAL (
        SELECT greatest(
                   ST_DistanceSphere(ST_MakePoint(fix.lon, fix.lat), ST_MakePoint(this.lon, this.lat))
                   - coalesce(fix.accuracy_m, 0) - coalesce(this.accuracy_m, 0), 0
               ) / greatest(extract(epoch FROM around.fixed_at - fix.fixed_at), 1) AS mps
        FROM fix
        WHERE this.flags & ~CAST(:bit AS integer) = 0
          AND fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = around.device_id AND fix.person_id = around.person_id
          AND fix.fixed_at < around.fixed_at AND fix.fixed_at >= around.fixed_at - interval '1 hour'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at DESC LIMIT 1
    ) AS before ON true
    LEFT JOIN LATERAL (
        SELECT greatest(
                   ST_DistanceSphere(ST_MakePoint(fix.lon, fix.lat), ST_MakePoint(this.lon, this.lat))
                   - coalesce(fix.accuracy_m, 0) - coalesce(this.accuracy_m, 0), 0
               ) / greatest(extract(epoch FROM fix.fixed_at - around.fixed_at), 1) AS mps
        FROM fix
        WHERE this.flags & ~CAST(:bit AS integer) = 0
          AND fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = around.device_id AND fix.person_id = around.person_id
          AND fix.fixed_at > around.fixed_at AND fix.fixed_at <= around.fixed_at + interval '1 hour'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at LIMIT 1
    ) AS after ON true
)
UPDATE fix SET flags = fix.flags & ~CAST(:bit AS integer) | judged.found
FROM judged
WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
  AND fix.device_id = judged.device_id AND fix.fixed_at = judged.fixed_at
  AND fix.flags & CAST(:bit AS integer) <> judged.found
RETURNING fix.device_id, fix.fixed_at, fix.flags
