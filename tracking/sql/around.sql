-- What is stored around each span of a device's new fixes: everything inside it and the two nearest good fixes of the
-- same person on either side, `place` numbering them (-2, -1: before; 0: inside, 3 when another person's; 1, 2: after).
-- A fix is good when no bit but `bit` is set. One row of arrays, which become columns in one step; NaN: not told, instants in
-- microseconds since 1970. `since` and `until` bound it all: the planner then looks at these days alone.
SELECT array_agg(near.device_id), array_agg(near.person_id),
       array_agg(CAST(extract(epoch FROM near.fixed_at) * 1000000 AS bigint)),
       array_agg(coalesce(near.lon, 'NaN')), array_agg(coalesce(near.lat, 'NaN')),
       array_agg(coalesce(near.accuracy_m, 'NaN')), array_agg(near.flags), array_agg(near.digest),
       array_agg(near.place)
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:person_id AS bigint[]), CAST(:first AS timestamptz[]), CAST(:last AS timestamptz[])
) AS span(device_id, person_id, first, last)
CROSS JOIN LATERAL (
    SELECT fix.device_id, fix.person_id, fix.fixed_at, fix.lon, fix.lat, fix.accuracy_m, fix.flags, fix.digest,
           CASE WHEN fix.person_id = span.person_id THEN 0 ELSE 3 END AS place
    FROM fix
    WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
      AND fix.device_id = span.device_id AND fix.fixed_at BETWEEN span.first AND span.last
    UNION ALL
    SELECT before.*, -row_number() OVER (ORDER BY before.fixed_at DESC)
    FROM (
        SELECT fix.device_id, fix.person_id, fix.fixed_at, fix.lon, fix.lat, fix.accuracy_m, fix.flags, fix.digest
        FROM fix
        WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = span.device_id AND fix.person_id = span.person_id
          AND fix.fixed_at < span.first AND fix.fixed_at >= span.first - interval '2 hours'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at DESC LIMIT 2
    ) AS before
    UNION ALL
    SELECT after.*, row_number() OVER (ORDER BY after.fixed_at)
    FROM (
        SELECT fix.device_id, fix.person_id, fix.fixed_at, fix.lon, fix.lat, fix.accuracy_m, fix.flags, fix.digest
        FROM fix
        WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
          AND fix.device_id = span.device_id AND fix.person_id = span.person_id
          AND fix.fixed_at > span.last AND fix.fixed_at <= span.last + interval '2 hours'
          AND fix.flags & ~CAST(:bit AS integer) = 0
        ORDER BY fix.fixed_at LIMIT 2
    ) AS after
) AS near
