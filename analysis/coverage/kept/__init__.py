"""Coverage kept in the database: days computed from stored fixes, and what was found, read back for any unit and period.

A day goes from its sources (fixes, duty, own grids, ground) through `analysis.coverage.day` into the tables.
"""
