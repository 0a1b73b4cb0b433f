-- Units as a plan has them now, one list a column; borders in WGS-84.
INSERT INTO plan_unit (
    plan_id, unit_id, parent_unit_id, gone, level, code, name, kind, households, attrs, geom
)
SELECT
    :plan, unit_id, parent, gone, level, code, name, kind, households, CAST(attrs AS jsonb),
    ST_GeomFromWKB(border, 4326)
FROM unnest(
    CAST(:unit_ids AS uuid[]), CAST(:parents AS uuid[]), CAST(:gone AS boolean[]), CAST(:levels AS text[]),
    CAST(:codes AS text[]), CAST(:names AS text[]), CAST(:kinds AS text[]), CAST(:households AS integer[]),
    CAST(:attrs AS text[]), CAST(:borders AS bytea[])
) AS kept (unit_id, parent, gone, level, code, name, kind, households, attrs, border)
