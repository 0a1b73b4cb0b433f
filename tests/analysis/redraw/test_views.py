"""Five editions over a hundred thousand cases and fixes (with --full): what was written down stays, and any day's borders can be asked for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, func, select, true

from analysis.redraw.views import (
    OUTSIDE,
    Asked,
    InUnits,
    count_cases,
    count_fixes,
    versions_of_cases,
    versions_of_fixes,
)
from cases.tables import case
from core.db import copy_rows
from geo.editions import list_editions
from geo.lookup import Lookup
from geo.networks import get_network
from geo.operations import Merge, SplitByLine
from geo.plans.rebase import rebase_plan
from geo.plans.redraw import Redraw, do_operation
from geo.plans.rollback import restore_edition, take_back_plan
from geo.plans.steps import publish_redraw, take_step
from geo.tables import unit_version
from tests.analysis.redraw.town import NOW, found_town, ident, line, new_plan
from tests.geo.sketch import NORTH, STEP_DEG, WEST
from tracking.partitions import ensure_partitions
from tracking.tables import fix

Spots = tuple[np.ndarray, np.ndarray, list[datetime]]
DAYS = [NOW + timedelta(days=10 * n) for n in range(6)]


def events(count: int) -> Spots:
    random = np.random.default_rng(8)
    lon, lat = (
        WEST + random.uniform(-0.1, 4.1, count) * STEP_DEG,
        NORTH - random.uniform(-0.1, 4.1, count) * STEP_DEG,
    )
    steps = random.integers(0, 59 * 86_400, count).tolist()
    return lon, lat, [NOW + timedelta(seconds=step) for step in steps]


def placed(conn: Connection, lon: np.ndarray, lat: np.ndarray, at: Any) -> np.ndarray:
    times = np.array([np.datetime64(each.astimezone(UTC).replace(tzinfo=None), "us") for each in at])
    return np.asarray(Lookup(conn).place_many("net", lon, lat, times).unit_version_id)


def store(conn: Connection, spots: Spots) -> tuple[list[int], list[tuple[int, datetime]]]:
    """The first half of the events as cases, the others as fixes, each with the place of its own time."""
    lon, lat, at = spots
    versions = [each if each >= 0 else None for each in placed(conn, lon, lat, at).tolist()]
    half, network_id, newest = len(lon) // 2, get_network(conn, "net").id, list_editions(conn, "net")[0].id
    point = shapely.to_wkb(shapely.set_srid(shapely.points(lon, lat), 4326), hex=True, include_srid=True)
    columns = "number channel external_ref category point occurred_at reported_at state report_digest"
    cases = ((f"n{n}", "t", f"n{n}", "x", point[n], at[n], at[n], "closed", b"") for n in range(half))
    copy_rows(conn, "case", columns.split(), cases)
    ids = dict(conn.execute(select(case.c.number, case.c.id)).all())
    columns = "case_id network_id unit_version_id edition_id status"
    rows = ((ids[f"n{n}"], network_id, versions[n], newest, "inside") for n in range(half))
    copy_rows(conn, "case_placement", columns.split(), rows)
    ensure_partitions(conn, fix, {each.date() for each in at} | {(NOW + timedelta(days=60)).date()})
    columns = "device_id fixed_at person_id received_at lon lat unit_version_id digest"
    fixes = (
        (n, at[n], 1, at[n], float(lon[n]), float(lat[n]), versions[n], n) for n in range(half, len(lon))
    )
    copy_rows(conn, "fix", columns.split(), fixes)
    return [ids[f"n{n}"] for n in range(half)], [(n, at[n]) for n in range(half, len(lon))]


def approve(conn: Connection, found: Redraw) -> None:
    for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
        take_step(conn, found.id, step, by=by, now=NOW)


def redraw(conn: Connection, operation: Any, now: datetime, effective_from: datetime) -> int:
    found = new_plan(conn)
    do_operation(conn, found.id, operation, by="planner", now=now)
    approve(conn, found)
    reason = "补记" if effective_from < now else None
    publish_redraw(conn, found.id, by="approver", now=now, effective_from=effective_from, reason=reason)
    return found.id


def told_of(conn: Connection, versions: list[int]) -> dict[int, tuple[object, ...]]:
    """What is told of units as they were."""
    names = ("id", "unit_id", "level", "code", "name", "path", "geom_sha", "edition_id")
    query = select(*(unit_version.c[name] for name in names)).where(unit_version.c.id.in_(set(versions)))
    return {row.id: tuple(row) for row in conn.execute(query)}


@pytest.mark.parametrize("count", [4_000, pytest.param(100_000, marks=pytest.mark.full)])
def test_as_was_never_changes_and_as_of_is_a_placement_on_that_days_borders(
    conn: Connection, count: int
) -> None:
    found_town(conn)
    lon, lat, at = events(count)
    ids, fixes = store(conn, (lon, lat, at))

    def seen(at: datetime | None) -> list[int]:
        cases, moves = (
            versions_of_cases(conn, Lookup(conn), "net", ids, at=at),
            versions_of_fixes(conn, Lookup(conn), "net", fixes, at=at),
        )
        return [*(cases[each] for each in ids), *(moves[each] for each in fixes)]

    was = seen(None)
    told = told_of(conn, was)
    borders = {DAYS[0]: picture(conn, lon, lat)}

    def is_as_it_was() -> bool:
        return seen(None) == was and told_of(conn, was) == told

    redraw(conn, SplitByLine(ident(conn, "A"), line((1.5, -1), (1.5, 3))), DAYS[0], DAYS[1])
    borders[DAYS[1]] = picture(conn, lon, lat)
    assert is_as_it_was()
    waiting = new_plan(conn)
    split = SplitByLine(ident(conn, "C"), line((-1, 3.2), (3, 3.2)))
    do_operation(conn, waiting.id, split, by="planner", now=NOW)
    approve(conn, waiting)
    redraw(conn, Merge((ident(conn, "B"), ident(conn, "D"))), DAYS[4], DAYS[2])  # back-dated
    borders[DAYS[2]] = picture(conn, lon, lat)
    assert is_as_it_was()
    assert rebase_plan(conn, waiting.id, by="planner", now=NOW).same
    assert is_as_it_was()
    late = {"now": DAYS[4], "effective_from": DAYS[3], "reason": "补记"}
    publish_redraw(conn, waiting.id, by="approver", **late)  # type: ignore[arg-type]
    borders[DAYS[3]] = picture(conn, lon, lat)
    assert is_as_it_was()
    redraw(conn, restore_edition(conn, "net", 1), DAYS[5], DAYS[4])
    borders[DAYS[4]] = picture(conn, lon, lat)
    assert is_as_it_was()
    announced = redraw(
        conn, Merge((ident(conn, "A"), ident(conn, "B"))), DAYS[5], DAYS[5] + timedelta(days=9)
    )
    assert is_as_it_was()
    take_back_plan(conn, announced, by="approver", now=DAYS[5], reason="x")
    assert is_as_it_was()

    assert len([each for each in list_editions(conn, "net") if each.taken_back_at is None]) == 5
    codes_of = dict(conn.execute(select(unit_version.c.id, unit_version.c.code)).all())
    for day, codes in borders.items():
        assert [codes_of.get(each, "") for each in seen(day + timedelta(days=5))] == codes, day
    span = (min(at), max(at) + timedelta(seconds=1))
    for instant in (None, DAYS[1] + timedelta(days=5)):
        asked, lookup = Asked("net", *span, instant), Lookup(conn)
        held = Counter(versions_of_cases(conn, lookup, "net", ids, at=instant).values())
        assert as_counted(count_cases(conn, lookup, asked, true())) == held
        if instant is not None:
            held = Counter(versions_of_fixes(conn, lookup, "net", fixes, at=instant).values())
            assert as_counted(count_fixes(conn, lookup, asked, true())) == held
    first, last = borders[DAYS[0]], borders[DAYS[4]]
    assert first == last
    assert borders[DAYS[1]] != first


def as_counted(found: InUnits) -> dict[int, int]:
    units = {each.unit_version_id: each.count for each in found.units}
    return units | ({OUTSIDE: found.outside} if found.outside else {})


def picture(conn: Connection, lon: np.ndarray, lat: np.ndarray) -> list[str]:
    """From scratch, without the lookup: the code of the unit of the newest edition that holds each place."""
    query = select(unit_version.c.code, func.ST_AsBinary(unit_version.c.geom)).where(
        unit_version.c.level == "grid",
        func.upper_inf(unit_version.c.valid),
        func.upper_inf(unit_version.c.recorded),
    )
    rows = sorted(
        ((code, shapely.from_wkb(bytes(shape))) for code, shape in conn.execute(query)),
        key=lambda row: row[0],
    )
    held = [""] * len(lon)
    for code, shape in reversed(rows):
        for row in np.flatnonzero(shapely.intersects_xy(shape, lon, lat)).tolist():
            held[row] = code
    return held
