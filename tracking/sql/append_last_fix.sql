-- The newest of accepted fixes just stored becomes the last fix of its person when it is newer than the one known;
-- moving as in advance_last_fix.sql. `since` bounds the windows: the planner then looks at these days alone.
-- Returns whose last fix it is; of the others nothing is said.
INSERT INTO last_fix AS stored (
    person_id, device_id, fixed_at, received_at, point, accuracy_m, speed_mps, heading_deg, battery_pct, charging,
    unit_version_id, moving
)
SELECT newest.person_id, newest.device_id, newest.fixed_at, newest.received_at,
       ST_SetSRID(ST_MakePoint(newest.lon, newest.lat), 4326), newest.accuracy_m, newest.speed_mps,
       newest.heading_deg, newest.battery_pct, newest.charging, newest.unit_version_id,
       coalesce(
           ST_DistanceSphere(ST_MakePoint(earlier.lon, earlier.lat), ST_MakePoint(newest.lon, newest.lat))
               >= 0.5 * extract(epoch FROM newest.fixed_at - earlier.fixed_at),
           newest.speed_mps >= 0.5,
           false
       )
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:person_id AS bigint[]),
    CAST(:received_at AS timestamptz[]),
    CAST(:lon AS double precision[]), CAST(:lat AS double precision[]), CAST(:accuracy_m AS double precision[]),
    CAST(:speed_mps AS double precision[]), CAST(:heading_deg AS double precision[]),
    CAST(:battery_pct AS double precision[]), CAST(:charging AS boolean[]), CAST(:unit_version_id AS bigint[])
) AS newest(
    device_id, fixed_at, person_id, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, battery_pct, charging,
    unit_version_id
)
JOIN device ON device.id = newest.device_id
LEFT JOIN LATERAL (
    SELECT fix.lon, fix.lat, fix.fixed_at FROM fix
    WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
      AND fix.device_id = newest.device_id AND fix.person_id = newest.person_id AND fix.flags = 0
      AND fix.fixed_at < newest.fixed_at
      AND fix.fixed_at >= newest.fixed_at - make_interval(secs => least(greatest(180, 2 * device.interval_s), 86400))
    ORDER BY fix.fixed_at LIMIT 1
) AS earlier ON true
ORDER BY newest.person_id
ON CONFLICT (person_id) DO UPDATE SET
    device_id = excluded.device_id, fixed_at = excluded.fixed_at, received_at = excluded.received_at,
    point = excluded.point, accuracy_m = excluded.accuracy_m, speed_mps = excluded.speed_mps,
    heading_deg = excluded.heading_deg, battery_pct = excluded.battery_pct, charging = excluded.charging,
    unit_version_id = excluded.unit_version_id, moving = excluded.moving, changed = pg_current_xact_id()
WHERE (excluded.fixed_at, -excluded.device_id) > (stored.fixed_at, -stored.device_id)
RETURNING person_id
