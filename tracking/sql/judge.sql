-- For each item, in the order given: the holder of its device at its time, and why it must be dropped (NULL: keep).
SELECT
    holder.person_id,
    CASE
        WHEN holder.person_id IS NULL THEN 'no_holder'
        WHEN roles.untracked THEN 'not_tracked'
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
LEFT JOIN device_holder holder ON holder.device_id = item.device_id AND holder.valid @> item.fixed_at
LEFT JOIN LATERAL (
    SELECT NOT bool_or(role.tracked) AS untracked
    FROM assignment JOIN role ON role.code = assignment.role
    WHERE assignment.person_id = holder.person_id AND assignment.valid @> judged.at
) AS roles ON true
ORDER BY item.n
