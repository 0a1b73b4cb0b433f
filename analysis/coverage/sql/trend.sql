-- A unit's coverage week by week (by its Monday), each figure as [numerator, denominator, possible, not observed] of all the
-- days computed in it. `label`: the unit's id in paths, NULL for the whole network.
WITH day AS MATERIALIZED (
    SELECT id, CAST(date_trunc('week', "on") AS date) AS week, as_of, edition_id, edition_changed FROM coverage_day
    WHERE network_id = :network_id AND "on" >= CAST(:first AS date) AND "on" <= CAST(:last AS date)
),
told AS (
    SELECT day.week, coverage_unit.*
    FROM coverage_unit
    JOIN day ON day.id = coverage_unit.day_id
    JOIN unit_version ON unit_version.id = coverage_unit.unit_version_id
    WHERE CAST(:label AS text) IS NULL
       OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
),
sums AS (
    SELECT
        week,
        ARRAY[
            sum(area[1]) FILTER (WHERE observed), sum(area[2]) FILTER (WHERE observed),
            sum(area[3]) FILTER (WHERE observed), sum(area[2]) FILTER (WHERE NOT observed)
        ] AS area,
        ARRAY[
            sum(streets[1]) FILTER (WHERE observed), sum(streets[2]) FILTER (WHERE observed),
            sum(streets[3]) FILTER (WHERE observed), sum(streets[2]) FILTER (WHERE NOT observed)
        ] AS streets,
        ARRAY[
            sum(doors[1]) FILTER (WHERE observed), sum(doors[2]) FILTER (WHERE observed),
            sum(doors[3]) FILTER (WHERE observed), sum(doors[2]) FILTER (WHERE NOT observed)
        ] AS doors,
        ARRAY[
            sum(households[1]) FILTER (WHERE observed), sum(households[2]) FILTER (WHERE observed),
            sum(households[3]) FILTER (WHERE observed), sum(households[2]) FILTER (WHERE NOT observed)
        ] AS households
    FROM told
    GROUP BY week
)
SELECT
    day.week, count(*) AS days, min(day.as_of) AS as_of,
    count(DISTINCT day.edition_id) > 1 OR bool_or(day.edition_changed) AS edition_changed,
    sums.area, sums.streets, sums.doors, sums.households
FROM day
JOIN sums ON sums.week = day.week
GROUP BY day.week, sums.area, sums.streets, sums.doors, sums.households
ORDER BY day.week
