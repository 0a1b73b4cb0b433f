-- The points and the units of a spatial join.
CREATE TABLE point (id integer PRIMARY KEY, geom geometry (Point, 4326) NOT NULL);
CREATE TABLE area (id integer PRIMARY KEY, geom geometry (Geometry, 4326) NOT NULL);
CREATE INDEX area_geom ON area USING gist (geom)
