-- The required places of a unit over a period: visits that did not last long enough, time in all of them,
-- and how long nobody came (as in unit_sums: over midnight too, not over days that were
-- not computed). `last_at`: of any visit on any day computed until the period's end. `label`: the unit's id in paths, NULL for
-- the whole network. Of a site that was surveyed anew the name and position are those of the period's end.
WITH here AS MATERIALIZED (
    SELECT
        coverage_day."on", coverage_site.*, coverage_unit.observed, unit_version.code AS unit_code,
        unit_version.name AS unit_name,
        "on" - CAST(row_number() OVER (PARTITION BY coverage_site.code, coverage_unit.observed ORDER BY "on") AS integer) AS run
    FROM coverage_day
    JOIN coverage_site ON coverage_site.day_id = coverage_day.id
    JOIN unit_version ON unit_version.id = coverage_site.unit_version_id
    JOIN coverage_unit
        ON coverage_unit.day_id = coverage_day.id
        AND coverage_unit.unit_version_id = coverage_site.unit_version_id
    WHERE coverage_day.network_id = :network_id
      AND coverage_day."on" >= CAST(:first AS date) AND coverage_day."on" <= CAST(:last AS date)
      AND (
          CAST(:label AS text) IS NULL
          OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
      )
),
since AS (
    SELECT
        here.*,
        count(*) FILTER (WHERE visits + short_visits > 0) OVER (PARTITION BY code, observed, run ORDER BY "on") AS came
    FROM here
),
waiting AS (
    SELECT since.*, sum(unvisited_us[3]) OVER (PARTITION BY code, observed, run, came ORDER BY "on") AS away_us FROM since
),
each_day AS (
    SELECT
        waiting.*,
        greatest(
            unvisited_us[1], away_us,
            lag(away_us, 1, 0) OVER (PARTITION BY code, observed, run ORDER BY "on") + unvisited_us[2]
        ) AS longest_us
    FROM waiting
),
told AS (
    SELECT
        code, bool_or(observed) AS observed,
        (array_agg(unit_code ORDER BY "on" DESC))[1] AS unit_code,
        (array_agg(unit_name ORDER BY "on" DESC))[1] AS unit_name,
        coalesce(sum(short_visits) FILTER (WHERE observed), 0) AS short_visits,
        coalesce(sum(dwell_us) FILTER (WHERE observed), 0) AS dwell_us,
        CASE WHEN bool_and(unvisited_us IS NOT NULL OR NOT observed) THEN max(longest_us) FILTER (WHERE observed) END
            AS unvisited_us
    FROM each_day
    GROUP BY code
),
last_visit AS (
    SELECT coverage_site.code, max(coverage_site.last_at) AS last_at
    FROM coverage_site
    JOIN coverage_day ON coverage_day.id = coverage_site.day_id
    JOIN told ON told.code = coverage_site.code
    WHERE coverage_day.network_id = :network_id AND coverage_day."on" <= CAST(:last AS date)
    GROUP BY coverage_site.code
)
SELECT
    told.*, last_visit.last_at, surveyed.name, surveyed.least_s, ST_X(surveyed.middle) AS lon,
    ST_Y(surveyed.middle) AS lat
FROM told
JOIN last_visit ON last_visit.code = told.code
LEFT JOIN LATERAL (
    SELECT site.name, site.least_s, ST_PointOnSurface(site.geom) AS middle
    FROM site
    WHERE site.code = told.code AND site.valid @> CAST(:last AS date)
    ORDER BY site.source LIMIT 1
) AS surveyed ON TRUE
ORDER BY told.code
