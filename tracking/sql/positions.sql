-- Last fixes that a reader with the snapshot `since` has not seen, as one row of arrays, which become columns in one step
-- (NaN and -1: not told). What the reader saw is left out one by one: a transaction that
-- stays open for hours neither hides a row nor brings the same one again.
-- Rows restored from a backup may carry transactions of another server, still to come here: only a first read has them.
SELECT array_agg(person_id), array_agg(device_id), array_agg(fixed_at),
       array_agg(ST_X(point)), array_agg(ST_Y(point)), array_agg(coalesce(accuracy_m, 'NaN')),
       array_agg(coalesce(speed_mps, 'NaN')), array_agg(coalesce(heading_deg, 'NaN')),
       array_agg(coalesce(battery_pct, 'NaN')), array_agg(coalesce(CAST(charging AS integer), -1)), array_agg(moving),
       array_agg(coalesce(unit_version_id, -1))
FROM last_fix
WHERE changed >= pg_snapshot_xmin(CAST(:since AS pg_snapshot))
  AND changed < CASE CAST(:since AS text) WHEN '3:3:' THEN CAST('18446744073709551615' AS xid8)
                                       ELSE (SELECT pg_snapshot_xmax(pg_current_snapshot())) END
  AND NOT pg_visible_in_snapshot(changed, CAST(:since AS pg_snapshot))
  AND (CAST(:persons AS bigint[]) IS NULL OR person_id = ANY(CAST(:persons AS bigint[])))
