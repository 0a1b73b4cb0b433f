-- Which of these tables are there. Not to_regclass(): what another transaction made while this one waited for a lock would
-- still be missing in the session's name cache, which reading the catalogue as a table is not.
SELECT relname FROM pg_class
WHERE relname = ANY(CAST(:names AS name[])) AND pg_table_is_visible(oid)
