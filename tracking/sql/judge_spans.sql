-- For each span of a device's fixes, in the order given: who held it all that time, when everything may be kept for all of it
-- (one tracked assignment, one shift, one notice). NULL tells nothing: judge.sql then asks for each fix.
SELECT held.person_id
FROM unnest(
    CAST(:device_id AS bigint[]), CAST(:first AS timestamptz[]), CAST(:last AS timestamptz[])
) WITH ORDINALITY AS span(device_id, first, last, n)
LEFT JOIN LATERAL (
    SELECT device_holder.person_id
    FROM device_holder
    WHERE device_holder.device_id = span.device_id
      AND device_holder.valid @> span.first AND device_holder.valid @> span.last
      AND EXISTS (
          SELECT FROM shift
          WHERE shift.person_id = device_holder.person_id AND shift.starts_at <= span.first AND shift.ends_at > span.last
      )
      AND EXISTS (
          SELECT FROM assignment JOIN role ON role.code = assignment.role
          WHERE assignment.person_id = device_holder.person_id AND role.tracked
            AND assignment.valid @> span.first AND assignment.valid @> span.last
      )
      AND EXISTS (
          SELECT FROM notice_acceptance accepted JOIN notice ON notice.version = accepted.version
          WHERE accepted.person_id = device_holder.person_id
            AND accepted.accepted_at <= span.first
            AND (accepted.withdrawn_at IS NULL OR accepted.withdrawn_at > span.last)
            AND NOT EXISTS (
                SELECT FROM notice renewal
                WHERE renewal.renews AND renewal.published_at > notice.published_at AND renewal.published_at <= span.last
            )
      )
) AS held ON true
ORDER BY span.n
