-- Coverage of a unit and of the units right below it, or of those of one level in it (`level`, NULL: right below): numerators, denominators and possible of all their deepest units,
-- day by day on the borders of that day, and added up. `label`: the unit's id in paths, NULL for the whole network.
-- One row for the whole (child NULL) and one for each child.
WITH day AS MATERIALIZED (
    SELECT id FROM coverage_day
    WHERE network_id = :network_id AND "on" >= CAST(:first AS date) AND "on" <= CAST(:last AS date)
),
leaf AS (
    SELECT string_to_array(CAST(unit_version.path AS text), '.') AS steps, coverage_unit.*
    FROM coverage_unit
    JOIN day ON day.id = coverage_unit.day_id
    JOIN unit_version ON unit_version.id = coverage_unit.unit_version_id
    WHERE CAST(:label AS text) IS NULL
       OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
),
of_level AS (
    SELECT seen.unit_version_id, steps.label
    FROM (SELECT DISTINCT unit_version_id, steps FROM leaf) AS seen
    CROSS JOIN LATERAL unnest(seen.steps) AS steps (label)
    JOIN unit ON unit.id = CAST(steps.label AS uuid)
    WHERE unit.level = CAST(:level AS text)
),
under AS (
    SELECT
        leaf.*,
        CASE
            WHEN CAST(:level AS text) IS NULL THEN steps[coalesce(array_position(steps, CAST(:label AS text)), 0) + 1]
            ELSE of_level.label
        END AS child
    FROM leaf
    LEFT JOIN of_level ON of_level.unit_version_id = leaf.unit_version_id
)
SELECT
    child,
    grouping(child) = 1 AS whole,
    count(*) AS unit_days,
    count(*) FILTER (WHERE NOT observed) AS not_observed_days,
    coalesce(sum(area[1]) FILTER (WHERE observed), 0) AS area_numerator,
    coalesce(sum(area[2]) FILTER (WHERE observed), 0) AS area_denominator,
    coalesce(sum(area[3]) FILTER (WHERE observed), 0) AS area_possible,
    coalesce(sum(area[2]) FILTER (WHERE NOT observed), 0) AS area_not_observed,
    coalesce(sum(area_by_fixes[1]) FILTER (WHERE observed), 0) AS area_by_fixes_numerator,
    coalesce(sum(area_by_fixes[2]) FILTER (WHERE observed), 0) AS area_by_fixes_denominator,
    coalesce(sum(area_by_fixes[3]) FILTER (WHERE observed), 0) AS area_by_fixes_possible,
    coalesce(sum(area_by_fixes[2]) FILTER (WHERE NOT observed), 0) AS area_by_fixes_not_observed,
    coalesce(sum(streets[1]) FILTER (WHERE observed), 0) AS streets_numerator,
    coalesce(sum(streets[2]) FILTER (WHERE observed), 0) AS streets_denominator,
    coalesce(sum(streets[3]) FILTER (WHERE observed), 0) AS streets_possible,
    coalesce(sum(streets[2]) FILTER (WHERE NOT observed), 0) AS streets_not_observed,
    coalesce(sum(doors[1]) FILTER (WHERE observed), 0) AS doors_numerator,
    coalesce(sum(doors[2]) FILTER (WHERE observed), 0) AS doors_denominator,
    coalesce(sum(doors[3]) FILTER (WHERE observed), 0) AS doors_possible,
    coalesce(sum(doors[2]) FILTER (WHERE NOT observed), 0) AS doors_not_observed,
    coalesce(sum(households[1]) FILTER (WHERE observed), 0) AS households_numerator,
    coalesce(sum(households[2]) FILTER (WHERE observed), 0) AS households_denominator,
    coalesce(sum(households[3]) FILTER (WHERE observed), 0) AS households_possible,
    coalesce(sum(households[2]) FILTER (WHERE NOT observed), 0) AS households_not_observed
FROM under
GROUP BY GROUPING SETS ((), (child))
ORDER BY whole DESC, child
