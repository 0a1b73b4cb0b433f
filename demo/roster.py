"""Nine hundred people: who they are, what they serve as, where, and when they are on duty."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from demo.city.files import FOLDER
from demo.city.names import person_names
from geo.tabular import Table

STRENGTH = (
    ("instructor", "Z", 17),
    ("grid_leader", "L", 175),
    ("grid_worker", "W", 520),
    ("part_time_worker", "J", 93),
    ("police", "P", 40),
    ("auxiliary_police", "F", 24),
    ("desk_operator", "D", 31),
)
"""Role, first letter of the code, how many. 900 in all."""
PATROLLING = ("grid_worker", "grid_leader", "police", "auxiliary_police")
TURNS = ((8, 16), (9, 17), (14, 22))
"""From which hour to which a shift lasts."""


@dataclass(frozen=True)
class Worker:
    """Somebody of the city; `units` are the codes of what they serve in."""

    code: str
    name: str
    role: str
    units: tuple[str, ...]

    @property
    def patrols(self) -> bool:
        return self.role in PATROLLING


def make_roster(seed: int, folder: Path = FOLDER) -> tuple[Worker, ...]:
    """Everybody, with the grids shared out so that each has somebody."""
    rng = np.random.default_rng([seed, 1])
    codes: dict[str, list[str]] = {"street": [], "community": [], "grid": []}
    with (folder / "units.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            codes[row["level"]].append(row["code"])
    people = []
    names = iter(person_names(rng, sum(count for _, _, count in STRENGTH)))
    for role, letter, count in STRENGTH:
        for number, units in enumerate(_posts(role, count, codes, rng), start=1):
            people.append(Worker(f"{letter}{number:04d}", next(names), role, units))
    return tuple(people)


def _posts(
    role: str, count: int, codes: dict[str, list[str]], rng: np.random.Generator
) -> list[tuple[str, ...]]:
    if role == "grid_worker":
        return _share_grids(codes["grid"], count)
    level = "street" if role in ("instructor", "desk_operator") else "community"
    there = codes[level]
    if count == len(there):
        return [(code,) for code in there]
    chosen = [there[place % len(there)] for place in range(count)]
    if count < len(there):
        chosen = [there[int(place)] for place in np.sort(rng.choice(len(there), count, replace=False))]
    return [(code,) for code in chosen]


def _share_grids(grids: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """Neighbouring grids of a community to each worker, one or two."""
    bounds = np.linspace(0, len(grids), count + 1).round().astype(int)
    return [tuple(grids[a:b]) for a, b in pairwise(bounds)]


def people_table(people: Sequence[Worker], since: date) -> Table:
    """The roster as `people import` takes it, a row a post."""
    rows = [(one.code, one.name, one.role, unit, since.isoformat()) for one in people for unit in one.units]
    return _table("people.csv", ("code", "name", "role", "unit", "from"), rows)


def shifts_table(people: Sequence[Worker], on: date) -> Table:
    """The shifts of those who patrol on one day, as `shifts import` takes them."""
    rows = []
    for place, one in enumerate(person for person in people if person.patrols):
        begin, end = TURNS[(place + on.toordinal()) % len(TURNS)]
        rows.append((one.code, f"{on}T{begin:02d}:00", f"{on}T{end:02d}:00"))
    return _table("shifts.csv", ("person", "starts_at", "ends_at"), rows)


def turn_of(place: int, on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the patrolling person at this place of the roster is on duty that day."""
    begin, end = TURNS[(place + on.toordinal()) % len(TURNS)]
    start = datetime.combine(on, time(begin), zone)
    return start, start + timedelta(hours=end - begin)


def _table(name: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(Path(name), columns, list(rows), list(range(2, len(rows) + 2)))
