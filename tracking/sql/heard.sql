-- The latest sign of life of each device, by the phone's clock; what it told of itself stays until it tells otherwise.
INSERT INTO device_heard AS stored (device_id, heard_at, received_at, battery_pct, status)
SELECT device_id, max(heard_at), CAST(:received_at AS timestamptz),
       (array_agg(battery_pct ORDER BY heard_at DESC) FILTER (WHERE battery_pct IS NOT NULL))[1],
       CAST((array_agg(status ORDER BY heard_at DESC) FILTER (WHERE status IS NOT NULL))[1] AS jsonb)
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:heard_at AS timestamptz[]), CAST(:battery_pct AS double precision[]),
    CAST(:status AS text[])
) AS item(device_id, heard_at, battery_pct, status)
GROUP BY device_id
ORDER BY device_id
ON CONFLICT (device_id) DO UPDATE SET
    heard_at = excluded.heard_at, received_at = excluded.received_at,
    battery_pct = coalesce(excluded.battery_pct, stored.battery_pct),
    status = coalesce(excluded.status, stored.status), changed = pg_current_xact_id()
WHERE excluded.heard_at > stored.heard_at
