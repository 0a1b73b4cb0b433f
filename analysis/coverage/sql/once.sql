-- Ground of a unit visited at least once in a period, where one edition holds for all of it: square centimetres.
SELECT coalesce(sum(area_cm2), 0) AS visited
FROM (
    SELECT DISTINCT coverage_piece.unit_version_id, coverage_piece.cell, coverage_piece.area_cm2
    FROM coverage_piece
    JOIN coverage_day ON coverage_day.id = coverage_piece.day_id
    JOIN coverage_unit
        ON coverage_unit.day_id = coverage_piece.day_id
        AND coverage_unit.unit_version_id = coverage_piece.unit_version_id
    JOIN unit_version ON unit_version.id = coverage_piece.unit_version_id
    WHERE coverage_day.network_id = :network_id
      AND coverage_day."on" >= CAST(:first AS date) AND coverage_day."on" <= CAST(:last AS date)
      AND coverage_piece.visits > 0 AND coverage_unit.observed
      AND (
          CAST(:label AS text) IS NULL
          OR CAST(:label AS text) = ANY (string_to_array(CAST(unit_version.path AS text), '.'))
      )
) AS visited_once
