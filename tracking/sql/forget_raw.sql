-- What an overruled fix left of its message.
DELETE FROM raw_report USING unnest(CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[])) AS item(device_id, fixed_at)
WHERE raw_report.device_id = item.device_id AND raw_report.fixed_at = item.fixed_at AND raw_report.is_fix
