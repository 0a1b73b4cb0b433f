-- New cases with their numbers; one that another transaction took in meanwhile is left out of the answer.
WITH arriving AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('"case"', 'id')) AS id, given.*
    FROM jsonb_to_recordset(CAST(:reports AS jsonb)) AS given(
        channel text, external_ref text, category text, level integer, description text, lon double precision,
        lat double precision, accuracy_m double precision, occurred_at timestamptz, reported_at timestamptz,
        state text, owner_unit_id uuid, ended_unit_id uuid, seq integer, report_digest text, attrs jsonb
    )
)
INSERT INTO "case" (
    id, number, channel, external_ref, category, level, description, point, accuracy_m, occurred_at, reported_at,
    received_at, state, owner_unit_id, ended_unit_id, seq, report_digest, attrs
)
SELECT id, 'C' || lpad(CAST(id AS text), greatest(7, length(CAST(id AS text))), '0'), channel, external_ref, category,
       level, description, ST_SetSRID(ST_MakePoint(lon, lat), 4326), accuracy_m, occurred_at, reported_at,
       CAST(:received_at AS timestamptz), state, owner_unit_id, ended_unit_id, seq, decode(report_digest, 'hex'), attrs
FROM arriving
ON CONFLICT (channel, external_ref) DO NOTHING
RETURNING id, number, channel, external_ref
