-- What a reader sees now, and whether anything was changed in the rosters that a reader with the snapshot `since` has not seen.
SELECT CAST(pg_current_snapshot() AS text) AS cursor,
       EXISTS (
           SELECT FROM roster_change
           WHERE xid >= pg_snapshot_xmin(CAST(:since AS pg_snapshot))
             AND xid < pg_snapshot_xmax(pg_current_snapshot())
             AND NOT pg_visible_in_snapshot(xid, CAST(:since AS pg_snapshot))
       ) AS changed
