SELECT device.token_hash, device.id, device_holder.person_id FROM device JOIN device_holder ON device_holder.device_id = device.id
