"""The log of a case: append-only, each event chained to the one before by salted digests.

fields_digest = SHA-256(salt + canonical JSON of the event's fields); digest = SHA-256(digest before + fields_digest),
the first one after SHA-256(case number). Erasing an event's personal fields with its salt leaves fields_digest, so
the chain can still be followed, and nothing can be guessed back from it.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import ARRAY, BigInteger, Connection, RowMapping, any_, bindparam, select

from cases.tables import case, case_event
from core.db import copy_rows

SALT_BYTES: Final = 16
Evidence = dict[str, str | float | bool | None]


@dataclass(frozen=True)
class Actor:
    """Who acts: an account's login and the role they act in, or an operator at the machine."""

    name: str
    role: str
    account_id: int | None = None
    person_id: int | None = None


@dataclass(frozen=True)
class Event:
    """One entry. `state` is the state after it; `lon`, `lat` where the actor was, None when unknown."""

    kind: str
    state: str
    actor: str
    actor_role: str
    at: datetime
    note: str = ""
    lon: float | None = None
    lat: float | None = None
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class LoggedEvent:
    """An entry as stored; `intact` when it and all before it are as they were written."""

    seq: int
    event: Event
    intact: bool


def canonical(value: object) -> bytes:
    """The same bytes for the same JSON value: keys sorted, numbers as doubles, instants in UTC."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value) + 0.0)
    return value


def salted_digest(salt: bytes, value: object) -> bytes:
    return hashlib.sha256(salt + canonical(value)).digest()


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def first_link(number: str) -> bytes:
    """What the first event of a case is chained to."""
    return hashlib.sha256(number.encode()).digest()


@dataclass
class Chain:
    """The end of a case's log: where it stands, and what the next event is chained to."""

    case_id: int
    number: str
    seq: int = 0
    digest: bytes = b""

    def append(self, event: Event, salt: bytes | None = None) -> tuple[object, ...]:
        """The next row of case_event, in the order of `COLUMNS`; the chain moves on."""
        salt = salt or new_salt()
        self.seq += 1
        fields_digest = salted_digest(salt, _fields(self.number, self.seq, event))
        self.digest = hashlib.sha256((self.digest or first_link(self.number)) + fields_digest).digest()
        point = None if event.lon is None else f"SRID=4326;POINT({event.lon!r} {event.lat!r})"
        return (
            self.case_id, self.seq, event.kind, event.state, event.actor, event.actor_role, event.at, point,
            event.note, json.dumps(event.evidence), salt, fields_digest, self.digest,
        )  # fmt: skip


COLUMNS: Final = (
    "case_id", "seq", "kind", "state", "actor", "actor_role", "at", "point",
    "note", "evidence", "salt", "fields_digest", "digest",
)  # fmt: skip


def _fields(number: str, seq: int, event: Event) -> dict[str, Any]:
    return {
        "number": number,
        "seq": seq,
        "kind": event.kind,
        "state": event.state,
        "actor": event.actor,
        "actor_role": event.actor_role,
        "at": event.at,
        "note": event.note,
        "point": None if event.lon is None else [event.lon, event.lat],
        "evidence": event.evidence,
    }


def write_events(conn: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows made by `Chain.append`."""
    copy_rows(conn, "case_event", COLUMNS, rows)


def read_chain(conn: Connection, case_id: int) -> Chain:
    """The end of a case's log; the case's row must be locked by the caller who appends."""
    row = conn.execute(
        select(case.c.number, case_event.c.seq, case_event.c.digest)
        .join_from(case, case_event)
        .where(case.c.id == case_id)
        .order_by(case_event.c.seq.desc())
        .limit(1)
    ).one()
    return Chain(case_id, row.number, row.seq, bytes(row.digest))


def read_chains(conn: Connection, case_ids: Sequence[int]) -> dict[int, Chain]:
    """The ends of several cases' logs, by case; their rows must be locked by the caller who appends."""
    newest = (case_event.c.case_id == case.c.id) & (case_event.c.seq == case.c.seq)
    asked = case.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    query = (
        select(case.c.id, case.c.number, case.c.seq, case_event.c.digest)
        .join(case_event, newest)
        .where(asked)
    )
    rows = conn.execute(query, {"ids": list(case_ids)})
    return {row.id: Chain(row.id, row.number, row.seq, bytes(row.digest)) for row in rows}


def list_events(conn: Connection, case_id: int, number: str) -> list[LoggedEvent]:
    """The log of a case, oldest first, each entry checked against its digests."""
    rows = conn.execute(
        select(case_event).where(case_event.c.case_id == case_id).order_by(case_event.c.seq)
    ).mappings()
    listed: list[LoggedEvent] = []
    before, intact = first_link(number), True
    for place, row in enumerate(rows, 1):
        event = _event(row)
        intact = intact and row["seq"] == place and _holds(number, row, event, before)
        before = bytes(row["digest"])
        listed.append(LoggedEvent(row["seq"], event, intact))
    return listed


def _holds(number: str, row: RowMapping, event: Event, before: bytes) -> bool:
    """Whether an entry's fields (unless erased) and its link are as written."""
    fields_digest = bytes(row["fields_digest"])
    fields = _fields(number, row["seq"], event)
    told = row["salt"] is None or salted_digest(bytes(row["salt"]), fields) == fields_digest
    return told and hashlib.sha256(before + fields_digest).digest() == bytes(row["digest"])


def _event(row: RowMapping) -> Event:
    point = None if row["point"] is None else shapely.get_coordinates(to_shape(row["point"]))[0]
    return Event(
        kind=row["kind"],
        state=row["state"],
        actor=row["actor"],
        actor_role=row["actor_role"],
        at=row["at"],
        note=row["note"],
        lon=None if point is None else float(point[0]),
        lat=None if point is None else float(point[1]),
        evidence=dict(row["evidence"]),
    )
