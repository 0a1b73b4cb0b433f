"""The maps that the simulated day leaves behind: grids, trails, hotspots, a file each."""

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine

from analysis.hotspots import Question
from core.clock import day_bounds, utc_now
from core.settings import Settings
from demo.load import Tell
from geo.lookup import Lookup
from maps.snapshots.grids import draw_grids
from maps.snapshots.hotspots import draw_hotspots
from maps.snapshots.trails import TrailQuestion, draw_trails
from tracking.trails import trail_rules_of


def write_maps(engine: Engine, settings: Settings, on: date, folder: Path, tell: Tell) -> list[Path]:
    """Write the maps of the day `on` into `folder`; returns the files."""
    with engine.begin() as conn:
        lookup = Lookup(conn)
        noon = day_bounds(on, settings.zone)[0] + timedelta(hours=12)
        year = Question(
            since=day_bounds(on - timedelta(days=364), settings.zone)[0],
            until=day_bounds(on, settings.zone)[1],
            network_code="governance",
            resolution=settings.h3_resolution,
        )
        pages = {
            "grids.html": draw_grids(conn, lookup, "governance", at=noon, zone=settings.zone),
            "trails.html": draw_trails(
                conn,
                lookup,
                TrailQuestion(on, "望澜市"),
                zone=settings.zone,
                rules=trail_rules_of(settings),
                now=utc_now(),
            ),
            "hotspots.html": draw_hotspots(conn, lookup, year, zone=settings.zone, now=utc_now()),
        }
    written = []
    for name, page in pages.items():
        path = folder / name
        path.write_text(page, "utf-8")
        written.append(path)
        tell(f"{path}: {len(page) / 1e6:.1f} MB")
    return written
