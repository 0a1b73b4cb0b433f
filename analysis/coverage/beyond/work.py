"""What a worker does, from files to files: some people's day, and a day from its people. No database, no clock.

The figures are those of `analysis.coverage.day` and nothing else; here is only where their arrays come from and go to.
"""

import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analysis.coverage.beyond.export import EPOCH
from analysis.coverage.beyond.folder import MANIFEST, Days, read_json, write_json, write_whole
from analysis.coverage.beyond.ground import read_ground
from analysis.coverage.beyond.parquet import read_columns, write_rows
from analysis.coverage.day import DayCoverage, cover_people, interval_of, join_people
from analysis.coverage.fixes import Bools, Duty, Fixes, cut_duty, order_fixes
from analysis.coverage.kept.ground import DayGround
from analysis.coverage.kept.writing import measured, rows_of
from analysis.coverage.measures.sampling import Sampling, Tally, middle_of
from analysis.coverage.people import DutyFigures, OwnGround
from analysis.coverage.rules import CoverageRules
from analysis.coverage.visits import Visits
from core.errors import Conflict, NotFound
from tracking.trails import TrailRules

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Work:
    """A piece of work for any process that sees the folder. `shard` None: join the day, whose shards are all done."""

    root: str
    network: str
    on: date
    made_from: str
    shards: int
    shard: int | None = None

    @property
    def days(self) -> Days:
        return Days(Path(self.root), self.network)

    @property
    def part(self) -> Path:
        return self.days.parts(self.on) / f"{self.made_from[:16]}-{self.shard}.npz"


@dataclass(frozen=True)
class Worked:
    """A piece done: with so many fixes on duty; `peak_mb`: the most memory its process ever held."""

    work: Work
    fixes: int
    peak_mb: float


