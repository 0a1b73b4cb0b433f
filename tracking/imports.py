"""An operator's import of recorded tracks: an audited act that needs no shift and no notice.

The files become fixes of a device of the person's that stands for imports, so that the same file again,
in any order and in any pieces, changes nothing. Nothing is flagged for its age. Raw rows are not kept: the
file is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from core.db import ring
from core.errors import NotFound
from geo.coordinates import to_wgs84
from geo.findings import RowFinding
from people.looks import Look, record_look
from people.persons import add_person, find_person
from tracking.batches import MEASURES, Batch, columns_to_batch
from tracking.checks import Rules
from tracking.devices import import_device
from tracking.files import FixTable
from tracking.ingest import BELL, Placing, store_fixes

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """Whose movement it is, the files' coordinate system, and who imports it why."""

    person_code: str
    crs: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`rows` usable rows were read; `new` changed something, of which `flagged` are kept off the map."""

    rows: int
    new: int
    flagged: int
    findings: tuple[RowFinding, ...]


def import_fixes(
    conn: Connection,
    lookup: Placing | None,
    tables: Sequence[FixTable],
    order: ImportOrder,
    *,
    now: datetime,
    rules: Rules,
) -> Imported:
    """Store the fixes of all tables; the person is made (basis: import) when not known. The act is recorded.

    Without a single fix nothing is written.
    """
    findings = tuple(finding for table in tables for finding in table.findings)
    if not any(map(len, tables)):
        return Imported(0, 0, 0, findings)
    person_id = _person(conn, order.person_code)
    device_id = import_device(conn, person_id, order.person_code)
    record_look(conn, Look(at=now, who=order.who, what="import", why=order.why, person_id=person_id))
    batch = _batch(tables, device_id, order.crs)
    new = flagged = 0
    for start in range(0, len(batch), _CHUNK):
        part = batch.take(np.arange(start, min(start + _CHUNK, len(batch))))
        persons = np.full(len(part), person_id, np.int64)
        stored = store_fixes(conn, lookup, part, person_id=persons, now=now, rules=rules)
        new += stored.changed.size
        flagged += int(np.count_nonzero(stored.flags[stored.changed]))
    if new:
        ring(conn, BELL)
    return Imported(len(batch), new, flagged, findings)


def _person(conn: Connection, code: str) -> int:
    try:
        return find_person(conn, code).id
    except NotFound:
        return add_person(conn, code, code, basis="import")


def _batch(tables: Sequence[FixTable], device_id: int, crs: str) -> Batch:
    """One batch of all tables in the order of their times."""
    at = np.concatenate([np.array([], "datetime64[us]"), *(table.fixed_at for table in tables)])
    order = np.argsort(at, kind="stable")
    numbers = {
        name: _joined([table.numbers[name] for table in tables])[order] for name in ("lon", "lat", *MEASURES)
    }
    numbers["lon"], numbers["lat"] = to_wgs84(numbers["lon"], numbers["lat"], crs)
    charging = np.concatenate([np.array([], np.int8), *(table.charging for table in tables)])[order]
    count = len(at)
    return columns_to_batch(
        source=np.zeros(count, np.int64),
        device_id=np.full(count, device_id, np.int64),
        fixed_at=at[order],
        numbers=numbers,
        charging=charging,
        flags=np.zeros(count, np.int32),
        sos=np.zeros(count, np.bool_),
        item=np.full(count, None, np.object_),
    )


def _joined(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.array([], np.float64), *columns])
