-- Last fixes that a reader with the snapshot `since` has not seen. Its xmin bounds the index scan, and what it saw is
-- left out one by one: a transaction that stays open for hours neither hides a row nor brings the same one again.
-- Rows restored from a backup may carry transactions of another server, still to come here: only a first read has them.
SELECT last_fix.person_id, last_fix.device_id, last_fix.fixed_at, ST_X(last_fix.point) AS lon, ST_Y(last_fix.point) AS lat,
       last_fix.accuracy_m, last_fix.speed_mps, last_fix.heading_deg, last_fix.battery_pct, last_fix.charging,
       last_fix.moving, at_unit.code AS at_unit_code
FROM last_fix
LEFT JOIN unit_version at_unit ON at_unit.id = last_fix.unit_version_id
WHERE last_fix.changed >= pg_snapshot_xmin(CAST(:since AS pg_snapshot))
  AND last_fix.changed < CASE CAST(:since AS text) WHEN '3:3:' THEN CAST('18446744073709551615' AS xid8)
                                       ELSE pg_snapshot_xmax(pg_current_snapshot()) END
  AND NOT pg_visible_in_snapshot(last_fix.changed, CAST(:since AS pg_snapshot))
  AND (CAST(:persons AS bigint[]) IS NULL OR last_fix.person_id = ANY(CAST(:persons AS bigint[])))
