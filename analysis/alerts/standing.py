"""What stands in the rail: calls for help first, and everything else that somebody should look at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, update

from analysis.alerts.tables import alert
from core.db import ring, sql_file
from core.errors import NotFound, told
from people.access import Caller, Scope
from people.persons import get_person
from tracking.ingest import BELL
from tracking.sos import Answerer, acknowledge_sos

Kind = Literal["sos", "urgent_case", "unit_empty", "silent"]
SOS_LISTED: Final = timedelta(hours=1)
"""A call for help is told for so long after somebody acknowledged it."""
_ID: Final = re.compile(r"(sos|urgent_case|unit_empty|silent)-([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that stands. `paths` are of the units it concerns: whoever holds for one of them may know of it.

    `lon`, `lat` is where a call came from, the case lies, or the person was recorded last; None when unknown.
    """

    id: str
    kind: Kind
    raised_at: datetime
    person_code: str | None
    person_name: str | None
    phone: str | None
    unit_code: str | None
    unit_name: str | None
    unit_level: str | None
    case_number: str | None
    lon: float | None
    lat: float | None
    asked_at: datetime | None
    answered_at: datetime | None
    answered: str | None
    reason: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str
    paths: tuple[str, ...]


def open_alerts(conn: Connection, now: datetime) -> list[Alert]:
    """Everything that stands now, for everybody: what waits for a name first, calls for help before the rest, the
    newest first. Cut it to a scope with `is_within`.
    """
    told = {"now": now, "listed_since": now - SOS_LISTED}
    rows = conn.execute(sql_file("analysis", "open_alerts"), told).mappings()
    return [Alert(**{**row, "paths": tuple(row["paths"])}) for row in rows]


def is_within(scope: Scope, one: Alert) -> bool:
    """Whether the alert concerns the ground of a scope."""
    return scope.everywhere or any(scope.holds(path) for path in one.paths)


def alerts_within(alerts: Iterable[Alert], scope: Scope) -> list[Alert]:
    """Those of the alerts that concern the ground of a scope, in their order."""
    return [one for one in alerts if is_within(scope, one)]


def tell_alert(one: Alert) -> dict[str, Any]:
    """An alert as browsers read it."""
    person = (
        None
        if one.person_code is None
        else {"code": one.person_code, "name": one.person_name, "phone": one.phone}
    )
    unit = (
        None
        if one.unit_code is None
        else {"code": one.unit_code, "name": one.unit_name, "level": one.unit_level}
    )
    return {
        "id": one.id,
        "kind": one.kind,
        "raised_at": one.raised_at,
        "person": person,
        "unit": unit,
        "case": one.case_number,
        "lon": one.lon,
        "lat": one.lat,
        "asked_at": one.asked_at,
        "answered_at": one.answered_at,
        "answered": one.answered,
        "reason": one.reason,
        "acknowledged_by": one.acknowledged_by,
        "acknowledged_at": one.acknowledged_at,
        "note": one.note,
    }


def acknowledge_alert(
    conn: Connection, caller: Caller, scope: Scope, alert_id: str, *, note: str, now: datetime
) -> Alert:
    """Acknowledge an alert of the scope in the caller's name; as it stands afterwards. Whoever was first stays written.

    NotFound for one that does not stand, or that does not concern the scope. Rings the bell.
    """
    standing = find_alert(conn, scope, alert_id, now)
    kind, _, number = alert_id.partition("-")
    who = Answerer(name_of(conn, caller), caller.account_id)
    if kind == "sos":
        done = acknowledge_sos(conn, int(number), who, note=note, now=now)
    else:
        changed = conn.execute(
            update(alert)
            .where(alert.c.id == int(number), alert.c.acknowledged_at.is_(None), alert.c.cleared_at.is_(None))
            .values(
                acknowledged_by=who.name,
                acknowledged_account_id=who.account_id,
                acknowledged_at=now,
                note=note,
            )
        )
        done = changed.rowcount > 0
    if done:
        ring(conn, BELL)
        return replace(standing, acknowledged_by=who.name, acknowledged_at=now, note=note)
    return find_alert(conn, scope, alert_id, now)


def find_alert(conn: Connection, scope: Scope, alert_id: str, now: datetime) -> Alert:
    """One that stands and concerns the scope; NotFound otherwise, which tells nothing of another's ground."""
    if _ID.fullmatch(alert_id):
        for one in open_alerts(conn, now):
            if one.id == alert_id and is_within(scope, one):
                return one
    raise NotFound(told("no alert {alert_id} stands", alert_id=alert_id[:40]))


def name_of(conn: Connection, caller: Caller) -> str:
    """The name that others read: of the person whose account it is, else the login."""
    return caller.login if caller.person_id is None else get_person(conn, caller.person_id).name
