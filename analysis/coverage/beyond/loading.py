"""Figures from Parquet into the database, in place of older ones: pages and reports then show them like any others."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from analysis.coverage.beyond.folder import MANIFEST, Days, read_json
from analysis.coverage.beyond.parquet import read_rows
from analysis.coverage.beyond.pseudonyms import Pseudonyms
from analysis.coverage.kept.tables import (
    coverage_day,
    coverage_duty,
    coverage_piece,
    coverage_presence,
    coverage_site,
    coverage_unit,
)
from analysis.coverage.kept.writing import write_rows
from core.errors import NotFound
from people.tables import person

TABLES = (coverage_unit, coverage_piece, coverage_presence, coverage_site, coverage_duty)


def load_day(conn: Connection, days: Days, on: date, *, pseudonyms: Pseudonyms, is_new: bool) -> bool:
    """Store a computed day, unless the database has it as of a later instant, or, where it is not new, of the same one;
    whether it was stored.
    """
    folder = days.figures(on)
    told = read_json(folder / MANIFEST)
    if told is None:
        raise NotFound(f"{folder}: the day has not been computed")
    facts: dict[str, Any] = {
        **{key: value for key, value in told.items() if key != "made_from"},
        "on": on,
        "as_of": datetime.fromisoformat(told["as_of"]),
    }
    known = conn.scalar(
        select(coverage_day.c.as_of).where(
            coverage_day.c.network_id == facts["network_id"], coverage_day.c.on == on
        )
    )
    if known is not None and (known > facts["as_of"] or (known == facts["as_of"] and not is_new)):
        return False
    people = {pseudonyms.of(person_id): person_id for person_id in conn.scalars(select(person.c.id))}
    write_rows(conn, facts, ((table, _rows(folder, table, people)) for table in TABLES))
    return True


def _rows(folder: Path, table: Table, people: dict[int, int]) -> Iterable[tuple[Any, ...]]:
    rows = read_rows(folder / f"{table.name}.parquet")
    return _named(rows, people) if table is coverage_duty else rows


def _named(rows: Iterable[tuple[Any, ...]], people: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    """With persons for pseudonyms; somebody who was erased meanwhile is left out."""
    for name, *rest in rows:
        if name in people:
            yield (people[name], *rest)
