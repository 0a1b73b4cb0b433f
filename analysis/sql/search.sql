-- Persons and units whose name or code holds a text, of those one may see, and the case of a number; what fits best first.
WITH person_found AS (
    SELECT 'person' AS kind, person.code, person.name, person.id AS person_id, CAST(NULL AS text) AS network,
           CAST(NULL AS text) AS detail, CAST(NULL AS double precision) AS lon, CAST(NULL AS double precision) AS lat,
           CAST(NULL AS json) AS bbox
    FROM person
    WHERE (strpos(lower(person.name), :text) > 0 OR strpos(lower(person.code), :text) > 0)
      AND (person.id = :own_person OR CAST(:people_paths AS text[]) IS NULL OR EXISTS (
          SELECT FROM assignment
          JOIN unit_version ON unit_version.unit_id = assignment.unit_id
              AND unit_version.valid @> CAST(:now AS timestamptz) AND upper_inf(unit_version.recorded)
          WHERE assignment.person_id = person.id AND assignment.valid @> CAST(:now AS timestamptz)
            AND unit_version.path <@ CAST(CAST(:people_paths AS text[]) AS ltree[])
      ))
    ORDER BY lower(person.name) <> :text AND lower(person.code) <> :text, person.code
    LIMIT :limit
),
unit_found AS (
    SELECT 'unit' AS kind, unit_version.code, unit_version.name, CAST(NULL AS bigint) AS person_id, network.code AS network,
           unit_version.level AS detail, ST_X(centre.point) AS lon, ST_Y(centre.point) AS lat,
           json_build_array(ST_XMin(unit_version.geom), ST_YMin(unit_version.geom), ST_XMax(unit_version.geom),
                            ST_YMax(unit_version.geom)) AS bbox
    FROM unit_version
    JOIN network ON network.id = unit_version.network_id
    CROSS JOIN LATERAL (SELECT ST_PointOnSurface(ST_Envelope(unit_version.geom)) AS point) AS centre
    WHERE unit_version.valid @> CAST(:at AS timestamptz) AND upper_inf(unit_version.recorded)
      AND (strpos(lower(unit_version.name), :text) > 0 OR strpos(lower(unit_version.code), :text) > 0)
      AND (CAST(:unit_paths AS text[]) IS NULL OR unit_version.path <@ CAST(CAST(:unit_paths AS text[]) AS ltree[]))
    ORDER BY lower(unit_version.name) <> :text AND lower(unit_version.code) <> :text, nlevel(unit_version.path),
             network.id, unit_version.code
    LIMIT :limit
)
SELECT kind, code, name, person_id, network, detail, lon, lat, bbox FROM person_found
UNION ALL
SELECT kind, code, name, person_id, network, detail, lon, lat, bbox FROM unit_found