def do_work(work: Work) -> Worked:
    """Do a piece. What was there already, made from the same, is not done again."""
    fixes = _join_day(work) if work.shard is None else _cover_shard(work)
    return Worked(work, fixes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def is_computed(days: Days, on: date, made_from: str) -> bool:
    """Whether the day's figures are there and made from that."""
    told = read_json(days.figures(on) / MANIFEST)
    return told is not None and told["made_from"] == made_from


def _cover_shard(work: Work) -> int:
    if not work.part.exists():
        sources = _sources(work)
        where = _ground(work.days, sources["ground"])
        some = _cover(work, sources, where)
        write_whole(work.part, lambda part: _save(part, some))
    with np.load(work.part) as arrays:
        return int(arrays["fixes"])


def _sources(work: Work) -> dict[str, Any]:
    """What the day is computed from; Conflict where it was exported again meanwhile."""
    sources = read_json(work.days.sources(work.on))
    people = read_json(work.days.fixes(work.on) / MANIFEST)
    if sources is None or people is None:
        raise NotFound(f"{work.on}: its fixes are not in {work.root}, or have expired")
    if sources["made_from"] != work.made_from or people["state"] != sources["fixes"]:
        raise Conflict(f"{work.on}: it was exported again meanwhile; start the computation again")
    return sources


def _cover(work: Work, sources: Mapping[str, Any], where: DayGround) -> DayCoverage:
    """The day of the people of one shard."""
    folder, until_us = work.days.fixes(work.on), int(sources["until_us"])
    duty_columns, own_columns = (
        _of_shard(read_columns(folder / f"{name}.parquet"), work.shard) for name in ("duty", "own")
    )
    grounds = read_columns(folder / "own_grounds.parquet")["geometry"]
    duty = Duty(duty_columns["person"], duty_columns["starts_us"], duty_columns["ends_us"])
    own = OwnGround(
        own_columns["person"], own_columns["from_us"], own_columns["to_us"], grounds[own_columns["ground"]]
    )
    fixes = _read_fixes(folder, work.shard, np.unique(duty.person), where, int(sources["since_us"]))
    rules = CoverageRules(**{**sources["rules"], "trail": TrailRules(**sources["rules"]["trail"])})
    return cover_people(
        order_fixes(fixes),
        cut_duty(duty, until_us=until_us),
        where.ground,
        own,
        rules=rules,
        until_us=until_us,
    )


def _of_shard(columns: Arrays, shard: int | None) -> Arrays:
    own = columns["shard"] == shard
    return {name: values[own] for name, values in columns.items()}


def _read_fixes(
    folder: Path, shard: int | None, people: NDArray[np.int64], where: DayGround, since_us: int
) -> Fixes:
    """The fixes of a shard with their margins, of those who had duty, each in its deepest unit."""
    groups = [read_columns(folder / f"{name}.parquet", group=shard) for name in ("fixes", "margin")]
    columns = {name: np.concatenate([each[name] for each in groups]) for name in groups[0]}
    on_duty = np.isin(columns["person"], people)
    columns = {name: values[on_duty] for name, values in columns.items()}
    lon, lat = columns["lon"], columns["lat"]
    unit = where.leaf_of[where.snapshot.place_many(lon, lat).row] if len(lon) else np.empty(0, np.int64)
    at_us = columns["at"].astype("datetime64[us]").view(np.int64) - since_us
    device = columns["device"].astype(np.int64)
    return Fixes(columns["person"], device, at_us, lon, lat, columns["accuracy_m"], unit)


@lru_cache(maxsize=2)
def _ground(days: Days, digest: str) -> DayGround:
    """Kept by a worker from one piece of work to the next."""
    return read_ground(days, digest)


def _save(path: Path, day: DayCoverage) -> None:
    """Some people's day as arrays: rows of what was passed, and values with how often each was there for the medians."""
    if day.traces is None:
        raise ValueError("a day read back from files is not stored as a part again")
    steps, told = day.traces.steps_s, day.traces.accuracy_m
    arrays: dict[str, Any] = {
        "until_us": day.until_us,
        "fixes": day.fixes,
        "by_fixes": day.by_fixes,
        "driven": day.driven,
        "times_us": day.duty.times_us,
        "ways_mm": day.duty.ways_mm,
        "has_own": day.duty.has_own,
        "steps": steps.value,
        "step_counts": steps.count,
        "told": told.value,
        "told_counts": told.count,
    }
    for name, columns in _columns_of(day):
        arrays |= {f"{name}.{each.name}": getattr(columns, each.name) for each in fields(columns)}
    for name, (proven, possible) in (("streets", day.streets), ("doors", day.doors)):
        arrays |= {f"{name}.proven": np.flatnonzero(proven), f"{name}.possible": np.flatnonzero(possible)}
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _columns_of(day: DayCoverage) -> list[tuple[str, Visits | Duty | Tally]]:
    """What is kept as columns of its own, by its name."""
    return [
        ("visits", day.visits),
        ("unit_visits", day.unit_visits),
        ("site_visits", day.site_visits),
        ("duty", day.duty.duty),
        ("steps_s", day.sampling.steps_s),
        ("accuracy_m", day.sampling.accuracy_m),
    ]


def _load(path: Path, where: DayGround) -> tuple[DayCoverage, Arrays]:
    """Some people's day, and the arrays it came from."""
    with np.load(path) as stored:
        arrays = dict(stored)
    visits, unit_visits, site_visits = (
        Visits(*(arrays[f"{name}.{each.name}"] for each in fields(Visits)))
        for name in ("visits", "unit_visits", "site_visits")
    )
    steps_s, accuracy_m = (
        Tally(*(arrays[f"{name}.{each.name}"] for each in fields(Tally)))
        for name in ("steps_s", "accuracy_m")
    )
    duty = Duty(*(arrays[f"duty.{each.name}"] for each in fields(Duty)))
    day = DayCoverage(
        until_us=int(arrays["until_us"]),
        visits=visits,
        unit_visits=unit_visits,
        site_visits=site_visits,
        by_fixes=arrays["by_fixes"],
        driven=arrays["driven"],
        streets=_passed(arrays, "streets", len(where.ground.streets)),
        doors=_passed(arrays, "doors", len(where.ground.doors)),
        duty=DutyFigures(duty, arrays["times_us"], arrays["ways_mm"], arrays["has_own"]),
        fixes=int(arrays["fixes"]),
        interval_us=None,
        accuracy_m=None,
        sampling=Sampling(steps_s, accuracy_m),
        traces=None,
    )
    return day, arrays


def _passed(arrays: Arrays, name: str, count: int) -> tuple[Bools, Bools]:
    found = np.zeros((2, count), np.bool_)
    found[0, arrays[f"{name}.proven"]] = True
    found[1, arrays[f"{name}.possible"]] = True
    return found[0], found[1]


def _join_day(work: Work) -> int:
    """The figures of a day from all its parts, which go then."""
    sources = _sources(work)
    where = _ground(work.days, sources["ground"])
    observed = np.ones(len(where.leaf), np.bool_)
    observed[sources["unobserved"]] = False
    ground = replace(where.ground, observed=observed)
    loaded = [_load(replace(work, shard=shard).part, where) for shard in range(work.shards)]
    interval_us = interval_of(middle_of([(each["steps"], each["step_counts"]) for _, each in loaded]))
    day = join_people(
        [each for each, _ in loaded],
        interval_us=interval_us,
        accuracy_m=middle_of([(each["told"], each["told_counts"]) for _, each in loaded]),
    )
    folder, versions = work.days.figures(work.on), where.snapshot.units.version_id[where.leaf]
    (folder / MANIFEST).unlink(missing_ok=True)
    zero, zone = _instant(sources["since_us"]), ZoneInfo(sources["zone"])
    for table, rows in rows_of(day, ground, versions, zero=zero, zone=zone):
        write_rows(folder / f"{table.name}.parquet", table, rows)
    known = ("network_id", "edition_id", "edition_changed", "as_of", "resolution", "rules", "made_from")
    write_json(
        folder / MANIFEST, {"on": str(work.on), **{key: sources[key] for key in known}, **measured(day)}
    )
    shutil.rmtree(work.days.parts(work.on), ignore_errors=True)
    return day.fixes


def _instant(since_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=since_us)
