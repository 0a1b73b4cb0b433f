SELECT device.id, device_holder.person_id
FROM device JOIN device_holder ON device_holder.device_id = device.id AND device_holder.valid @> now()
WHERE device.token_hash = %(hash)s AND device.revoked_at IS NULL
