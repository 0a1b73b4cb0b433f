-- A unit's ground day by day: numerators and denominators of its deepest observed units, and visits.
SELECT
    coverage_day."on", coverage_day.as_of, coverage_day.edition_changed, coverage_day.interval_us,
    coalesce(sum(coverage_unit.area[1]) FILTER (WHERE coverage_unit.observed), 0) AS numerator,
    coalesce(sum(coverage_unit.area[2]) FILTER (WHERE coverage_unit.observed), 0) AS denominator,
    coalesce(sum(coverage_unit.area[3]) FILTER (WHERE coverage_unit.observed), 0) AS possible,
    coalesce(sum(coverage_unit.area[2]) FILTER (WHERE NOT coverage_unit.observed), 0) AS not_observed
FROM coverage_day
JOIN coverage_unit ON coverage_unit.day_id = coverage_day.id
JOIN unit_version ON unit_version.id = coverage_unit.unit_version_id
WHERE coverage_day.network_id = :network_id
  AND coverage_day."on" >= CAST(:first AS date) AND coverage_day."on" <= CAST(:last AS date)
  AND (
      CAST(:label AS text) IS NULL
      OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
  )
GROUP BY coverage_day.id
ORDER BY coverage_day."on"
