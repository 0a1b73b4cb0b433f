"""A report as an account makes it: in which role, for which unit, and what a report that is known already tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, exists, or_, select

from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from cases.tables import case, case_event
from cases.views import CaseView, find_case, visible
from core.errors import Conflict, told
from geo.lookup import Lookup
from people.access import MAY_REPORT_CASES, Caller


@dataclass(frozen=True)
class Reported:
    """What became of a report: a new case, or one known before that the caller may see."""

    view: CaseView
    outcome: Literal["new", "repeat"]


def report_case(
    conn: Connection, lookup: Lookup, report: CaseReport, caller: Caller, *, now: datetime
) -> Reported:
    """Take one report in for an account. A known one is told of only to those who may see its case and to the account
    that reported it first; to anybody else it is a Conflict that says nothing of the case, not even whether the contents
    agree. A Conflict also for other contents under a known reference; nothing is changed then.
    """
    role = next(grant.role for grant in caller.grants if grant.role in MAY_REPORT_CASES)
    actor = Actor(caller.login, role, caller.account_id, caller.person_id)
    (taken,) = take_in_cases(conn, lookup, [report], actor=actor, now=now, default_owner=own_unit(caller))
    if taken.outcome == "new":
        return Reported(find_case(conn, taken.number), "new")
    if not _may_know(conn, caller, taken.case_id):
        raise Conflict(
            told(
                "the reference {reference} of {channel} is taken by a case elsewhere; nothing was changed",
                reference=report.external_ref,
                channel=report.channel,
            )
        )
    if taken.outcome == "different":
        raise Conflict(
            told(
                "{channel} {reference} is known as case {number} with other contents; nothing was changed",
                channel=report.channel,
                reference=report.external_ref,
                number=taken.number,
            )
        )
    return Reported(find_case(conn, taken.number), "repeat")


def own_unit(caller: Caller) -> UUID | None:
    """The unit that holds what lies in no unit: the caller's own; None for one whose grants hold everywhere."""
    units = [
        grant.unit_id for grant in caller.grants if grant.role in MAY_REPORT_CASES and grant.path is not None
    ]
    return next(iter(units), None)


def _may_know(conn: Connection, caller: Caller, case_id: int) -> bool:
    """Whether the caller may see the case, or is the account that reported it. An operator at the machine, who may have
    the name of a login, reports in no such role.
    """
    theirs = exists().where(
        case_event.c.case_id == case.c.id,
        case_event.c.seq == 1,
        case_event.c.actor == caller.login,
        case_event.c.actor_role.in_(MAY_REPORT_CASES),
    )
    known = select(case.c.id).where(case.c.id == case_id, or_(visible(conn, caller), theirs))
    return conn.scalar(known) is not None
