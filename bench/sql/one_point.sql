-- Which unit covers one point; on a border the lowest.
SELECT min(id) FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))
