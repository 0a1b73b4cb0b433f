"""A computed day into its tables, in place of what stood there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Table, delete, insert

from analysis.coverage.day import DayCoverage, sum_units
from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.fixes import Ints
from analysis.coverage.ground import Ground
from analysis.coverage.kept.ground import DayGround
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_duty,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_trace,
    coverage_unit,
)
from analysis.coverage.measures.sampling import middles
from analysis.coverage.visits import Frequency, count_required, count_visits
from core.db import copy_rows

Row = tuple[object, ...]
UNIT_FIGURES = ("area", "area_by_fixes", "streets", "doors", "households")


def write_day(
    conn: Connection,
    day: DayCoverage,
    where: DayGround,
    *,
    facts: Mapping[str, Any],
    zero: datetime,
    zone: ZoneInfo,
) -> int:
    """Store it; `facts`: the columns of the day that do not follow from its fixes. `zero`: the day's first instant;
    hours are those of `zone`.
    """
    versions = where.snapshot.units.version_id[where.leaf]
    tables = rows_of(day, where.ground, versions, zero=zero, zone=zone)
    return write_rows(conn, {**facts, **measured(day)}, [*tables, (coverage_trace, trace_rows(day))])


def trace_rows(day: DayCoverage) -> Iterator[Row]:
    """What is remembered of each person, for late fixes: the rows of its table, without the day's id."""
    if day.traces is None:
        return
    for person in day.traces.person.tolist():
        own = day.traces.of(person)
        yield (
            person,
            int(own.fixes[0]),
            own.square.tolist(),
            *(
                np.stack([told.value, told.count], 1).ravel().tolist()
                for told in (own.steps_s, own.accuracy_m)
            ),
        )


def measured(day: DayCoverage) -> dict[str, Any]:
    """The columns of the day that follow from its fixes, and by what definitions."""
    return {
        "definitions": {one.id: one.version for one in DEFINITIONS.values()},
        "fixes": day.fixes,
        "interval_us": day.interval_us,
        "accuracy_m": day.accuracy_m,
    }


def rows_of(
    day: DayCoverage, ground: Ground, versions: Ints, *, zero: datetime, zone: ZoneInfo
) -> list[tuple[Table, Iterator[Row]]]:
    """What is kept of a day: the rows of each table, without the day's id. `versions`: of each unit of the ground."""
    return [
        (coverage_unit, _units(day, ground, versions)),
        (coverage_piece, _pieces(day, ground, versions, zero)),
        (coverage_presence, _presence(day, ground, versions, zero, zone)),
        (coverage_site, _sites(day, ground, versions, zero)),
        (coverage_duty, _duty(day, zero)),
    ]


def write_rows(
    conn: Connection, day: Mapping[str, Any], tables: Iterable[tuple[Table, Iterable[Sequence[object]]]]
) -> int:
    """Store a day (all its columns) and the rows of its tables in place of what stood there; the day's id."""
    own = (coverage_day.c.network_id == day["network_id"], coverage_day.c.on == day["on"])
    conn.execute(delete(coverage_day).where(*own))
    day_id: int = conn.execute(insert(coverage_day).values(**day).returning(coverage_day.c.id)).scalar_one()
    for table, rows in tables:
        add_rows(conn, day_id, table, rows)
    return day_id


def add_rows(conn: Connection, day_id: int, table: Table, rows: Iterable[Sequence[object]]) -> None:
    columns = [column.name for column in table.columns]
    copy_rows(conn, table.name, columns, ((day_id, *map(_as_copied, row)) for row in rows))


def _as_copied(value: object) -> object:
    """An array of whole numbers as COPY reads it: the driver would look at each number for what it is."""
    return f"{{{','.join(map(str, value))}}}" if isinstance(value, list) else value


def _units(day: DayCoverage, ground: Ground, versions: Ints) -> Iterator[Row]:
    sums = sum_units(day, ground)
    triples = [
        np.stack([sums[key].numerator, sums[key].denominator, sums[key].possible], 1).tolist()
        for key in UNIT_FIGURES
    ]
    seen = count_visits(day.unit_visits, len(versions), until_us=day.until_us)
    interval, accuracy = (
        [None if value < 0 else value for value in middles(told, len(versions)).tolist()]
        for told in (day.sampling.steps_s, day.sampling.accuracy_m)
    )
    away = _away(seen, day.until_us).tolist()
    for row, version in enumerate(versions.tolist()):
        counted = (int(seen.visits[row]), int(seen.dwell_us[row]), away[row], interval[row], accuracy[row])
        yield (version, bool(ground.observed[row]), *(triple[row] for triple in triples), *counted)


