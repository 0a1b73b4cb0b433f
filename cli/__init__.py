"""The operators' door: verbs on the command line. No SQL and no rules live here."""
