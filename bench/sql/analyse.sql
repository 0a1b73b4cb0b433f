-- What the planner needs to know.
ANALYZE point, area
