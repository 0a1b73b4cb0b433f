-- One vector tile of a drawing: layer "units" (polygons) and layer "labels" (one point a unit, in one tile only).
WITH tile AS (
    SELECT ST_TileEnvelope(:zoom, :tile_column, :tile_row) AS box,
           ST_TileEnvelope(:zoom, :tile_column, :tile_row, margin => 0.03125) AS wide
),
found AS (
    SELECT v.id, v.code, v.name, u.kind, v.households, v.unit_id::text, v.parent_unit_id::text AS parent_id,
           s.geom AS shape, s.anchor
    FROM tile
    JOIN tile_shape s ON s.drawing_id = :drawing_id AND s.geom && tile.wide
    JOIN unit_version v ON v.id = s.unit_version_id
    JOIN unit u ON u.id = v.unit_id
),
units AS (
    SELECT id, code, name, kind, households, unit_id, parent_id,
           ST_AsMVTGeom(shape, box, 4096, 128, true) AS geom
    FROM found, tile
),
labels AS (
    -- a name is of no use on a unit narrower than 12 pixels of 512 to the tile
    SELECT id, code, name, kind, unit_id, parent_id, ST_AsMVTGeom(anchor, box, 4096, 0, false) AS geom
    FROM found, tile
    WHERE ST_XMax(shape) - ST_XMin(shape) > (ST_XMax(box) - ST_XMin(box)) * 12 / 512
      AND ST_X(anchor) >= ST_XMin(box) AND ST_X(anchor) < ST_XMax(box)
      AND ST_Y(anchor) >= ST_YMin(box) AND ST_Y(anchor) < ST_YMax(box)
)
SELECT coalesce((SELECT ST_AsMVT(units, 'units', 4096, 'geom', 'id') FROM units WHERE geom IS NOT NULL), ''::bytea)
    || coalesce((SELECT ST_AsMVT(labels, 'labels', 4096, 'geom', 'id') FROM labels), ''::bytea) AS tile
