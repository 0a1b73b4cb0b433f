-- Check-ins in [since, until) by deepest unit. `label`: the unit's id in paths, NULL for the whole network.
SELECT
    string_to_array(CAST(unit_version.path AS text), '.') AS steps, count(*) AS checkins,
    array_agg(DISTINCT coverage_checkin.person_id) AS people, max(coverage_checkin.at) AS last_at
FROM coverage_checkin
JOIN unit_version ON unit_version.id = coverage_checkin.unit_version_id
WHERE coverage_checkin.network_id = :network_id
  AND coverage_checkin.at >= CAST(:since AS timestamptz) AND coverage_checkin.at < CAST(:until AS timestamptz)
  AND (
      CAST(:label AS text) IS NULL
      OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
  )
GROUP BY unit_version.path
