-- For each item, in the order given: the holder of its device at its time, and why it must be dropped (NULL: keep).
-- Ranges are taken apart so that the keys of device and person are used: a few rows each, hundreds of items at once.
SELECT
    holder.person_id,
    CASE
        WHEN holder.person_id IS NULL THEN 'no_holder'
        WHEN (
            SELECT NOT bool_or(role.tracked) FROM assignment JOIN role ON role.code = assignment.role
            WHERE assignment.person_id = holder.person_id
              AND coalesce(lower(assignment.valid) <= judged.at, true) AND coalesce(upper(assignment.valid) > judged.at, true)
        ) THEN 'not_tracked'
        WHEN NOT EXISTS (
            SELECT FROM notice_acceptance accepted JOIN notice ON notice.version = accepted.version
            WHERE accepted.person_id = holder.person_id
              AND accepted.accepted_at <= judged.at
              AND (accepted.withdrawn_at IS NULL OR accepted.withdrawn_at > judged.at)
              AND NOT EXISTS (
                  SELECT FROM notice renewal
                  WHERE renewal.renews AND renewal.published_at > notice.published_at
                    AND renewal.published_at <= judged.at
              )
        ) THEN 'no_notice'
        WHEN NOT EXISTS (
            SELECT FROM shift
            WHERE shift.person_id = holder.person_id
              AND shift.starts_at <= judged.at AND shift.ends_at > judged.at
        ) AND NOT EXISTS (
            SELECT FROM shift
            WHERE shift.person_id = holder.person_id
              AND shift.starts_at <= item.fixed_at AND shift.ends_at > item.fixed_at
        ) THEN 'off_shift'
    END AS reason
FROM unnest(
        CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:ahead AS boolean[])
     ) WITH ORDINALITY AS item(device_id, fixed_at, ahead, n)
CROSS JOIN LATERAL (
    SELECT CASE WHEN item.ahead THEN least(item.fixed_at, CAST(:received_at AS timestamptz)) ELSE item.fixed_at END AS at
) AS judged
LEFT JOIN LATERAL (
    SELECT device_holder.person_id FROM device_holder
    WHERE device_holder.device_id = item.device_id
      AND coalesce(lower(device_holder.valid) <= item.fixed_at, true)
      AND coalesce(upper(device_holder.valid) > item.fixed_at, true)
    LIMIT 1
) AS holder ON true
ORDER BY item.n
