-- The array comes in ascending order, so that two transactions cannot wait for each other.
SELECT pg_advisory_xact_lock(CAST(:space AS integer), CAST(person_id AS integer))
FROM unnest(CAST(:persons AS bigint[])) AS one(person_id)
