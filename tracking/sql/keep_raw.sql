-- Each fix's part of the message, in place of what an overruled fix of the same instant left.
WITH item AS MATERIALIZED (
    SELECT *
    FROM unnest(
        CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]), CAST(:format AS text[]), CAST(:item AS text[])
    ) AS item(device_id, fixed_at, format, item)
),
overruled AS (
    DELETE FROM raw_report USING item
    WHERE raw_report.device_id = item.device_id AND raw_report.fixed_at = item.fixed_at
      AND raw_report.is_fix
)
INSERT INTO raw_report (device_id, fixed_at, received_at, format, is_fix, item)
SELECT device_id, fixed_at, :received_at, format, true, CAST(item AS jsonb) FROM item
