"""Import: the fictional city's governance network from its shipped files to a published edition."""

from statistics import median

import geopandas
from sqlalchemy import Engine, func, select

from bench.ground import CITY, own_database
from bench.report import Report, seconds_of
from core.clock import utc_now
from core.db import sql_file
from core.settings import Settings
from geo.editions import publish_plan
from geo.received import import_received
from geo.received.folder import read_boundary_folder
from geo.tables import unit_version

ROUNDS = 5
AIM_S = 30


def run(report: Report, settings: Settings) -> None:
    """Headline: read, validate, derive the parents, publish and commit; beside a bare copy of the drawn polygons."""
    with own_database(settings) as engine:
        ours_s, copy_s = [], []
        for _ in range(ROUNDS):
            with engine.begin() as conn:
                conn.execute(sql_file("bench", "clear_ground"))
            ours_s.append(seconds_of(lambda: _publish(engine)))
            copy_s.append(seconds_of(lambda: _copy(engine)))
        with engine.connect() as conn:
            units = conn.scalar(
                select(func.count()).select_from(unit_version).where(unit_version.c.level != "dedicated")
            )
    work = f"{units:,} polygons from file to published edition"
    spent_s = median(ours_s)
    report.tell(work, spent_s, "s", baseline=f"the aim of {AIM_S} s", ratio=AIM_S / spent_s)
    report.compare(f"{work}, bare copy", spent_s, "geopandas to_postgis, unchecked", median(copy_s))


def _publish(engine: Engine) -> None:
    received = read_boundary_folder(CITY.parent)
    with engine.begin() as conn:
        import_received(conn, received, author="bench")
        publish_plan(conn, received.network, by="bench", now=utc_now())


def _copy(engine: Engine) -> None:
    geopandas.read_file(CITY).to_postgis("copied", engine, if_exists="replace")
