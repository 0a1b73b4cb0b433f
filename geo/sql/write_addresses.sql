-- Store address points; the same ones again change nothing, and older knowledge does not replace newer.
-- One row comes back for each that is new or changed.
INSERT INTO address_point (code, address, point, households, residents, source, as_of)
SELECT code, address, ST_SetSRID(ST_MakePoint(lon, lat), 4326), households, residents, :source, :as_of
FROM unnest(
    CAST(:codes AS text[]), CAST(:addresses AS text[]), CAST(:lons AS double precision[]),
    CAST(:lats AS double precision[]), CAST(:households AS integer[]), CAST(:residents AS integer[])
) AS received (code, address, lon, lat, households, residents)
ON CONFLICT (code) DO UPDATE SET
    address = excluded.address,
    point = excluded.point,
    households = excluded.households,
    residents = excluded.residents,
    source = excluded.source,
    as_of = excluded.as_of,
    active = true
WHERE excluded.as_of >= address_point.as_of
    AND (
        address_point.address, address_point.point, address_point.households, address_point.residents,
        address_point.source, address_point.as_of, address_point.active
    ) IS DISTINCT FROM (
        excluded.address, excluded.point, excluded.households, excluded.residents,
        excluded.source, excluded.as_of, true
    )
RETURNING xmax = 0 AS is_new
