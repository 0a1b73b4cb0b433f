-- Units of these networks where people serve in a tracked role and nobody is on shift, there or anywhere below; of a
-- network where nobody at all is on shift none is told: it rests.
WITH serving AS MATERIALIZED (
    SELECT DISTINCT unit_version.network_id, unit_version.unit_id, unit_version.path, assignment.person_id
    FROM assignment
    JOIN role ON role.code = assignment.role AND role.tracked
    JOIN unit_version ON unit_version.unit_id = assignment.unit_id
        AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
    WHERE assignment.valid @> CAST(:now AS timestamptz)
      AND unit_version.network_id = ANY(CAST(:networks AS integer[]))
),
on_shift AS MATERIALIZED (
    SELECT DISTINCT shift.person_id FROM shift
    WHERE shift.starts_at > CAST(:now AS timestamptz) - interval '24 hours'
      AND shift.starts_at <= CAST(:now AS timestamptz) AND shift.ends_at > CAST(:now AS timestamptz)
),
staffed AS MATERIALIZED (
    SELECT DISTINCT serving.network_id, step.label
    FROM serving JOIN on_shift ON on_shift.person_id = serving.person_id
    CROSS JOIN LATERAL unnest(string_to_array(CAST(serving.path AS text), '.')) AS step(label)
)
SELECT DISTINCT serving.unit_id
FROM serving
WHERE serving.network_id IN (SELECT staffed.network_id FROM staffed)
  AND NOT EXISTS (
      SELECT FROM staffed WHERE staffed.label = replace(CAST(serving.unit_id AS text), '-', '')
  )
