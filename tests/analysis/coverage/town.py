"""The small city with a worker, a volunteer and their day, for coverage as the database keeps it."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import shapely
from sqlalchemy import Connection, func, insert, select

from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.rules import CoverageRules
from geo.tables import address_point, unit_version
from geo.walkable import SUBJECTS, SurveyFile, import_survey
from people.notices import Notice, accept_notice, publish_notice
from people.persons import Post, add_person, assign
from people.shifts import Shift, add_shift
from tests.city import centre, publish_small_city
from tracking.partitions import ensure_partitions
from tracking.tables import fix

ZONE = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 6, 10, 0, 0, tzinfo=UTC)
"""Eight in the morning in the city, of the day the tests are about."""
ON = MORNING.date()
NOW = MORNING + timedelta(hours=14)
JOB = CoverageJob("governance", ZONE, CoverageRules(), kept_days=30)
EVER = datetime(2026, 1, 2, tzinfo=UTC)


def unit_id(conn: Connection, code: str) -> UUID:
    found: UUID = conn.execute(
        select(unit_version.c.unit_id).where(unit_version.c.code == code).distinct()
    ).scalar_one()
    return found


def add_worker(conn: Connection, code: str, unit_code: str, role: str = "grid_worker") -> int:
    """On shift for four hours of the morning."""
    person_id = add_person(conn, code, code)
    assign(conn, person_id, Post(unit_id(conn, unit_code), role, EVER))
    add_shift(conn, Shift(person_id, MORNING, MORNING + timedelta(hours=4)))
    return person_id


def accept(conn: Connection, person_id: int, at: datetime = EVER) -> None:
    """The person accepts the notice."""
    accept_notice(conn, person_id, "town", at=at, how="paper 1")


def add_fixes(
    conn: Connection,
    person_id: int,
    places: list[tuple[float, float]],
    *,
    at: datetime = MORNING,
    received_at: datetime = NOW,
) -> None:
    """A walk along squares of the city, ten steps of ten seconds (about 20 m each) from one to the next."""
    way = [
        (a[0] + (b[0] - a[0]) * n / 10, a[1] + (b[1] - a[1]) * n / 10)
        for a, b in pairwise(centre(*place) for place in places)
        for n in range(10)
    ]
    way.append(centre(*places[-1]))
    ensure_partitions(conn, fix, [at.date(), (at + timedelta(days=1)).date()])
    conn.execute(
        insert(fix),
        [
            {
                "device_id": person_id,
                "person_id": person_id,
                "fixed_at": at + timedelta(seconds=10 * n),
                "received_at": received_at,
                "lon": lon,
                "lat": lat,
                "accuracy_m": 5.0,
                "digest": n,
            }
            for n, (lon, lat) in enumerate(way)
        ],
    )


def build(conn: Connection) -> int:
    """The city; w1 serves the grid of the south west corner (310101001 01), v1 volunteers in the whole other district."""
    publish_small_city(conn)
    publish_notice(conn, Notice("town", "告知", "notice", EVER, renews=False))
    add_worker(conn, "v1", "3102", "volunteer")
    worker = add_worker(conn, "w1", "31010100101")
    accept(conn, worker)
    return worker


def survey(conn: Connection, folder: Path, *, on: date = ON, near: tuple[float, float] | None = None) -> None:
    """A street along the south of the first three squares, two doors (one of them by it), two sites, between the second
    square and the one north of it or all that is visited `near` a place; S2 requires half an hour, which nobody stays.
    """
    for code, place, households in (("D1", near or (0.5, 0.05), 3), ("D2", (0.5, 3.0), 5)):
        lon, lat = centre(*place)
        conn.execute(
            address_point.insert().values(
                code=code,
                address=code,
                point=func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326),
                households=households,
                source="test",
                as_of=on,
            )
        )
    streets, sites = folder / "streets.csv", folder / "sites.csv"
    line = shapely.LineString([centre(-0.4, 0), centre(3, 0)])
    streets.write_text(f'name,wkt\nmain,"{line.wkt}"\n', "utf-8")
    lon, lat = centre(*(near or (1, 0.5)))
    sites.write_text(
        f"code,visits,days,minutes,lon,lat\nS1,7,7,0,{lon},{lat}\nS2,7,7,30,{lon},{lat}\n", "utf-8"
    )
    for path, subject in ((streets, "streets"), (sites, "sites")):
        import_survey(conn, SurveyFile(path, SUBJECTS[subject], on, crs="wgs84"), now=NOW)
