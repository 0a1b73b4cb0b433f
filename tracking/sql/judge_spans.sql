-- For each device and instant, in the order given: who held it then, and around it the span [since, until) in which
-- everything of it may be kept (one tracked assignment, one shift, one notice); NULL: no bound. No person: nothing is
-- told, and judge.sql must be asked for each fix.
SELECT held.person_id, held.since, held.until
FROM unnest(CAST(:device_id AS bigint[]), CAST(:at AS timestamptz[])) WITH ORDINALITY AS span(device_id, at, n)
LEFT JOIN LATERAL (
    SELECT device_holder.person_id,
           greatest(
               lower(device_holder.valid), shift.starts_at, lower(assignment.valid), accepted.accepted_at
           ) AS since,
           least(
               upper(device_holder.valid), shift.ends_at, upper(assignment.valid), accepted.withdrawn_at,
               (
                   SELECT min(renewal.published_at) FROM notice renewal
                   WHERE renewal.renews AND renewal.published_at > notice.published_at
               )
           ) AS until
    FROM device_holder
    JOIN shift ON shift.person_id = device_holder.person_id AND shift.starts_at <= span.at AND shift.ends_at > span.at
    JOIN assignment ON assignment.person_id = device_holder.person_id AND assignment.valid @> span.at
    JOIN role ON role.code = assignment.role AND role.tracked
    JOIN notice_acceptance accepted ON accepted.person_id = device_holder.person_id
        AND accepted.accepted_at <= span.at AND (accepted.withdrawn_at IS NULL OR accepted.withdrawn_at > span.at)
    JOIN notice ON notice.version = accepted.version AND NOT EXISTS (
        SELECT FROM notice renewal
        WHERE renewal.renews AND renewal.published_at > notice.published_at AND renewal.published_at <= span.at
    )
    WHERE device_holder.device_id = span.device_id AND device_holder.valid @> span.at
    ORDER BY until DESC
    LIMIT 1
) AS held ON true
ORDER BY span.n
