-- Signs of life that a reader with the snapshot `since` has not seen: see positions.sql.
SELECT device_id, heard_at, battery_pct, status
FROM device_heard
WHERE changed >= pg_snapshot_xmin(CAST(:since AS pg_snapshot))
  AND changed < CASE CAST(:since AS text) WHEN '3:3:' THEN CAST('18446744073709551615' AS xid8)
                                       ELSE (SELECT pg_snapshot_xmax(pg_current_snapshot())) END
  AND NOT pg_visible_in_snapshot(changed, CAST(:since AS pg_snapshot))
  AND (CAST(:devices AS bigint[]) IS NULL OR device_id = ANY(CAST(:devices AS bigint[])))
