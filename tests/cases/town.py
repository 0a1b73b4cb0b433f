"""Cases in the town of two streets (tests/people/town.py)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from cases.events import Actor
from cases.intake import Taken, take_in_cases
from cases.reports import CaseReport
from cases.steps import StepRequest, take_step
from cases.views import CaseView, find_case
from geo.lookup import Lookup
from people.access import Caller, Grant, GrantRole
from people.tables import account
from tests.people.town import LAT, LON, NOW, Town

__all__ = ["NOW", "Town"]

DESK = Actor("desk", "desk")
IN_G1 = (LON + 0.005, LAT + 0.005)
IN_G2 = (LON + 0.015, LAT + 0.005)
OUTSIDE = (LON + 1.0, LAT)
REPORT = CaseReport(
    "12345", "R1", "noise", lon=IN_G1[0], lat=IN_G1[1], reported_at=datetime(2026, 6, 9, tzinfo=UTC)
)


def report(ref: str = "R1", **changes: object) -> CaseReport:
    return replace(REPORT, external_ref=ref, **changes)  # type: ignore[arg-type]


def take_in(conn: Connection, *reports: CaseReport, now: datetime = NOW) -> list[Taken]:
    return take_in_cases(conn, Lookup(conn), list(reports), actor=DESK, now=now)


def new_case(conn: Connection, ref: str = "R1", **changes: object) -> CaseView:
    (taken,) = take_in(conn, report(ref, **changes))
    return find_case(conn, taken.number)


def caller_of(conn: Connection, town: Town, login: str, role: GrantRole, unit: str | None) -> Caller:
    """An account of the town acting in one role on one subtree (None: everywhere)."""
    account_id = town.accounts[login]
    person_id = conn.scalar(select(account.c.person_id).where(account.c.id == account_id))
    unit_id = town.units[unit] if unit else None
    path = unit_id.hex if unit_id else None
    return Caller(account_id, login, person_id, (Grant(role, unit_id, path),))


def desk(conn: Connection, town: Town) -> Caller:
    return caller_of(conn, town, "desk", "desk", None)


def step(conn: Connection, caller: Caller, view: CaseView, kind: str, **fields: object) -> CaseView:
    """Take a step on the case as it is now."""
    seq = find_case(conn, view.number).seq
    request = StepRequest(kind, seq, **fields)  # type: ignore[arg-type]
    return take_step(conn, caller, view.number, request, now=NOW + timedelta(minutes=seq))


def bring_to(conn: Connection, town: Town, state: str, ref: str = "R1") -> CaseView:
    """A case in G1 brought to a state by those who may; handled by w1, who it is assigned to."""
    view = new_case(conn, ref)
    office, worker = desk(conn, town), caller_of(conn, town, "w1", "worker", "G1")
    if state == "rejected":
        return step(conn, office, view, "reject", note="no case")
    if state == "duplicate":
        return step(conn, office, view, "duplicate", duplicate_of=new_case(conn, ref + "-original").number)
    way = {"reported": 0, "accepted": 1, "assigned": 2, "handled": 3, "verified": 4, "closed": 5}[state]
    for kind, caller, fields in (
        ("accept", office, {}),
        ("assign", office, {"assignee": "w1"}),
        ("handle", worker, {}),
        ("verify", office, {}),
        ("close", office, {}),
    )[:way]:
        view = step(conn, caller, view, kind, **fields)
    return view
