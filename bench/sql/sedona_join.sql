-- For SedonaDB: which unit holds each point, border included; on a border the lowest.
SELECT points.id, min(areas.id) AS area_id
FROM points
JOIN areas ON ST_Intersects(areas.geometry, points.geometry)
GROUP BY points.id
