-- Coverage of a unit and of the units right below it, or of those of one level in it (`level`, NULL: right below): numerators, denominators and possible of all their deepest units,
-- day by day on the borders of that day, and added up. `label`: the unit's id in paths, NULL for the whole network.
-- One row for the whole (child NULL) and one for each child. Visits are of the deepest units; the longest time unvisited is
-- that of the one of them nobody came to for longest, over midnight too, but not over days that were not computed: NULL where
-- a day was computed before it was kept. `not_claimable_days`: unit-days whose fixes (where there were none: the day's) came
-- too seldom or too inaccurately for its cells, whose half widths are `inradius_m` by resolution from 0 on.
WITH day AS MATERIALIZED (
    SELECT
        id, "on", interval_us / 1e6 AS interval_s, accuracy_m,
        (CAST(:inradius_m AS double precision [])) [resolution + 1] AS inradius_m
    FROM coverage_day
    WHERE network_id = :network_id AND "on" >= CAST(:first AS date) AND "on" <= CAST(:last AS date)
),
leaf AS (
    SELECT
        string_to_array(CAST(unit_version.path AS text), '.') AS steps, unit_version.unit_id, day."on",
        coalesce(coverage_unit.interval_s, day.interval_s) AS spoke_s,
        coalesce(
            CAST(:walk_mps AS double precision) * coalesce(coverage_unit.interval_s, day.interval_s) / 2
            + coalesce(coverage_unit.accuracy_m, day.accuracy_m, CAST(:usual_accuracy_m AS double precision))
            <= day.inradius_m,
            FALSE
        ) AS claimable,
        coverage_unit.*
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
run AS (
    SELECT
        unit_id, "on", visits, unvisited_us,
        "on" - CAST(row_number() OVER (PARTITION BY unit_id ORDER BY "on") AS integer) AS run
    FROM leaf
    WHERE observed
),
since AS (
    SELECT run.*, count(*) FILTER (WHERE visits > 0) OVER (PARTITION BY unit_id, run ORDER BY "on") AS came
    FROM run
),
waiting AS (
    SELECT since.*, sum(unvisited_us[3]) OVER (PARTITION BY unit_id, run, came ORDER BY "on") AS away_us
    FROM since
),
longest AS (
    SELECT unit_id, CASE WHEN bool_and(unvisited_us IS NOT NULL) THEN max(longest_us) END AS unvisited_us
    FROM (
        SELECT
            unit_id, unvisited_us,
            greatest(
                unvisited_us[1], away_us,
                lag(away_us, 1, 0) OVER (PARTITION BY unit_id, run ORDER BY "on") + unvisited_us[2]
            ) AS longest_us
        FROM waiting
    ) AS each_day
    GROUP BY unit_id
),
under AS (
    SELECT
        leaf.*, longest.unvisited_us AS longest_us,
        CASE
            WHEN CAST(:level AS text) IS NULL THEN steps[coalesce(array_position(steps, CAST(:label AS text)), 0) + 1]
            ELSE of_level.label
        END AS child
    FROM leaf
    LEFT JOIN of_level ON of_level.unit_version_id = leaf.unit_version_id
    LEFT JOIN longest ON longest.unit_id = leaf.unit_id
)
SELECT
    child,
    grouping(child) = 1 AS whole,
    count(*) AS unit_days,
    count(*) FILTER (WHERE NOT observed) AS not_observed_days,
    count(*) FILTER (WHERE observed AND NOT claimable) AS not_claimable_days,
    max(spoke_s) FILTER (WHERE observed) AS interval_s,
    CASE WHEN bool_and(visits IS NOT NULL) THEN coalesce(sum(visits) FILTER (WHERE observed), 0) END AS visits,
    CASE WHEN bool_and(visits IS NOT NULL) THEN coalesce(sum(dwell_us) FILTER (WHERE observed), 0) END AS dwell_us,
    CASE WHEN bool_and(longest_us IS NOT NULL OR NOT observed) THEN max(longest_us) FILTER (WHERE observed) END
        AS unvisited_us,
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
