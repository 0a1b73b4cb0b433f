UPDATE fix SET flags = item.flags
FROM unnest(CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:flags AS integer[]))
    AS item(device_id, fixed_at, flags)
WHERE fix.fixed_at BETWEEN CAST(:since AS timestamptz) AND CAST(:until AS timestamptz)
  AND fix.device_id = item.device_id AND fix.fixed_at = item.fixed_at
