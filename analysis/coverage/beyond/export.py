"""From the database to Parquet, day by day: exact, incremental, in shards of people, with pseudonyms.

A day is exported again when anything it holds changed. What it holds is asked of the rows themselves (how many of each person,
and two sums of their hashes), in one snapshot with the export: so a fix that commits late, one that another replaced, a flag
that turned and rows that were deleted are all seen, and no cursor can run past any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, tuple_

from analysis.coverage.beyond.folder import MANIFEST, Days, digest_of, read_json, write_json
from analysis.coverage.beyond.ground import WGS84, GroundFiles, unobserved_of
from analysis.coverage.beyond.parquet import Columns, write_columns, write_groups
from analysis.coverage.beyond.pseudonyms import Pseudonyms
from analysis.coverage.day import FIXES_AT_ONCE, MARGIN_US
from analysis.coverage.figures import DEFINITIONS
from analysis.coverage.fixes import Duty, microseconds
from analysis.coverage.kept.compute import CoverageJob, DayBegun
from analysis.coverage.kept.people import read_duty, read_own_ground
from analysis.coverage.people import OwnGround
from tracking.tables import fix
from tracking.trails.columns import FixColumns, read_columns

FORMAT: Final = 2
"""A change of what the files hold exports every day anew."""
FIXES_A_SHARD: Final = FIXES_AT_ONCE
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Exported:
    """A day in the folder: how many fixes in how many shards; `written`: it was not there before, or another."""

    on: date
    fixes: int
    shards: int
    written: bool


@dataclass(frozen=True)
class _Content:
    """What a day holds beside its ground, as the database has it now."""

    between: tuple[datetime, datetime]
    counts: dict[int, int]
    duty: Duty
    own: OwnGround
    names: dict[int, int]
    state: str


def export_day(
    conn: Connection,
    days: Days,
    job: CoverageJob,
    begun: DayBegun,
    *,
    grounds: GroundFiles,
    pseudonyms: Pseudonyms,
    shard_fixes: int = FIXES_A_SHARD,
) -> Exported:
    """Bring a day's files up to what the database holds. The transaction must keep one snapshot (REPEATABLE READ)."""
    on = begun.facts["on"]
    content = _look(conn, begun.between, job, pseudonyms, shard_fixes)
    told = read_json(days.fixes(on) / MANIFEST)
    written = told is None or told["state"] != content.state
    if told is None or written:
        told = _write_people(conn, days, on, content, shard_fixes)
    sources = {
        "fixes": content.state,
        "ground": grounds.write(begun.where),
        "unobserved": unobserved_of(begun.where.ground.observed),
        "since_us": microseconds(EPOCH, begun.between[0]),
        "until_us": microseconds(*begun.between),
        "zone": str(job.zone),
        "definitions": {one.id: one.version for one in DEFINITIONS.values()},
        **{key: value for key, value in begun.facts.items() if key != "as_of"},
        "on": on.isoformat(),
    }
    made_from = digest_of(sources)
    known = read_json(days.sources(on))
    if known is None or known["made_from"] != made_from:
        as_of = begun.facts["as_of"].isoformat()
        write_json(days.sources(on), {**sources, "as_of": as_of, "made_from": made_from})
    return Exported(on, told["fixes"], len(told["shards"]), written)


def _look(
    conn: Connection,
    between: tuple[datetime, datetime],
    job: CoverageJob,
    pseudonyms: Pseudonyms,
    shard_fixes: int,
) -> _Content:
    prints = fingerprints(conn, between)
    duty = read_duty(conn, between)
    on_duty = np.unique(duty.person).tolist()
    own = read_own_ground(conn, on_duty, between, margin_m=job.rules.own_margin_m)
    names = pseudonyms.of_all({*on_duty, *prints})
    held = [
        FORMAT,
        pseudonyms.mark,
        shard_fixes,
        between,
        sorted((names[person], *told) for person, told in prints.items()),
        [column.tolist() for column in (duty.person, duty.starts_us, duty.ends_us)],
        [column.tolist() for column in (own.person, own.from_us, own.to_us)],
        [digest_of(shape.hex()) for shape in shapely.to_wkb(own.shape)],
    ]
    counts = {person: int(told[0]) for person, told in prints.items()}
    return _Content(between, counts, duty, own, names, digest_of(held))


def fingerprints(conn: Connection, between: tuple[datetime, datetime]) -> dict[int, tuple[str, ...]]:
    """Of each person the accepted fixes of the day and its margins: how many, and two sums of their hashes."""
    margin = timedelta(microseconds=MARGIN_US)
    row = tuple_(fix.c.device_id, fix.c.fixed_at, fix.c.lon, fix.c.lat, fix.c.accuracy_m)
    rows = conn.execute(
        select(
            fix.c.person_id,
            func.count(),
            func.sum(func.hash_record_extended(row, 1)),
            func.sum(func.hash_record_extended(row, 2)),
        )
        .where(fix.c.fixed_at >= between[0] - margin, fix.c.fixed_at < between[1] + margin, fix.c.flags == 0)
        .group_by(fix.c.person_id)
    )
    return {person: tuple(map(str, told)) for person, *told in rows}


