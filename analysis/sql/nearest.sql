-- Those on shift in a tracked role of one network who were recorded on this shift, nearest to a place first. They
-- are ordered by degrees; whoever is truly nearer lies within the reach of the first found, measured in the longer degrees.
WITH eligible AS NOT MATERIALIZED (
    SELECT last_fix.person_id, last_fix.point, last_fix.fixed_at
    FROM last_fix
    WHERE EXISTS (
        SELECT FROM shift
        WHERE shift.person_id = last_fix.person_id AND shift.starts_at <= CAST(:now AS timestamptz)
          AND shift.ends_at > CAST(:now AS timestamptz) AND last_fix.fixed_at >= shift.starts_at
    ) AND EXISTS (
        SELECT FROM assignment
        JOIN role ON role.code = assignment.role AND role.tracked
        JOIN unit_version ON unit_version.unit_id = assignment.unit_id
            AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
        WHERE assignment.person_id = last_fix.person_id AND assignment.valid @> CAST(:now AS timestamptz)
          AND unit_version.network_id = :network_id
          AND (CAST(:paths AS text[]) IS NULL OR unit_version.path <@ CAST(CAST(:paths AS text[]) AS ltree[]))
    )
),
first_found AS MATERIALIZED (
    SELECT eligible.point FROM eligible
    ORDER BY eligible.point <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)
    LIMIT :limit
),
reach AS MATERIALIZED (
    SELECT max(ST_DistanceSphere(first_found.point, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)))
           * 1.02 / (111000 * greatest(cos(radians(:lat)), 0.01)) + 1e-6 AS degrees
    FROM first_found
)
SELECT eligible.person_id, eligible.fixed_at,
       ST_Distance(
           CAST(eligible.point AS geography),
           CAST(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geography)
       ) AS distance_m
FROM reach
JOIN eligible ON eligible.point && ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), reach.degrees)
ORDER BY distance_m, eligible.person_id
LIMIT :limit
