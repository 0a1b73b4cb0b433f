-- The newest accepted fix of each person, and whether that person is moving: at least 0.5 m/s, as the crow flies, over
-- the last three minutes or two intervals of the device, whichever is longer; by the told speed where there is but one.
WITH newest AS MATERIALIZED (
    SELECT one.person_id, last.*
    FROM unnest(CAST(:persons AS bigint[])) AS one(person_id)
    LEFT JOIN LATERAL (
        SELECT fix.device_id, fix.fixed_at, fix.received_at, fix.lon, fix.lat, fix.accuracy_m, fix.speed_mps,
               fix.heading_deg, fix.battery_pct, fix.charging, fix.unit_version_id
        FROM fix
        WHERE fix.person_id = one.person_id AND fix.flags = 0
        ORDER BY fix.fixed_at DESC, fix.device_id LIMIT 1
    ) AS last ON true
),
gone AS (
    DELETE FROM last_fix USING newest
    WHERE last_fix.person_id = newest.person_id AND newest.fixed_at IS NULL
)
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
FROM newest
JOIN device ON device.id = newest.device_id
LEFT JOIN LATERAL (
    SELECT fix.lon, fix.lat, fix.fixed_at FROM fix
    WHERE fix.device_id = newest.device_id AND fix.person_id = newest.person_id AND fix.flags = 0
      AND fix.fixed_at < newest.fixed_at
      AND fix.fixed_at >= newest.fixed_at - make_interval(secs => least(greatest(180, 2 * device.interval_s), 86400))
    ORDER BY fix.fixed_at LIMIT 1
) AS earlier ON true
WHERE newest.fixed_at IS NOT NULL
ORDER BY newest.person_id
ON CONFLICT (person_id) DO UPDATE SET
    device_id = excluded.device_id, fixed_at = excluded.fixed_at, received_at = excluded.received_at,
    point = excluded.point, accuracy_m = excluded.accuracy_m, speed_mps = excluded.speed_mps,
    heading_deg = excluded.heading_deg, battery_pct = excluded.battery_pct, charging = excluded.charging,
    unit_version_id = excluded.unit_version_id, moving = excluded.moving, changed = pg_current_xact_id()
WHERE (stored.device_id, stored.fixed_at, stored.received_at, stored.accuracy_m, stored.speed_mps, stored.heading_deg,
       stored.battery_pct, stored.charging, stored.unit_version_id, stored.moving)
      IS DISTINCT FROM
      (excluded.device_id, excluded.fixed_at, excluded.received_at, excluded.accuracy_m, excluded.speed_mps,
       excluded.heading_deg, excluded.battery_pct, excluded.charging, excluded.unit_version_id, excluded.moving)
   OR NOT stored.point ~= excluded.point
