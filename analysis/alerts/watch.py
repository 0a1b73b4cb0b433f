"""The watch: what deserves somebody's attention now, found set by set, raised once, and cleared when it is over.

- urgent_case: a new case of a high level that nobody has taken up; over when its state is another one.
- unit_empty: people serve in a unit, its network is at work, and nobody of the unit or below is on shift for a quarter of
  an hour; over when somebody is.
- silent: on shift and unheard. The worker is asked; only a question that stays unanswered is raised. Over when the
  phone is heard, or the shift ends. Standing still is never a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from analysis.alerts.tables import alert
from analysis.alerts.working_time import is_at_work
from cases.tables import case
from core.db import ring, sql_file
from core.settings import Settings
from geo.tables import network
from tracking.ingest import BELL
from tracking.live import reason_of

NEW_CASE: Final = timedelta(hours=24)
"""A case reported longer ago is not new: a file of past cases alerts nobody."""
EMPTY_FOR: Final = timedelta(minutes=15)
ANSWER_HOLDS: Final = timedelta(hours=1)
"""A worker who answered and stays unheard is asked again after so long."""
_LOCK = 0x616C7274  # any constant of our own: one watch at a time


@dataclass(frozen=True)
class WatchRules:
    """When something is worth telling; `zone` is the city's."""

    silent: timedelta
    ask_first: timedelta
    urgent_level: int
    zone: ZoneInfo


def watch_rules_of(settings: Settings) -> WatchRules:
    return WatchRules(
        timedelta(seconds=settings.silent_s),
        timedelta(seconds=settings.ask_first_s),
        settings.urgent_level,
        settings.zone,
    )


Found = Mapping[Any, dict[str, Any]]
"""By subject (the id of a case, unit or person), the columns of the alert that is to stand."""


def watch(conn: Connection, now: datetime, rules: WatchRules) -> bool | None:
    """Raise and clear what the hour asks for; True when something changed, and the bell rings then. None, and nothing
    done, while another watch is at work.
    """
    if not conn.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one():
        return None
    changed = _forget_old_answers(conn, now)
    for kind, subject, find in (
        ("urgent_case", "case_id", _find_urgent_cases),
        ("unit_empty", "unit_id", _find_empty_units),
        ("silent", "person_id", _find_silent_people),
    ):
        changed += _settle(conn, kind, subject, find(conn, now, rules), now)
    changed += _raise_due(conn, now, rules)
    if changed:
        ring(conn, BELL)
    return changed > 0


def _find_urgent_cases(conn: Connection, now: datetime, rules: WatchRules) -> Found:
    """New ones, and those that stand already as long as they wait."""
    new = and_(case.c.level >= rules.urgent_level, case.c.reported_at > now - NEW_CASE)
    standing = case.c.id.in_(select(alert.c.case_id).where(alert.c.cleared_at.is_(None)))
    rows = conn.execute(
        select(case.c.id, case.c.received_at).where(case.c.state == "reported", or_(new, standing))
    )
    return {row.id: {"noticed_at": now, "raised_at": min(row.received_at, now)} for row in rows}


def _find_empty_units(conn: Connection, now: datetime, rules: WatchRules) -> Found:
    networks = conn.execute(select(network.c.id, network.c.rules))
    working = [row.id for row in networks if is_at_work(row.rules, now, rules.zone)]
    if not working:
        return {}
    rows = conn.execute(sql_file("analysis", "empty_units"), {"networks": working, "now": now})
    return {row.unit_id: {"noticed_at": now} for row in rows}


def _find_silent_people(conn: Connection, now: datetime, rules: WatchRules) -> Found:
    asked = {"now": now, "silent_s": rules.silent.total_seconds()}
    return {
        row.person_id: {
            "noticed_at": now,
            "asked_at": now,
            "reason": _likely_reason(row.battery_pct, row.charging, row.status),
        }
        for row in conn.execute(sql_file("analysis", "silent"), asked)
    }


def _likely_reason(battery_pct: float | None, charging: bool | None, status: dict[str, object] | None) -> str:
    """A guess, and shown as one: a phone that told it was in order and is not heard has no network."""
    return reason_of(status, battery_pct, charging=charging) or ("network" if status else "unknown")


def _settle(conn: Connection, kind: str, subject: str, found: Found, now: datetime) -> int:
    """What stands and was not found again is over; what was found and does not stand yet does so from now on."""
    column = alert.c[subject]
    rows = conn.execute(select(column, alert.c.id).where(alert.c.kind == kind, alert.c.cleared_at.is_(None)))
    standing = {row[0]: row[1] for row in rows}
    over = [standing[key] for key in standing.keys() - found.keys()]
    if over:
        conn.execute(update(alert).where(alert.c.id.in_(over)).values(cleared_at=now))
    fresh = [{"kind": kind, subject: key, **found[key]} for key in found.keys() - standing.keys()]
    if fresh:
        conn.execute(insert(alert).on_conflict_do_nothing(), fresh)
    return len(over) + len(fresh)


def _raise_due(conn: Connection, now: datetime, rules: WatchRules) -> int:
    """Questions that stayed unanswered, and units that stayed empty."""
    unanswered = and_(
        alert.c.kind == "silent", alert.c.asked_at <= now - rules.ask_first, alert.c.answered_at.is_(None)
    )
    empty = and_(alert.c.kind == "unit_empty", alert.c.noticed_at <= now - EMPTY_FOR)
    return _count(
        conn,
        update(alert).where(_waiting(), or_(unanswered, empty)).values(raised_at=now),
    )


def _waiting() -> ColumnElement[bool]:
    return and_(alert.c.cleared_at.is_(None), alert.c.raised_at.is_(None))


def _forget_old_answers(conn: Connection, now: datetime) -> int:
    """An answer holds for its time; whoever is still unheard then is asked anew."""
    old = and_(alert.c.cleared_at.is_(None), alert.c.answered_at <= now - ANSWER_HOLDS)
    return _count(conn, update(alert).where(old).values(cleared_at=now))


def _count(conn: Connection, change: Any) -> int:
    return int(conn.execute(change).rowcount)


def forget_alerts(conn: Connection, before: datetime) -> int:
    """Drop what was over before the instant; returns how many."""
    return _count(conn, delete(alert).where(alert.c.cleared_at < before))
