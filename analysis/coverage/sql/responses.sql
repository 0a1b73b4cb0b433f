-- Every time somebody was sent to a case in [since, until), and when a sure fix of theirs first lay near it: within
-- `within_s` of being sent, before the case was handed on, as of `now`. `label`: the unit that held the case's place, NULL
-- for the whole network; `person_id`: of one person, NULL for anybody. `duty_s`: time on shift from being sent until then, or
-- until it ended without. `tracked`: in a role whose bearer is tracked; `heard`: any sure fix of theirs in that time.
WITH sent AS MATERIALIZED (
    SELECT
        case_event.id AS event_id, "case".number, "case".category, "case".state, "case".point,
        ST_X("case".point) AS lon, ST_Y("case".point) AS lat, case_event.at AS sent_at, person.id AS person_id,
        least(
            CAST(:now AS timestamptz),
            case_event.at + make_interval(secs => CAST(:within_s AS float)),
            (
                SELECT min(later.at) FROM case_event AS later
                WHERE later.case_id = case_event.case_id AND later.seq > case_event.seq
                  AND (later.kind = 'assign' OR later.state <> 'assigned')
            )
        ) AS ends_at,
        EXISTS (
            SELECT FROM case_event AS later
            WHERE later.case_id = case_event.case_id AND later.seq > case_event.seq
              AND (later.kind = 'assign' OR later.state <> 'assigned')
        ) AS moved_on
    FROM case_event
    JOIN "case" ON "case".id = case_event.case_id
    JOIN person ON person.code = case_event.evidence ->> 'assignee'
    WHERE case_event.kind = 'assign' AND case_event.at >= CAST(:since AS timestamptz)
      AND case_event.at < CAST(:until AS timestamptz)
      AND (CAST(:person_id AS bigint) IS NULL OR person.id = CAST(:person_id AS bigint))
      AND (
          CAST(:network_id AS bigint) IS NULL
          OR EXISTS (
              SELECT FROM case_placement
              LEFT JOIN unit_version ON unit_version.id = case_placement.unit_version_id
              WHERE case_placement.case_id = case_event.case_id
                AND case_placement.network_id = CAST(:network_id AS bigint)
                AND (
                    CAST(:label AS text) IS NULL
                    OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
                )
          )
      )
)
SELECT
    sent.number, sent.category, sent.state, sent.lon, sent.lat, sent.sent_at, sent.ends_at, sent.moved_on,
    sent.person_id, near.came_at,
    EXISTS (
        SELECT FROM assignment JOIN role ON role.code = assignment.role
        WHERE assignment.person_id = sent.person_id AND role.tracked AND assignment.valid @> sent.sent_at
    ) AS tracked,
    EXISTS (
        SELECT FROM fix
        WHERE fix.person_id = sent.person_id AND fix.flags = 0
          AND fix.fixed_at >= sent.sent_at AND fix.fixed_at < sent.ends_at
    ) AS heard,
    coalesce(extract(epoch FROM duty.lasted), 0) AS duty_s
FROM sent
LEFT JOIN LATERAL (
    SELECT fix.fixed_at AS came_at FROM fix
    WHERE fix.person_id = sent.person_id AND fix.flags = 0
      AND fix.fixed_at >= sent.sent_at AND fix.fixed_at < sent.ends_at
      AND coalesce(fix.accuracy_m, 0) <= CAST(:near_m AS float)
      AND ST_DistanceSphere(ST_SetSRID(ST_MakePoint(fix.lon, fix.lat), 4326), sent.point) <= CAST(:near_m AS float)
    ORDER BY fix.fixed_at LIMIT 1
) AS near ON TRUE
LEFT JOIN LATERAL (
    SELECT sum(upper(part) - lower(part)) AS lasted
    FROM (
        SELECT unnest(
            range_agg(tstzrange(shift.starts_at, shift.ends_at))
            * tstzmultirange(tstzrange(sent.sent_at, greatest(coalesce(near.came_at, sent.ends_at), sent.sent_at)))
        ) AS part
        FROM shift
        WHERE shift.person_id = sent.person_id AND shift.starts_at < sent.ends_at AND shift.ends_at > sent.sent_at
    ) AS parts
) AS duty ON TRUE
ORDER BY sent.sent_at, sent.event_id
