"""What stands in a denominator and what outside: sites, people and ground that nobody tracked serves.

3101: w1 walks 31010100101 in the morning          3102: v1 volunteers there, and is not tracked
"""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from analysis.coverage.figures import Figure
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import Coverage, CoverageAsked, find_network_id, read_coverage
from geo.lookup import Lookup
from geo.walkable import SUBJECTS, SurveyFile, import_survey
from tests.analysis.coverage.town import JOB, NOW, ON, add_fixes, build, unit_id
from tests.city import centre

WALK = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
WALKED, VOLUNTEERED = (1.0, 0.5), (5.0, 0.0)


@pytest.fixture
def worker(conn: Connection) -> int:
    person_id = build(conn)
    add_fixes(conn, person_id, WALK)
    return person_id


def add_sites(conn: Connection, folder: Path, *sites: tuple[str, int, int, tuple[float, float]]) -> None:
    """Code, visits in days, and the square."""
    file = folder / "sites.csv"
    rows = [
        f"{code},{visits},{days},0,{lon},{lat}\n"
        for code, visits, days, place in sites
        for lon, lat in [centre(*place)]
    ]
    file.write_text("code,visits,days,minutes,lon,lat\n" + "".join(rows), "utf-8")
    survey = SurveyFile(file, SUBJECTS["sites"], ON - timedelta(days=30), crs="wgs84")
    import_survey(conn, survey, now=NOW)


def compute(conn: Connection, on: date = ON) -> None:
    compute_day(conn, Lookup(conn), JOB, on=on, now=max(NOW, NOW + (on - ON)))


def read(conn: Connection, code: str | None = None, first: date = ON, last: date = ON) -> Coverage:
    found = unit_id(conn, code) if code else None
    return read_coverage(conn, CoverageAsked(find_network_id(conn, "governance"), found, first, last))


def counts(figure: Figure) -> tuple[int, int, int]:
    return figure.numerator, figure.denominator, figure.not_observed


def test_a_site_where_nobody_tracked_serves_is_not_observed_and_never_missing(
    conn: Connection, worker: int, tmp_path: Path
) -> None:
    add_sites(conn, tmp_path, ("S1", 1, 1, WALKED), ("S2", 2, 1, VOLUNTEERED))
    compute(conn)
    assert counts(read(conn).required) == (1, 1, 2)
    assert counts(read(conn, "3101").required) == (1, 1, 0)
    east = read(conn, "3102").required
    assert (counts(east), east.share) == ((0, 0, 2), None)
