"""The required places of a unit: how often somebody came and was to come, how long it lasted, when last."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from analysis.coverage.kept.asked import CoverageAsked, bounds_of, check_period
from analysis.coverage.kept.sites import sum_sites
from core.db import sql_file


@dataclass(frozen=True)
class SiteVisits:
    """A site over a period. `visits` lasted long enough (`least_s`), `short_visits` did not. `visits` and `required` are those of
    `sum_sites`, on days somebody tracked served there; never `observed` where nobody did. `last_at` None: on no computed day;
    `unvisited_us` None: also where days were computed before it was kept. Name and place None: no longer surveyed.
    """

    code: str
    name: str | None
    unit_code: str
    unit_name: str
    observed: bool
    visits: int
    short_visits: int
    required: int
    dwell_us: int
    unvisited_us: int | None
    last_at: datetime | None
    least_s: int | None
    lon: float | None
    lat: float | None

    @property
    def missing(self) -> int:
        return max(self.required - self.visits, 0)


def list_sites(conn: Connection, asked: CoverageAsked) -> list[SiteVisits]:
    """Those with most visits missing first, of these the one nobody came to for longest, then by code."""
    check_period(asked)
    sums: dict[str, tuple[int, int]] = {}
    for each in sum_sites(conn, asked):
        if each.observed:
            visits, required = sums.get(each.code, (0, 0))
            sums[each.code] = (visits + each.visits, required + each.required)
    rows = conn.execute(sql_file("analysis.coverage", "sites"), bounds_of(asked)).mappings()
    return sorted((_site(row, *sums.get(row["code"], (0, 0))) for row in rows), key=_urgency)


def _urgency(one: SiteVisits) -> tuple[int, bool, float, str]:
    return (-one.missing, one.last_at is not None, one.last_at.timestamp() if one.last_at else 0, one.code)


def _site(row: RowMapping, visits: int, required: int) -> SiteVisits:
    return SiteVisits(
        code=row["code"],
        name=row["name"],
        unit_code=row["unit_code"],
        unit_name=row["unit_name"],
        observed=row["observed"],
        visits=visits,
        short_visits=int(row["short_visits"]),
        required=required,
        dwell_us=int(row["dwell_us"]),
        unvisited_us=None if row["unvisited_us"] is None else int(row["unvisited_us"]),
        last_at=row["last_at"],
        least_s=row["least_s"],
        lon=row["lon"],
        lat=row["lat"],
    )
