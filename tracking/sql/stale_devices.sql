-- Which of these devices were changed or revoked since they were read: the row's own transaction tells its version.
SELECT seen.id
FROM unnest(CAST(:id AS bigint[]), CAST(:version AS bigint[])) AS seen(id, version)
WHERE NOT EXISTS (
    SELECT FROM device
    WHERE device.id = seen.id AND device.revoked_at IS NULL
      AND CAST(CAST(device.xmin AS text) AS bigint) = seen.version
)
