-- Which unit covers each point; on a border the lowest.
CREATE TABLE answer AS
SELECT point.id, min(area.id) AS area_id
FROM point
JOIN area ON ST_Covers(area.geom, point.geom)
GROUP BY point.id
