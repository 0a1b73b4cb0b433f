-- Levels and codes that were ever given: what begins with any of the prefixes, and these codes.
-- No character comes after U+10FFFF, and ~>=~ orders by bytes, whatever the collation.
SELECT given.level, given.code
FROM unnest(CAST(:prefixes AS text[])) AS prefix
INNER JOIN unit_version AS given
    ON given.network_id = :network
    AND given.code ~>=~ prefix
    AND given.code ~<~ (prefix || chr(1114111))
UNION
SELECT given.level, given.code
FROM unit_version AS given
WHERE given.network_id = :network AND given.code = ANY(CAST(:codes AS text[]))
