-- New instants go in; where a device has another fix of the same instant, the smaller digest stands.
INSERT INTO fix (
    device_id, fixed_at, person_id, received_at, lon, lat, accuracy_m, altitude_m, speed_mps, heading_deg,
    battery_pct, charging, unit_version_id, flags, digest
)
SELECT
    device_id, fixed_at, person_id, :received_at, lon, lat, accuracy_m, altitude_m, speed_mps, heading_deg,
    battery_pct, charging, unit_version_id, flags, digest
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:person_id AS bigint[]),
    CAST(:lon AS double precision[]), CAST(:lat AS double precision[]), CAST(:accuracy_m AS double precision[]),
    CAST(:altitude_m AS double precision[]), CAST(:speed_mps AS double precision[]),
    CAST(:heading_deg AS double precision[]), CAST(:battery_pct AS double precision[]),
    CAST(:charging AS boolean[]), CAST(:unit_version_id AS bigint[]), CAST(:flags AS integer[]),
    CAST(:digest AS bigint[])
) AS item(
    device_id, fixed_at, person_id, lon, lat, accuracy_m, altitude_m, speed_mps, heading_deg,
    battery_pct, charging, unit_version_id, flags, digest
)
ON CONFLICT (device_id, fixed_at) DO UPDATE SET
    person_id = excluded.person_id, received_at = excluded.received_at, lon = excluded.lon, lat = excluded.lat,
    accuracy_m = excluded.accuracy_m, altitude_m = excluded.altitude_m, speed_mps = excluded.speed_mps,
    heading_deg = excluded.heading_deg, battery_pct = excluded.battery_pct, charging = excluded.charging,
    unit_version_id = excluded.unit_version_id, flags = excluded.flags, digest = excluded.digest
WHERE excluded.digest < fix.digest
RETURNING device_id, fixed_at
