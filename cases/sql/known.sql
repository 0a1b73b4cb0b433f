-- Which of these channels and references have a case already, with what a repeat is compared by.
SELECT "case".id, "case".number, "case".channel, "case".external_ref, "case".report_digest, case_event.salt
FROM unnest(CAST(:channels AS text[]), CAST(:refs AS text[])) AS asked(channel, external_ref)
JOIN "case" ON "case".channel = asked.channel AND "case".external_ref = asked.external_ref
JOIN case_event ON case_event.case_id = "case".id AND case_event.seq = 1
