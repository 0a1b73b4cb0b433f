"""Taking reports in: each once, whatever is sent again; placed, owned and logged in the same transaction.

One report or ten thousand go the same way, in a handful of statements.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np
from sqlalchemy import Connection

from cases.events import Actor, Chain, Event, new_salt, salted_digest, write_events
from cases.flow import ENDED
from cases.placement import (
    PlacedIn,
    Spots,
    choose_owner,
    find_root,
    main_network,
    place_cases,
    read_chains,
    read_rules,
)
from cases.reports import CaseReport, check_report
from core.db import copy_rows, ring, sql_file
from core.errors import Invalid
from geo.lookup import Lookup

BELL = "cases"
_AT_ONCE = 5_000
Key = tuple[str, str]


@dataclass(frozen=True)
class Taken:
    """What became of a report. `different`: its reference is known for another report; nothing was changed."""

    case_id: int
    number: str
    outcome: Literal["new", "repeat", "different"]


@dataclass(frozen=True)
class _Known:
    case_id: int
    number: str
    salt: bytes | None
    report_digest: bytes

    def answer(self, report: CaseReport) -> Taken:
        same = self.salt is not None and salted_digest(self.salt, asdict(report)) == self.report_digest
        return Taken(self.case_id, self.number, "repeat" if same else "different")


@dataclass
class _Arriving:
    """A report on its way in."""

    report: CaseReport
    reported_at: datetime
    occurred_at: datetime
    salt: bytes
    places: list[PlacedIn]
    owner: UUID | None = None

    @property
    def key(self) -> Key:
        return self.report.channel, self.report.external_ref


def take_in_cases(
    conn: Connection,
    lookup: Lookup,
    reports: Sequence[CaseReport],
    *,
    actor: Actor,
    now: datetime,
    default_owner: UUID | None = None,
) -> list[Taken]:
    """Store the reports that are new; one answer a report, in order. Rings the bell "cases".

    `default_owner` holds a case that lies in no unit of the main network; None: a root of that network.
    Invalid, and nothing stored, for a report that cannot be (see `check_report`) or where no unit could hold it.
    """
    for report in reports:
        for trouble in check_report(report, now):
            if trouble.fatal:
                raise Invalid(f"{trouble.field} of {report.channel} {report.external_ref}: {trouble.reason}")
    reports = [_on_grid(report) for report in reports]
    known = _read_known(conn, reports)
    fresh = {(one.channel, one.external_ref): one for one in reversed(reports)}
    arriving = [_arrive(one, now) for key, one in reversed(fresh.items()) if key not in known]
    taken: dict[Key, Taken] = {}
    for start in range(0, len(arriving), _AT_ONCE):
        some = arriving[start : start + _AT_ONCE]
        _place(lookup, some)
        _give_owners(conn, lookup, some, now=now, default_owner=default_owner)
        taken |= _store(conn, some, actor, now)
    if taken:
        ring(conn, BELL)
    if len(taken) < len(arriving):  # another transaction was quicker with some
        known = _read_known(conn, reports)
    return _answer(reports, taken, known, fresh)


def _answer(
    reports: Sequence[CaseReport],
    taken: dict[Key, Taken],
    known: dict[Key, _Known],
    fresh: dict[Key, CaseReport],
) -> list[Taken]:
    answers, told = [], set()
    for report in reports:
        key = (report.channel, report.external_ref)
        if key not in taken:
            answers.append(known[key].answer(report))
        elif key not in told:
            answers.append(taken[key])
            told.add(key)
        else:
            same = report == fresh[key]
            answers.append(replace(taken[key], outcome="repeat" if same else "different"))
    return answers


def _on_grid(report: CaseReport) -> CaseReport:
    """Coordinates as they are stored, on a 1e-7 degree grid."""
    if report.lon is None or report.lat is None:
        return report
    return replace(report, lon=round(report.lon, 7) + 0.0, lat=round(report.lat, 7) + 0.0)


def _read_known(conn: Connection, reports: Sequence[CaseReport]) -> dict[Key, _Known]:
    rows = conn.execute(
        sql_file("cases", "known"),
        {"channels": [one.channel for one in reports], "refs": [one.external_ref for one in reports]},
    )
    return {
        (row.channel, row.external_ref): _Known(
            row.id, row.number, None if row.salt is None else bytes(row.salt), bytes(row.report_digest)
        )
        for row in rows
    }


def _arrive(report: CaseReport, now: datetime) -> _Arriving:
    reported_at = report.reported_at or now
    return _Arriving(report, reported_at, report.occurred_at or min(reported_at, now), new_salt(), [])


def _spots(arriving: Sequence[_Arriving], at: datetime | None = None) -> Spots:
    """Where they lie, at the time each occurred or all `at` one instant."""
    none = float("nan")
    instants = [(at or one.occurred_at).astimezone(UTC).replace(tzinfo=None) for one in arriving]
    return Spots(
        np.array([none if one.report.lon is None else one.report.lon for one in arriving]),
        np.array([none if one.report.lat is None else one.report.lat for one in arriving]),
        np.array(instants, dtype="datetime64[us]"),
        np.array([one.report.accuracy_m or none for one in arriving]),
    )


def _place(lookup: Lookup, arriving: Sequence[_Arriving]) -> None:
    for placed in place_cases(lookup, _spots(arriving)).values():
        for one, place in zip(arriving, placed, strict=True):
            if place is not None:
                one.places.append(place)


def _give_owners(
    conn: Connection,
    lookup: Lookup,
    arriving: Sequence[_Arriving],
    *,
    now: datetime,
    default_owner: UUID | None,
) -> None:
    """The unit that holds each: of its own time for one that ended, of today for one that is open."""
    code = main_network(lookup)
    if code is None:
        if any(one.report.state not in ENDED for one in arriving):
            raise Invalid(
                "no network is published, so no unit can hold an open case: import boundaries first"
            )
        return
    network_id = lookup.network(code).id
    then = {id(one): _version(network_id, one) for one in arriving}
    living = [one for one in arriving if one.report.state not in ENDED]
    if living:
        today = lookup.place_many(code, *_lon_lat_at(living, now)).unit_version_id.tolist()
        then |= {
            id(one): version if version >= 0 else None for one, version in zip(living, today, strict=True)
        }
    chains = read_chains(conn, sorted({version for version in then.values() if version is not None}))
    rules = read_rules(conn, code)
    root = default_owner or find_root(conn, code, now)
    for one in arriving:
        version = then[id(one)]
        one.owner = root if version is None else choose_owner(chains[version], one.report.level, rules)
        if one.owner is None and one.report.state not in ENDED:
            raise Invalid(f"the network {code} has no unit now, so none can hold an open case")


def _version(network_id: int, one: _Arriving) -> int | None:
    return next((place.unit_version_id for place in one.places if place.network_id == network_id), None)


def _lon_lat_at(arriving: Sequence[_Arriving], at: datetime) -> tuple[Any, Any, Any]:
    spots = _spots(arriving, at)
    return spots.lon, spots.lat, spots.occurred_at


def _store(conn: Connection, arriving: Sequence[_Arriving], actor: Actor, now: datetime) -> dict[Key, Taken]:
    rows = conn.execute(
        sql_file("cases", "insert_cases"),
        {"reports": json.dumps([_row(one) for one in arriving]), "received_at": now},
    ).all()
    of_key = {one.key: one for one in arriving}
    placements: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []
    for row in rows:
        one = of_key[row.channel, row.external_ref]
        placements += [
            (row.id, each.network_id, each.unit_version_id, each.edition_id, each.status, each.border_m)
            for each in one.places
        ]
        chain = Chain(row.id, row.number)
        events += [
            chain.append(event, one.salt if not chain.seq else None) for event in _first_events(one, actor)
        ]
    columns = ("case_id", "network_id", "unit_version_id", "edition_id", "status", "border_m")
    copy_rows(conn, "case_placement", columns, placements)
    write_events(conn, events)
    return {(row.channel, row.external_ref): Taken(row.id, row.number, "new") for row in rows}


def _row(one: _Arriving) -> dict[str, object]:
    report = one.report
    ended = report.state in ENDED
    owner = None if one.owner is None else str(one.owner)
    return {
        "channel": report.channel,
        "external_ref": report.external_ref,
        "category": report.category,
        "level": report.level,
        "description": report.description,
        "lon": report.lon,
        "lat": report.lat,
        "accuracy_m": report.accuracy_m,
        "occurred_at": one.occurred_at.isoformat(),
        "reported_at": one.reported_at.isoformat(),
        "state": report.state,
        "owner_unit_id": None if ended else owner,
        "ended_unit_id": owner if ended else None,
        "seq": len(_first_states(report)),
        "report_digest": salted_digest(one.salt, asdict(report)).hex(),
        "attrs": report.attrs,
    }


def _first_states(report: CaseReport) -> tuple[str, ...]:
    return ("reported",) if report.state == "reported" else ("reported", report.state)


def _first_events(one: _Arriving, actor: Actor) -> list[Event]:
    """The report, and for a past case the state it is taken over in; an end before the beginning is set aside."""
    report = one.report
    states = _first_states(report)
    events = [
        Event("report", states[0], actor.name, actor.role, one.reported_at, lon=report.lon, lat=report.lat)
    ]
    if len(states) > 1:
        claimed = report.ended_at if report.state in ENDED and report.ended_at else one.reported_at
        evidence = {"ended_at_set_aside": claimed.isoformat()} if claimed < one.reported_at else {}
        at = max(claimed, one.reported_at)
        events.append(Event("import", states[1], actor.name, actor.role, at, evidence=dict(evidence)))
    return events
