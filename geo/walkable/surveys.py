"""Surveys: a file is all its source knows on a day. What it holds no more has ended that day, and stays for days before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import shapely
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import Range, insert

from core.db import copy_rows
from core.errors import Conflict
from geo.findings import RowFinding
from geo.walkable.reading import Feature, SurveyFile, read_survey
from geo.walkable.tables import ground_survey, obstacle, site, street

TABLES: Final = {"streets": street, "water": obstacle, "sites": site}
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Surveyed:
    new: int
    same: int
    ended: int
    findings: list[RowFinding]


def import_survey(conn: Connection, file: SurveyFile, *, now: datetime) -> Surveyed:
    """Take in a survey. The first of a source holds since ever, a later one from its day; the same again changes nothing.

    Conflict where the source is known as of a later day.
    """
    features, findings = read_survey(file)
    source = file.source or file.path.name
    first = _note_survey(conn, file, source, rows=len(features), now=now)
    table = TABLES[file.subject.name]
    standing = {
        row.digest: row
        for row in conn.execute(
            select(table.c.id, table.c.digest, table.c.valid).where(
                table.c.source == source, func.upper_inf(table.c.valid)
            )
        )
    }
    wanted = {feature.digest: feature for feature in features}
    gone = [row for digest, row in standing.items() if digest not in wanted]
    ended = [row.id for row in gone if row.valid.lower is None or row.valid.lower < file.as_of]
    never = sorted({row.id for row in gone} - set(ended))
    for some in _some(ended):
        closed = func.daterange(func.lower(table.c.valid), file.as_of)
        conn.execute(update(table).where(table.c.id.in_(some)).values(valid=closed))
    for some in _some(never):  # corrected on the day they began: they never stood
        conn.execute(delete(table).where(table.c.id.in_(some)))
    new = [wanted[digest] for digest in wanted if digest not in standing]
    _write(conn, file, new, source=source, since=None if first else file.as_of)
    return Surveyed(len(new), len(features) - len(new), len(gone), findings)


def _note_survey(conn: Connection, file: SurveyFile, source: str, *, rows: int, now: datetime) -> bool:
    """Record it; whether it is the first of its source."""
    own = (ground_survey.c.subject == file.subject.name, ground_survey.c.source == source)
    latest: date | None = conn.scalar(select(func.max(ground_survey.c.as_of)).where(*own))
    if latest is not None and latest > file.as_of:
        raise Conflict(
            f"{source} is known as of {latest} already, later than {file.as_of}: "
            "give the day it describes with --as-of, or another --source"
        )
    told = {"taken_at": now, "rows": rows}
    conn.execute(
        insert(ground_survey)
        .values(subject=file.subject.name, source=source, as_of=file.as_of, **told)
        .on_conflict_do_update(index_elements=["subject", "source", "as_of"], set_=told)
    )
    return latest is None


def _write(
    conn: Connection, file: SurveyFile, features: Sequence[Feature], *, source: str, since: date | None
) -> None:
    if not features:
        return
    fields = list(features[0].values)
    valid: Range[date] = Range(since, None)
    columns = (*fields, "digest", "valid", "source", "geom")
    told = f"[{valid.lower or ''},)"
    rows = (
        (
            *(feature.values[name] for name in fields),
            feature.digest,
            told,
            source,
            shapely.to_wkb(shapely.set_srid(feature.geometry, 4326), hex=True, include_srid=True),
        )
        for feature in features
    )
    copy_rows(conn, TABLES[file.subject.name].name, columns, rows)


def _some(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)]
