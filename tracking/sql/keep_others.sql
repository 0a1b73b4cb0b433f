INSERT INTO raw_report (device_id, fixed_at, received_at, format, is_fix, item)
SELECT DISTINCT item.device_id, item.fixed_at, CAST(:received_at AS timestamptz), item.format, false, CAST(item.item AS jsonb)
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:format AS text[]), CAST(:item AS text[])
) AS item(device_id, fixed_at, format, item)
WHERE NOT EXISTS (
    SELECT FROM raw_report stored
    WHERE stored.device_id = item.device_id AND stored.fixed_at = item.fixed_at
      AND NOT stored.is_fix AND stored.item = CAST(item.item AS jsonb)
)
