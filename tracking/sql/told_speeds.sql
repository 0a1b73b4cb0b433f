-- The newest accepted fixes of each device that tell a speed, in the order they were made, with the client that sent them.
SELECT told.device_id, raw.format, told.fixed_at, told.lon, told.lat, told.accuracy_m, told.speed_mps
FROM unnest(CAST(:device_id AS bigint[])) AS asked(id)
JOIN device ON device.id = asked.id
CROSS JOIN LATERAL (
    SELECT fix.device_id, fix.fixed_at, fix.lon, fix.lat, fix.accuracy_m, fix.speed_mps
    FROM fix
    WHERE fix.device_id = device.id AND fix.flags = 0 AND fix.speed_mps IS NOT NULL
      AND fix.fixed_at > CAST(:since AS timestamptz) AND fix.fixed_at <= CAST(:until AS timestamptz)
      AND fix.received_at >= coalesce(device.speed_unit_since, '-infinity')
    ORDER BY fix.fixed_at DESC
    LIMIT CAST(:most AS integer)
) AS told
JOIN raw_report AS raw
  ON raw.device_id = told.device_id AND raw.fixed_at = told.fixed_at AND raw.is_fix
 AND raw.received_at > CAST(:since AS timestamptz)
ORDER BY told.device_id, told.fixed_at
