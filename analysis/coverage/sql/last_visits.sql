-- The deepest units of the last computed day of a period with when each was last visited, on any day computed until then,
-- whatever its borders were. `label`: the unit's id in paths, NULL for the whole network.
WITH last_day AS (
    SELECT id FROM coverage_day
    WHERE network_id = :network_id AND "on" <= CAST(:last AS date) AND "on" >= CAST(:first AS date)
    ORDER BY "on" DESC LIMIT 1
),
visited AS (
    SELECT unit_version.unit_id, max(coverage_presence.last_at) AS last_at
    FROM coverage_presence
    JOIN coverage_day ON coverage_day.id = coverage_presence.day_id
    JOIN unit_version ON unit_version.id = coverage_presence.unit_version_id
    WHERE coverage_day.network_id = :network_id AND coverage_day."on" <= CAST(:last AS date)
    GROUP BY unit_version.unit_id
)
SELECT
    unit_version.id AS version_id, unit_version.unit_id, unit_version.code, unit_version.name, unit_version.level,
    string_to_array(CAST(unit_version.path AS text), '.') AS steps,
    coverage_unit.observed, coverage_unit.area[2] AS area_cm2, coverage_unit.households[2] AS households,
    coverage_unit.streets[2] AS street_mm, visited.last_at
FROM coverage_unit
JOIN last_day ON last_day.id = coverage_unit.day_id
JOIN unit_version ON unit_version.id = coverage_unit.unit_version_id
LEFT JOIN visited ON visited.unit_id = unit_version.unit_id
WHERE CAST(:label AS text) IS NULL
   OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
ORDER BY unit_version.code
