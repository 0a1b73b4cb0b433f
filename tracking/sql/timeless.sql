SELECT device_id, digest FROM fix
WHERE device_id = ANY(CAST(:devices AS bigint[])) AND flags & CAST(:bit AS integer) <> 0
