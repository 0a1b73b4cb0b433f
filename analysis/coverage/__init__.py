"""Coverage: what was visited, what was not, since when, and how do we know. docs/coverage.md tells every definition.

    fixes, duty ──▶ legs (what lies between fixes; gaps are never walked) ──▶ parts (legs cut to duty)
    parts, ground ──▶ visits of pieces of ground, passed streets and doors, visits of sites
    parts, own grids ──▶ each person's times and metres

`day.cover_day` does one civil day from arrays alone; nothing below it reads a database or a clock. Times are whole
microseconds, lengths whole millimetres, areas whole square centimetres, so that sums do not depend on their order.
"""
