-- Where people serve from :since on by what was decided for a plan, of the assignments :ids that held until :untils
-- (null: open). What somebody serves there in the same role already stays; only the rest of the time is added.
WITH wanted AS (
    SELECT
        was.person_id, taker.unit_id, was.role,
        range_agg(tstzrange(greatest(:since, lower(was.valid)), moved.until)) AS span
    FROM unnest(CAST(:ids AS bigint[]), CAST(:untils AS timestamptz[])) AS moved (id, until)
    INNER JOIN assignment AS was ON was.id = moved.id
    INNER JOIN post_decision AS decided ON decided.assignment_id = was.id AND decided.plan_id = :plan
    CROSS JOIN unnest(decided.unit_ids) AS taker (unit_id)
    WHERE taker.unit_id <> was.unit_id
    GROUP BY was.person_id, taker.unit_id, was.role
),

held AS (
    SELECT person_id, unit_id, role, range_agg(assignment.valid) AS span
    FROM wanted INNER JOIN assignment USING (person_id, unit_id, role)
    GROUP BY person_id, unit_id, role
)

INSERT INTO assignment (person_id, unit_id, role, valid)
SELECT person_id, unit_id, role, unnest(wanted.span - coalesce(held.span, CAST('{}' AS tstzmultirange)))
FROM wanted LEFT JOIN held USING (person_id, unit_id, role)
