-- Proven visits and time in them by weekday (1: Monday) and hour of the clock, with how many days of each weekday were
-- computed. `label`: the unit's id in paths, NULL for the whole network.
WITH day AS MATERIALIZED (
    SELECT id, "on" FROM coverage_day
    WHERE network_id = :network_id AND "on" >= CAST(:first AS date) AND "on" <= CAST(:last AS date)
),
told AS (
    SELECT extract(isodow FROM day."on") AS weekday, hours.hour - 1 AS hour, hours.visits, hours.dwell_us
    FROM coverage_presence
    JOIN day ON day.id = coverage_presence.day_id
    JOIN unit_version ON unit_version.id = coverage_presence.unit_version_id
    CROSS JOIN LATERAL unnest(coverage_presence.visits, coverage_presence.dwell_us)
        WITH ORDINALITY AS hours (visits, dwell_us, hour)
    WHERE CAST(:label AS text) IS NULL
       OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
)
SELECT CAST(weekday AS int) AS weekday, CAST(hour AS int) AS hour, sum(visits) AS visits, sum(dwell_us) AS dwell_us
FROM told
GROUP BY weekday, hour
HAVING sum(visits) > 0
ORDER BY weekday, hour
