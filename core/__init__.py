"""The ground every room stands on: settings, database, errors, clock, log, the embedded cluster."""
