-- The units above each unit version, itself first, by its path.
SELECT unit_version.id, unit.id AS unit_id, unit.level
FROM unit_version
CROSS JOIN LATERAL unnest(string_to_array(ltree2text(unit_version.path), '.')) WITH ORDINALITY AS step(label, depth)
JOIN unit ON unit.id = CAST(step.label AS uuid)
WHERE unit_version.id = ANY(CAST(:version_ids AS bigint[]))
ORDER BY unit_version.id, step.depth DESC