def _write_people(
    conn: Connection, days: Days, on: date, content: _Content, shard_fixes: int
) -> dict[str, Any]:
    """The files of a day, its manifest last; what a killed run left half done is swept away first."""
    folder = days.fixes(on)
    (folder / MANIFEST).unlink(missing_ok=True)
    for left in folder.glob(".*.part"):
        left.unlink()
    shards = _shards(content, shard_fixes)
    margins: list[Columns] = []
    groups = (_shard(conn, content, shard, margins) for shard in shards)
    counts = write_groups(folder / "fixes.parquet", groups)
    write_groups(folder / "margin.parquet", margins)
    _write_duty(days, on, content, shards)
    told = {
        "state": content.state,
        "since_us": microseconds(EPOCH, content.between[0]),
        "fixes": sum(counts),
        "shards": counts,
        "people": len(content.names),
    }
    write_json(folder / MANIFEST, told)
    return told


def _shards(content: _Content, most: int) -> list[list[int]]:
    """Everybody in the order of their pseudonyms, which tells nothing, in groups of about so many fixes; at least one."""
    shards: list[list[int]] = [[]]
    size = 0
    for person in sorted(content.names, key=content.names.__getitem__):
        count = content.counts.get(person, 0)
        if shards[-1] and size + count > most:
            shards.append([])
            size = 0
        shards[-1].append(person)
        size += count
    return shards


def _shard(conn: Connection, content: _Content, people: Sequence[int], margins: list[Columns]) -> Columns:
    """The day's fixes of some people; those of its margins go to `margins`."""
    since, until = content.between
    margin = timedelta(microseconds=MARGIN_US)
    read = read_columns(conn, since - margin, until + margin, zero=since, people=people)
    columns = _named(read, content)
    within = (read.at_us >= 0) & (read.at_us < microseconds(since, until))
    order = np.lexsort((columns["at"], columns["device"], columns["person"]))
    inside, outside = order[within[order]], order[~within[order]]
    margins.append({name: values[outside] for name, values in columns.items()})
    return {name: values[inside] for name, values in columns.items()}


def _named(read: FixColumns, content: _Content) -> dict[str, Any]:
    """Pseudonyms for persons; a person's devices by number, in the order of their ids, which ties hang on."""
    person, row = np.unique(read.person, return_inverse=True)
    names = np.array([content.names[each] for each in person.tolist()], np.int64)
    ids, device = np.unique(read.device, return_inverse=True)
    _, device = np.unique(row * len(ids) + device, return_inverse=True)
    first = np.full(len(person), len(read.person), np.int64)
    np.minimum.at(first, row, device)
    zero_us = microseconds(EPOCH, content.between[0])
    return {
        "person": names[row],
        "device": (device - first[row]).astype(np.int16),
        "at": (read.at_us + zero_us).view("datetime64[us]"),
        "lon": read.lon,
        "lat": read.lat,
        "accuracy_m": read.accuracy_m,
    }


def _write_duty(days: Days, on: date, content: _Content, shards: Sequence[Sequence[int]]) -> None:
    """Duty and own grids, each with the shard of its person."""
    folder, duty, own = days.fixes(on), content.duty, content.own
    shard_of = {person: shard for shard, people in enumerate(shards) for person in people}
    told: dict[str, NDArray[Any]] = {
        "shard": np.array([shard_of[each] for each in duty.person.tolist()], np.int32),
        "person": np.array([content.names[each] for each in duty.person.tolist()], np.int64),
        "starts_us": duty.starts_us,
        "ends_us": duty.ends_us,
    }
    order = np.lexsort((told["starts_us"], told["person"]))
    write_columns(folder / "duty.parquet", {name: values[order] for name, values in told.items()})
    distinct = {shape: row for row, shape in enumerate(dict.fromkeys(shapely.to_wkb(own.shape).tolist()))}
    write_columns(
        folder / "own_grounds.parquet",
        {"geometry": shapely.from_wkb(np.array(list(distinct), object))},
        geometry={"geometry": WGS84},
    )
    told = {
        "shard": np.array([shard_of[each] for each in own.person.tolist()], np.int32),
        "person": np.array([content.names[each] for each in own.person.tolist()], np.int64),
        "from_us": own.from_us,
        "to_us": own.to_us,
        "ground": np.array([distinct[shape] for shape in shapely.to_wkb(own.shape).tolist()], np.int32),
    }
    order = np.lexsort((told["from_us"], told["person"]))
    write_columns(folder / "own.parquet", {name: values[order] for name, values in told.items()})
