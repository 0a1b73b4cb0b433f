"""A late fix changes what it touches alone: the figures of whoever it is of, and of the units that they were in before or are in now.

Everybody who was near those units is followed again, nobody else; every row that is written is the one that the whole day
from scratch has.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import Connection, Table, delete, func, select, update
from sqlalchemy.engine import Row

from analysis.coverage.day import DayCoverage, cover_day, interval_of
from analysis.coverage.fixes import Duty, Fixes, Ints, cut_duty, microseconds, order_fixes
from analysis.coverage.kept.compute import (
    CoverageJob,
    DayDone,
    DayOpened,
    compute_day,
    find_basis,
    open_day,
    read_fixes,
)
from analysis.coverage.kept.due import find_late_people
from analysis.coverage.kept.ground import DayGround, find_leaves, survey_ground
from analysis.coverage.kept.people import read_duty, read_own_ground
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_trace,
    coverage_unit,
)
from analysis.coverage.kept.writing import add_rows, rows_of, trace_rows
from analysis.coverage.legs import follow
from analysis.coverage.measures.sampling import middle_of
from analysis.coverage.measures.traces import find_traces, outlines, squares_about, widen
from geo.lookup import Lookup, Snapshot
from geo.walkable import read_sites

MOST_SHARE: Final = 0.2
"""Where the fixes of more of the people came late, the day is computed as a whole."""
_UNIT_TABLES: Final = (coverage_unit, coverage_piece, coverage_presence, coverage_site)


@dataclass(frozen=True)
class Refreshed:
    """A day that is up to date again: of how many people, in how many of the deepest units; None: as a whole."""

    done: DayDone
    people: int | None = None
    units: int | None = None


@dataclass(frozen=True)
class _Late:
    """The day as it is kept, the people whose fixes came late, and the versions of the units they touch."""

    opened: DayOpened
    kept: Row[Any]
    people: Sequence[int]
    units: Ints


def refresh_day(conn: Connection, lookup: Lookup, job: CoverageJob, *, on: date, now: datetime) -> Refreshed:
    """The day in step with its fixes: what late ones touch where nothing else changed since, else all of it."""
    opened = open_day(conn, lookup, job, on=on, now=now)
    if isinstance(opened, DayDone):
        return Refreshed(opened)
    late = _find_late(conn, job, opened, now)
    if late is None or not _write_touched(conn, job, late):
        return Refreshed(compute_day(conn, lookup, job, on=on, now=now))
    return Refreshed(DayDone(on, _write_day(conn, late)), len(late.people), len(late.units))


def _find_late(conn: Connection, job: CoverageJob, opened: DayOpened, now: datetime) -> _Late | None:
    """None where the day was not computed yet, or hangs on other things than it did, or most of it is late."""
    kept = conn.execute(
        select(coverage_day).where(
            coverage_day.c.network_id == opened.facts["network_id"], coverage_day.c.on == opened.on
        )
    ).one_or_none()
    if kept is None or kept.basis is None or kept.basis != find_basis(conn, opened):
        return None
    people = sorted(find_late_people(conn, opened.between, as_of=kept.as_of, now=now))
    others = conn.scalar(select(func.count()).where(coverage_trace.c.day_id == kept.id)) or 0
    if len(people) > max(MOST_SHARE * others, 1):
        return None
    before = conn.scalars(
        select(func.unnest(coverage_trace.c.squares)).where(
            coverage_trace.c.day_id == kept.id, coverage_trace.c.person_id.in_(people)
        )
    ).all()
    squares = widen(np.union1d(np.array(before, np.int64), _squares_now(conn, job, opened, people)))
    return _Late(opened, kept, people, _touched(conn, opened, squares))


def _squares_now(conn: Connection, job: CoverageJob, opened: DayOpened, people: Collection[int]) -> Ints:
    since, until = opened.between
    fixes = order_fixes(_read_on_duty(conn, None, opened, people))
    until_us = microseconds(since, until)
    duty = cut_duty(read_duty(conn, opened.between), until_us=until_us)
    return find_traces(follow(fixes, duty, job.rules, until_us=until_us)).square


def _read_on_duty(
    conn: Connection, where: DayGround | None, opened: DayOpened, people: Collection[int]
) -> Fixes:
    """The fixes of those of the people who were on duty at all."""
    on_duty = set(read_duty(conn, opened.between).person.tolist())
    return read_fixes(conn, where, opened.between, people=sorted(on_duty & set(people)))


def _touched(conn: Connection, opened: DayOpened, squares: Ints) -> Ints:
    """The deepest units in some squares, and those of sites that reach into one; rows of the snapshot's units."""
    leaf, leaf_of = find_leaves(opened.snapshot)
    if not len(squares):
        return leaf[:0]
    boxes = outlines(squares)
    here = np.unique(
        shapely.STRtree(opened.snapshot.units.geom[leaf]).query(boxes, predicate="intersects")[1]
    )
    shapes, unit = _sites_in(conn, opened, boxes)
    near = np.unique(shapely.STRtree(shapes).query(boxes, predicate="intersects")[1])
    own = leaf_of[unit[near]]
    touched: Ints = leaf[np.union1d(here, own[own >= 0])]
    return touched


