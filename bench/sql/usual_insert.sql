INSERT INTO fix (device_id, fixed_at, person_id, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, battery_pct, digest)
VALUES (%(device_id)s, %(fixed_at)s, %(person_id)s, now(), %(lon)s, %(lat)s, %(accuracy_m)s, %(speed_mps)s, %(heading_deg)s, %(battery_pct)s, 0)
