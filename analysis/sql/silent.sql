-- Who is on shift, may be recorded and was not heard for too long; with what the phone told last.
WITH on_shift AS MATERIALIZED (
    SELECT shift.person_id, max(shift.starts_at) AS since
    FROM shift
    WHERE shift.starts_at > CAST(:now AS timestamptz) - interval '24 hours'  -- no shift is longer
      AND shift.starts_at <= CAST(:now AS timestamptz) AND shift.ends_at > CAST(:now AS timestamptz)
    GROUP BY shift.person_id
)
SELECT on_shift.person_id, heard.at AS heard_at, heard.battery_pct, heard.charging, heard.status
FROM on_shift
LEFT JOIN last_fix ON last_fix.person_id = on_shift.person_id
JOIN LATERAL (  -- the phone heard last of those in hand; whoever holds none cannot be heard
    SELECT greatest(beat.heard_at, moved.fixed_at) AS at, device.heartbeat_s, beat.status,
           CASE WHEN beat.heard_at >= moved.fixed_at THEN coalesce(beat.battery_pct, moved.battery_pct)
                ELSE coalesce(moved.battery_pct, beat.battery_pct) END AS battery_pct,
           moved.charging
    FROM device_holder
    JOIN device ON device.id = device_holder.device_id AND device.revoked_at IS NULL
    LEFT JOIN device_heard beat ON beat.device_id = device.id AND device_holder.valid @> beat.heard_at
    LEFT JOIN LATERAL (
        SELECT last_fix.fixed_at, last_fix.battery_pct, last_fix.charging WHERE last_fix.device_id = device.id
    ) AS moved ON true
    WHERE device_holder.person_id = on_shift.person_id AND device_holder.valid @> CAST(:now AS timestamptz)
    ORDER BY greatest(beat.heard_at, moved.fixed_at) DESC NULLS LAST, device.id LIMIT 1
) AS heard ON true
WHERE coalesce(last_fix.fixed_at, '-infinity') <= CAST(:now AS timestamptz) - make_interval(secs => :silent_s)  -- most are heard
  AND on_shift.since <= CAST(:now AS timestamptz) - make_interval(secs => :silent_s)
  AND coalesce(heard.at, '-infinity') <= CAST(:now AS timestamptz) - make_interval(secs => greatest(
      :silent_s, CASE WHEN NOT coalesce(last_fix.moving, false) THEN 2.0 * heard.heartbeat_s END
  ))
  AND coalesce((
      SELECT bool_or(role.tracked) FROM assignment JOIN role ON role.code = assignment.role
      WHERE assignment.person_id = on_shift.person_id AND assignment.valid @> CAST(:now AS timestamptz)
  ), true)
  AND EXISTS (
      SELECT FROM notice_acceptance accepted JOIN notice ON notice.version = accepted.version
      WHERE accepted.person_id = on_shift.person_id AND accepted.accepted_at <= CAST(:now AS timestamptz)
        AND (accepted.withdrawn_at IS NULL OR accepted.withdrawn_at > CAST(:now AS timestamptz))
        AND NOT EXISTS (
            SELECT FROM notice renewal
            WHERE renewal.renews AND renewal.published_at > notice.published_at
              AND renewal.published_at <= CAST(:now AS timestamptz)
        )
  )
