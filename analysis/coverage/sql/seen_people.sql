-- Those of :people who could be seen at some instant of [since, until): fixes of them stand, or would have been kept: a
-- notice they had accepted stood, and one of their roles was tracked, or they had none (as tracking/sql/judge.sql drops).
SELECT asked.person_id
FROM unnest(CAST(:people AS bigint[])) AS asked (person_id)
LEFT JOIN LATERAL (
    SELECT true AS stands FROM fix
    WHERE fix.person_id = asked.person_id AND fix.fixed_at >= :since AND fix.fixed_at < :until AND fix.flags = 0
    LIMIT 1
) AS proof ON true
LEFT JOIN LATERAL (
    SELECT true AS stands
    FROM notice_acceptance accepted
    JOIN notice ON notice.version = accepted.version
    CROSS JOIN LATERAL (
        SELECT
            greatest(accepted.accepted_at, CAST(:since AS timestamptz)) AS since,
            least(accepted.withdrawn_at, CAST(:until AS timestamptz), (
                SELECT min(renewal.published_at) FROM notice renewal
                WHERE renewal.renews AND renewal.published_at > notice.published_at
            )) AS until
    ) AS stood
    LEFT JOIN LATERAL (
        SELECT bool_or(role.tracked) AS tracked
        FROM assignment JOIN role ON role.code = assignment.role
        WHERE assignment.person_id = asked.person_id
          AND coalesce(lower(assignment.valid) < stood.until, true)
          AND coalesce(upper(assignment.valid) > stood.since, true)
    ) AS post ON true
    WHERE accepted.person_id = asked.person_id AND stood.since < stood.until AND coalesce(post.tracked, true)
    LIMIT 1
) AS agreed ON true
WHERE proof.stands OR agreed.stands
