"""People of the small city over days: they walk, stand, ride and fall silent by a seed; one has two phones, some work at night."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, insert, select

from analysis.coverage.kept.compute import CoverageJob
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_duty,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_unit,
)
from analysis.coverage.rules import CoverageRules
from core.clock import day_bounds
from core.db import copy_columns
from geo.tables import address_point
from geo.walkable import SUBJECTS, SurveyFile, import_survey
from people.persons import Post, add_person, assign
from people.shifts import Shift, ShiftBook
from tests.analysis.coverage.town import EVER, unit_id
from tests.city import SIDE, SOUTH, STEP, WEST, centre, code_at, publish_small_city
from tracking.partitions import ensure_partitions
from tracking.tables import fix

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 12, 30, tzinfo=UTC)
JOB = CoverageJob("governance", ZONE, CoverageRules(), kept_days=400)
SHIFT = timedelta(hours=8)
PHASE_S = 600
SPEEDS = np.array([0.0, 0.0, 1.2, 1.2, 1.2, 5.0, 14.0])
"""Of a phase, metres a second: standing, walking, riding, in a vehicle."""
M_PER_DEG = np.array([93_200.0, 110_900.0])


def fill(conn: Connection, folder: Path, first: date, *, days: int, people: int, step_s: int) -> None:
    """The small city with streets, doors and sites, and the days of its people."""
    publish_small_city(conn)
    _furnish(conn, folder, first)
    rng = np.random.default_rng(1)
    shifts: list[Shift] = []
    on_days = [first + timedelta(days=n) for n in range(days)]
    ensure_partitions(conn, fix, [on_days[0] - timedelta(days=1), *on_days, on_days[-1] + timedelta(days=1)])
    for number in range(people):
        column, row = number * 3 % SIDE, number * 5 % SIDE
        person_id = add_person(conn, f"w{number}", f"w{number}")
        assign(conn, person_id, Post(unit_id(conn, code_at(column, row, "grid")), "grid_worker", EVER))
        for on in on_days:
            begin = day_bounds(on, ZONE)[0] + timedelta(hours=20 if number % 4 == 3 else 8)
            shifts.append(Shift(person_id, begin, begin + SHIFT))
            for phone in range(2 if number == 1 else 1):
                walked = _walk(rng, centre(column, row), begin + timedelta(seconds=7 * phone), step_s)
                _put(conn, person_id, 10 * person_id + phone, *walked, rng)
    book = ShiftBook.read(conn, shifts)
    for shift in shifts:
        book.enter(shift)
    book.write(conn)


def _furnish(conn: Connection, folder: Path, on: date) -> None:
    for number in range(200):
        lon, lat = (
            WEST + STEP * SIDE * ((number * 37) % 200) / 200,
            SOUTH + STEP * SIDE * (number + 0.5) / 200,
        )
        conn.execute(
            insert(address_point).values(
                code=f"D{number}",
                address=f"D{number}",
                point=func.ST_SetSRID(func.ST_MakePoint(round(lon, 7), round(lat, 7)), 4326),
                households=number % 7 + 1,
                source="test",
                as_of=on,
            )
        )
    line = shapely.LineString([centre(-0.3, 0.2), centre(3, 0.2), centre(3, 6)])
    (folder / "streets.csv").write_text(f'name,wkt\nmain,"{line.wkt}"\n', "utf-8")
    spots = [(f"S{number}", *centre(number * 3 % SIDE, number * 5 % SIDE)) for number in range(4)]
    text = "".join(f"{code},2,7,3,{lon},{lat}\n" for code, lon, lat in spots)
    (folder / "sites.csv").write_text(f"code,visits,days,minutes,lon,lat\n{text}", "utf-8")
    for subject in ("streets", "sites"):
        file = SurveyFile(folder / f"{subject}.csv", SUBJECTS[subject], on, crs="wgs84")
        import_survey(conn, file, now=NOW)


def _walk(
    rng: np.random.Generator, home: tuple[float, float], begin: datetime, step_s: int
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Instants and positions of a shift, within some hundred metres of home; silences are left out."""
    steps = int(SHIFT.total_seconds()) // step_s
    phase = np.arange(steps) * step_s // PHASE_S
    count = int(phase[-1]) + 1
    speed, heading = rng.choice(SPEEDS, count)[phase], rng.uniform(0, 2 * np.pi, count)[phase]
    way = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * (speed * step_s)[:, None], axis=0)
    way = (way + 600) % 2400
    way = np.where(way > 1200, 2400 - way, way) - 600  # back from an invisible wall
    place = (np.array(home) + (way + rng.normal(0, 3, way.shape)) / M_PER_DEG).round(7)
    heard = (rng.random(count) < 0.9)[phase]
    at = np.datetime64(begin.replace(tzinfo=None), "us") + np.arange(steps) * np.timedelta64(step_s, "s")
    return at[heard], place[heard]


def _put(
    conn: Connection,
    person_id: int,
    device_id: int,
    at: NDArray[np.datetime64],
    place: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    count = len(at)
    copy_columns(
        conn,
        "fix",
        {
            "device_id": np.full(count, device_id),
            "person_id": np.full(count, person_id),
            "fixed_at": at.astype("datetime64[us]"),
            "received_at": at.astype("datetime64[us]"),
            "lon": place[:, 0].copy(),
            "lat": place[:, 1].copy(),
            "accuracy_m": rng.choice(
                [4.5, 5.0, 8.0, 20.0, 60.0, np.nan], count, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05]
            ),
            "flags": np.where(rng.random(count) < 0.02, 1, 0).astype(np.int32),
            "digest": np.arange(count),
        },
    )


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All that is kept of all days, but when it was computed."""
    with engine.connect() as conn:
        return dict(_tables(conn))


def _tables(conn: Connection) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    columns = [column for column in coverage_day.columns if column.name not in ("id", "as_of", "basis")]
    yield "coverage_day", [tuple(row) for row in conn.execute(select(*columns).order_by(coverage_day.c.on))]
    for table in (coverage_unit, coverage_piece, coverage_presence, coverage_site, coverage_duty):
        query = select(coverage_day.c.on, *list(table.columns)[1:]).join(
            coverage_day, coverage_day.c.id == table.c.day_id
        )
        order = [coverage_day.c.on, *list(table.primary_key)[1:]]
        yield table.name, [tuple(row) for row in conn.execute(query.order_by(*order))]
