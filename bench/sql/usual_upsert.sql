INSERT INTO last_fix AS stored (person_id, device_id, fixed_at, received_at, point, accuracy_m, speed_mps, heading_deg, battery_pct)
VALUES (
    %(person_id)s, %(device_id)s, %(fixed_at)s, now(), ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326),
    %(accuracy_m)s, %(speed_mps)s, %(heading_deg)s, %(battery_pct)s
)
ON CONFLICT (person_id) DO UPDATE SET
    device_id = excluded.device_id, fixed_at = excluded.fixed_at, received_at = excluded.received_at, point = excluded.point,
    accuracy_m = excluded.accuracy_m, speed_mps = excluded.speed_mps, heading_deg = excluded.heading_deg,
    battery_pct = excluded.battery_pct, changed = pg_current_xact_id()
WHERE excluded.fixed_at > stored.fixed_at