def _sites_in(conn: Connection, opened: DayOpened, shapes: Any) -> tuple[Any, Ints]:
    """The sites in the bounds of some shapes, and the rows of the units that hold their middles."""
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    sites = np.array(
        [one.geometry for one in read_sites(conn, (west, south, east, north), opened.on)], object
    )
    if not len(sites):
        return sites, np.empty(0, np.int64)
    lon, lat = shapely.get_coordinates(shapely.point_on_surface(sites)).T
    return sites, opened.snapshot.place_many(lon.copy(), lat.copy()).row.astype(np.int64)


def _write_touched(conn: Connection, job: CoverageJob, late: _Late) -> bool:
    """Whether it could be done so; where nobody was on duty near a unit there is nothing to do."""
    if not len(late.units):
        return True
    day, where = _cover_again(conn, job, late)
    if not _has_room(conn, late, where):
        return False
    _write(conn, job, late, day, where)
    return True


def _cover_again(conn: Connection, job: CoverageJob, late: _Late) -> tuple[DayCoverage, DayGround]:
    """The day of everybody who was near the touched units, on these and those beside them."""
    opened, snapshot = late.opened, late.opened.snapshot
    shapes = snapshot.units.geom[late.units]
    sites, unit = _sites_in(conn, opened, shapes)
    squares = squares_about(np.concatenate([shapes, sites[np.isin(unit, late.units)]]))
    near = conn.execute(
        select(coverage_trace.c.person_id, coverage_trace.c.squares).where(
            coverage_trace.c.day_id == late.kept.id
        )
    )
    known = set(squares.tolist())
    people = {*late.people, *(row.person_id for row in near if not known.isdisjoint(row.squares))}
    since, until = opened.between
    where = survey_ground(
        conn,
        snapshot,
        on=opened.on,
        between=opened.between,
        rules=job.rules,
        only=snapshot.units.version_id[_with_neighbours(snapshot, late.units)].tolist(),
    )
    duty = read_duty(conn, opened.between)
    near_them = np.isin(duty.person, sorted(people))
    duty = Duty(*(getattr(duty, each.name)[near_them] for each in fields(Duty)))
    own = read_own_ground(conn, late.people, opened.between, margin_m=job.rules.own_margin_m)
    fixes = _read_on_duty(conn, where, opened, people)
    return cover_day(
        fixes, duty, where.ground, own, rules=job.rules, until_us=microseconds(since, until)
    ), where


def _with_neighbours(snapshot: Snapshot, units: Ints) -> Ints:
    """The units and those beside them: an edge that two share is reckoned with as when all are there."""
    leaf, _ = find_leaves(snapshot)
    tree = shapely.STRtree(snapshot.units.geom[leaf])
    found: Ints = leaf[np.unique(tree.query(snapshot.units.geom[units], predicate="intersects")[1])]
    return found


def _has_room(conn: Connection, late: _Late, where: DayGround) -> bool:
    """Whether no site of the touched units has the code of one elsewhere, which then stands for both."""
    versions = late.opened.snapshot.units.version_id[late.units].tolist()
    twice = select(coverage_site.c.code).where(
        coverage_site.c.day_id == late.kept.id,
        coverage_site.c.code.in_(where.ground.sites.code),
        coverage_site.c.unit_version_id.not_in(versions),
    )
    elsewhere = set(conn.scalars(twice))
    unit = where.leaf[where.ground.sites.unit] if len(where.ground.sites) else np.empty(0, np.int64)
    own = np.isin(unit, late.units)
    codes = {code for code, mine in zip(where.ground.sites.code, own.tolist(), strict=True) if mine}
    return elsewhere.isdisjoint(codes)


def _write(conn: Connection, job: CoverageJob, late: _Late, day: DayCoverage, where: DayGround) -> None:
    """The rows of the touched units and of the people, in place of what stood there."""
    versions = set(late.opened.snapshot.units.version_id[late.units].tolist())
    people, day_id = set(late.people), late.kept.id
    all_versions = where.snapshot.units.version_id[where.leaf]
    zero = late.opened.between[0]
    tables = [
        *rows_of(day, where.ground, all_versions, zero=zero, zone=job.zone),
        (coverage_trace, trace_rows(day)),
    ]
    for table, rows in tables:
        column, wanted = _owner(table), versions if table in _UNIT_TABLES else people
        conn.execute(delete(table).where(table.c.day_id == day_id, table.c[column].in_(wanted)))
        place = [each.name for each in table.columns].index(column) - 1  # rows are without the day's id
        add_rows(conn, day_id, table, [row for row in rows if row[place] in wanted])


def _owner(table: Table) -> str:
    return "unit_version_id" if table in _UNIT_TABLES else "person_id"


def _write_day(conn: Connection, late: _Late) -> int:
    """The day's own columns; so many fixes are in it now."""
    rows = conn.execute(
        select(coverage_trace.c.fixes, coverage_trace.c.steps, coverage_trace.c.accuracies).where(
            coverage_trace.c.day_id == late.kept.id
        )
    ).all()
    steps, accuracies = (
        np.array([each for row in rows for each in row[column]], np.int64).reshape(-1, 2) for column in (1, 2)
    )
    fixes = sum(int(row.fixes) for row in rows)
    own: dict[str, Any] = {
        "as_of": late.opened.facts["as_of"],
        "fixes": fixes,
        "interval_us": interval_of(middle_of([(steps[:, 0], steps[:, 1])])),
        "accuracy_m": middle_of([(accuracies[:, 0], accuracies[:, 1])]),
    }
    conn.execute(update(coverage_day).where(coverage_day.c.id == late.kept.id).values(**own))
    return fixes
