-- Everything that stands at an instant: calls for help, one a person, and what the watch raised; each with the paths of
-- the units it concerns: where the person served, where a call came from, where a case lies and who holds it.
WITH called AS (
    SELECT min(sos.id) AS id, sos.person_id, min(least(sos.raised_at, sos.received_at)) AS raised_at,
           max(sos.received_at) AS at, sos.acknowledged_by, sos.acknowledged_at, max(sos.note) AS note,
           (array_agg(sos.point ORDER BY sos.raised_at DESC) FILTER (WHERE sos.point IS NOT NULL))[1] AS point
    FROM sos
    WHERE sos.acknowledged_at IS NULL OR sos.acknowledged_at > CAST(:listed_since AS timestamptz)
    GROUP BY sos.person_id, sos.acknowledged_by, sos.acknowledged_at
),
standing AS (
    SELECT 'sos' AS kind, called.id, called.raised_at, called.at, called.person_id, CAST(NULL AS uuid) AS unit_id,
           CAST(NULL AS bigint) AS case_id, called.point, CAST(NULL AS timestamptz) AS asked_at,
           CAST(NULL AS timestamptz) AS answered_at, CAST(NULL AS text) AS answer, CAST(NULL AS text) AS reason,
           called.acknowledged_by, called.acknowledged_at, called.note
    FROM called
    UNION ALL
    SELECT alert.kind, alert.id, alert.raised_at, CAST(:now AS timestamptz), alert.person_id, alert.unit_id,
           alert.case_id, coalesce("case".point, last_fix.point), alert.asked_at, alert.answered_at, alert.answer,
           alert.reason, alert.acknowledged_by, alert.acknowledged_at, alert.note
    FROM alert
    LEFT JOIN "case" ON "case".id = alert.case_id
    LEFT JOIN last_fix ON last_fix.person_id = alert.person_id
    WHERE alert.cleared_at IS NULL AND alert.raised_at <= CAST(:now AS timestamptz)
)
SELECT standing.kind || '-' || standing.id AS id, standing.kind, standing.raised_at, standing.asked_at,
       standing.answered_at, standing.answer AS answered, standing.reason, standing.acknowledged_by,
       standing.acknowledged_at, standing.note,
       person.code AS person_code, person.name AS person_name, person.phone,
       shown.code AS unit_code, shown.name AS unit_name, shown.level AS unit_level, "case".number AS case_number,
       ST_X(standing.point) AS lon, ST_Y(standing.point) AS lat, coalesce(concerned.paths, '{}') AS paths
FROM standing
LEFT JOIN person ON person.id = standing.person_id
LEFT JOIN "case" ON "case".id = standing.case_id
LEFT JOIN LATERAL (
    SELECT assignment.unit_id FROM assignment JOIN role ON role.code = assignment.role
    WHERE assignment.person_id = standing.person_id AND assignment.valid @> standing.at
    ORDER BY role.tracked DESC, assignment.id LIMIT 1
) AS served ON true
LEFT JOIN LATERAL (
    SELECT unit_version.code, unit_version.name, unit_version.level
    FROM unit_version
    WHERE unit_version.unit_id = coalesce(standing.unit_id, served.unit_id, "case".owner_unit_id)
      AND upper_inf(unit_version.recorded)
    ORDER BY upper(unit_version.valid) DESC NULLS FIRST LIMIT 1
) AS shown ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT CAST(place.path AS text)) AS paths
    FROM (
        SELECT unit_version.path
        FROM (
            SELECT assignment.unit_id FROM assignment
            WHERE assignment.person_id = standing.person_id AND assignment.valid @> standing.at
            UNION ALL SELECT standing.unit_id
            UNION ALL SELECT "case".owner_unit_id
        ) AS own
        JOIN unit_version ON unit_version.unit_id = own.unit_id AND upper_inf(unit_version.recorded)
        WHERE unit_version.valid @> standing.at OR NOT EXISTS (  -- a unit that is gone lies where it ever did
            SELECT FROM unit_version present
            WHERE present.unit_id = own.unit_id AND present.valid @> standing.at AND upper_inf(present.recorded)
        )
        UNION ALL
        SELECT unit_version.path
        FROM case_placement JOIN unit_version ON unit_version.id = case_placement.unit_version_id
        WHERE case_placement.case_id = standing.case_id
        UNION ALL
        SELECT unit_version.path
        FROM network JOIN unit_version ON unit_version.network_id = network.id
        WHERE standing.kind = 'sos' AND unit_version.valid @> standing.at AND upper_inf(unit_version.recorded)
          AND ST_Intersects(unit_version.geom, standing.point)
    ) AS place
) AS concerned ON true
ORDER BY standing.acknowledged_at IS NOT NULL, standing.kind = 'sos' DESC, standing.raised_at DESC, standing.id DESC
