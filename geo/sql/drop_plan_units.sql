-- What a plan said of some units is forgotten.
DELETE FROM plan_unit WHERE plan_id = :plan AND unit_id = any(CAST(:ids AS uuid[]))
