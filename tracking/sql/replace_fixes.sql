-- Where a device has another fix of the same instant, the one of smaller digest stands in its place.
UPDATE fix SET
    person_id = item.person_id, received_at = item.received_at, lon = item.lon, lat = item.lat,
    accuracy_m = item.accuracy_m, altitude_m = item.altitude_m, speed_mps = item.speed_mps,
    heading_deg = item.heading_deg, battery_pct = item.battery_pct, charging = item.charging,
    unit_version_id = item.unit_version_id, flags = item.flags, digest = item.digest
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:person_id AS bigint[]),
    CAST(:received_at AS timestamptz[]),
    CAST(:lon AS double precision[]), CAST(:lat AS double precision[]), CAST(:accuracy_m AS double precision[]),
    CAST(:altitude_m AS double precision[]), CAST(:speed_mps AS double precision[]),
    CAST(:heading_deg AS double precision[]), CAST(:battery_pct AS double precision[]),
    CAST(:charging AS boolean[]), CAST(:unit_version_id AS bigint[]), CAST(:flags AS integer[]),
    CAST(:digest AS bigint[])
) AS item(
    device_id, fixed_at, person_id, received_at, lon, lat, accuracy_m, altitude_m, speed_mps, heading_deg,
    battery_pct, charging, unit_version_id, flags, digest
)
WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
  AND fix.device_id = item.device_id AND fix.fixed_at = item.fixed_at