def _away(seen: Frequency, until_us: int) -> Ints:
    """Of each place the longest time nobody came, that until the first visit and that since the last: from these days are
    put together to periods.
    """
    came = seen.visits > 0
    before = np.where(came, np.maximum(seen.first_us, 0), until_us)
    after = np.where(came, np.maximum(until_us - seen.last_us, 0), until_us)
    return np.stack([seen.unvisited_us, before, after], 1)


def _pieces(day: DayCoverage, ground: Ground, versions: Ints, zero: datetime) -> Iterator[Row]:
    pieces = ground.pieces
    seen = count_visits(day.visits, len(pieces), until_us=day.until_us)
    for place in np.unique(day.visits.place).tolist():
        yield (
            int(versions[pieces.unit[place]]),
            int(pieces.cell[place]),
            int(pieces.area_cm2[place]),
            int(seen.visits[place]),
            int(seen.dwell_us[place]),
            instant(zero, int(seen.first_us[place])),
            instant(zero, int(seen.last_us[place])),
            int(seen.unvisited_us[place]),
        )


def _presence(
    day: DayCoverage, ground: Ground, versions: Ints, zero: datetime, zone: ZoneInfo
) -> Iterator[Row]:
    """By deepest unit the proven visits of its pieces, by the hour of the clock they began in."""
    proven = day.visits.proven
    unit = ground.pieces.unit[day.visits.place[proven]]
    since, until = day.visits.from_us[proven], day.visits.to_us[proven]
    hour = _hours_of(since, zero, zone)
    order = np.argsort(unit, kind="stable")
    rows, first = np.unique(unit[order], return_index=True)
    if not len(rows):
        return
    key = np.searchsorted(rows, unit) * 24 + hour
    visits = np.bincount(key, minlength=len(rows) * 24).reshape(-1, 24)
    dwell = np.zeros(len(rows) * 24, np.int64)
    np.add.at(dwell, key, day.visits.dwell_us[proven])
    last = np.maximum.reduceat(until[order], first)
    for row, *told, ended in zip(
        rows.tolist(), visits.tolist(), dwell.reshape(-1, 24).tolist(), last.tolist(), strict=True
    ):
        yield (int(versions[row]), *told, instant(zero, ended))


def _hours_of(at_us: Ints, zero: datetime, zone: ZoneInfo) -> Ints:
    """The hour of the clock of each instant; a quarter of an hour lies in one hour wherever people live."""
    quarter_us = 900_000_000
    quarters, number = np.unique(at_us // quarter_us, return_inverse=True)
    times = [zero + timedelta(microseconds=quarter * quarter_us) for quarter in quarters.tolist()]
    return np.array([time.astimezone(zone).hour for time in times], np.int64)[number]


def _sites(day: DayCoverage, ground: Ground, versions: Ints, zero: datetime) -> Iterator[Row]:
    sites = ground.sites
    seen = count_visits(day.site_visits, len(sites), until_us=day.until_us)
    enough = count_required(day.site_visits, sites.least_s)
    away = _away(seen, day.until_us).tolist()
    for place, code in enumerate(sites.code):
        yield (
            code,
            int(versions[sites.unit[place]]),
            int(enough[place]),
            int(seen.visits[place] - enough[place]),
            int(seen.dwell_us[place]),
            instant(zero, int(seen.last_us[place])),
            int(sites.visits[place]),
            int(sites.days[place]),
            away[place],
        )


def _duty(day: DayCoverage, zero: datetime) -> Iterator[Row]:
    duty = day.duty.duty
    for row in range(len(duty)):
        yield (
            int(duty.person[row]),
            instant(zero, int(duty.starts_us[row])),
            instant(zero, int(duty.ends_us[row])),
            bool(day.duty.has_own[row]),
            day.duty.times_us[row].tolist(),
            day.duty.ways_mm[row].tolist(),
        )


def instant(zero: datetime, at_us: int) -> datetime | None:
    """None for -1: never."""
    return None if at_us < 0 else zero + timedelta(microseconds=at_us)
