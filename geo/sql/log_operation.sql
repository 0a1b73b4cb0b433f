-- One operation at the end of a plan's log.
INSERT INTO plan_op (plan_id, seq, op, args, key, inverse, "by", "at")
VALUES (:plan, :number, :op, CAST(:args AS jsonb), :key, CAST(:inverse AS jsonb), :by, :at)
