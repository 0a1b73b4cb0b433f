"""Coverage kept up to date by the service: past days once they are over, what late fixes changed, and the daily reports."""

import logging
import threading
from datetime import date, datetime

from sqlalchemy import Connection, Engine, func, select

from analysis.coverage.kept.compute import CoverageJob, check_sampling
from analysis.coverage.kept.due import days_due, days_standing
from analysis.coverage.kept.late import refresh_day
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.measures.duty_time import working_hours_of
from analysis.coverage.rules import coverage_rules_of
from core.errors import Invalid
from core.settings import Settings
from geo.lookup import Lookup
from reports.coverage import freeze_daily

log = logging.getLogger(__name__)

_COVERER = 0x636F7665  # any constant of our own: one process computes at a time
_refused: set[str] = set()


def keep_coverage(engine: Engine, settings: Settings, now: datetime, over: threading.Event) -> None:
    """Every network's days that are due, one a transaction; then the reports that nobody wrote yet, oldest first. Nothing
    where the phones do not support the cells; that is logged once.
    """
    with engine.begin() as conn:
        refused = tell_refusal(conn, settings)
    if refused:
        if refused not in _refused:
            log.warning("coverage is not computed", extra={"why": refused})
            _refused.add(refused)
        return
    _refused.clear()
    lookup = Lookup(engine)
    try:
        for code in lookup.networks:
            _keep_network(engine, lookup, settings, code, now, over)
    finally:
        lookup.close()


def tell_refusal(conn: Connection, settings: Settings) -> str | None:
    """Why coverage is not computed by these settings, None where it is."""
    try:
        check_sampling(conn, coverage_rules_of(settings))
    except Invalid as error:
        return str(error)
    return None


def _keep_network(
    engine: Engine, lookup: Lookup, settings: Settings, code: str, now: datetime, over: threading.Event
) -> None:
    job = CoverageJob(code, settings.zone, coverage_rules_of(settings), settings.fix_days)
    network_id = lookup.network(code).id
    with engine.begin() as conn:
        due = days_due(conn, network_id, zone=settings.zone, now=now, kept_days=settings.fix_days)
    for on in due:
        with engine.begin() as conn:
            if over.is_set() or not conn.scalar(select(func.pg_try_advisory_xact_lock(_COVERER))):
                return
            found = refresh_day(conn, lookup, job, on=on, now=now)
        told = {
            "network": code,
            "on": str(on),
            "fixes": found.done.fixes,
            "late": found.people,
            "units": found.units,
        }
        log.info("coverage computed", extra=told)
    for on in _days_computed(engine, network_id, settings, now):
        if over.is_set():
            return
        with engine.begin() as conn:
            hours = working_hours_of(settings)
            freeze_daily(conn, settings.var_dir / "reports", code, on, now=now, hours=hours)


def _days_computed(engine: Engine, network_id: int, settings: Settings, now: datetime) -> list[date]:
    """The past days whose reports may have to be written."""
    past = days_standing(zone=settings.zone, now=now, kept_days=settings.fix_days)
    query = (
        select(coverage_day.c.on)
        .where(coverage_day.c.network_id == network_id, coverage_day.c.on.in_(past))
        .order_by(coverage_day.c.on)
    )
    with engine.begin() as conn:
        return list(conn.scalars(query))
