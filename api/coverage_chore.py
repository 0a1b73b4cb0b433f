"""Coverage kept up to date by the service: yesterday once it is over, what late fixes changed, and the daily report."""

import logging
import threading
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from analysis.coverage.kept.compute import CoverageJob, compute_day, days_due
from analysis.coverage.rules import coverage_rules_of
from core.clock import day_of
from core.settings import Settings
from geo.lookup import Lookup
from reports.coverage import freeze_daily

log = logging.getLogger(__name__)

_COVERER = 0x636F7665  # any constant of our own: one process computes at a time


def keep_coverage(engine: Engine, settings: Settings, now: datetime, over: threading.Event) -> None:
    """Every network's days that are due, one a transaction; then yesterday's report, if nobody wrote it yet."""
    lookup = Lookup(engine)
    try:
        for code in lookup.networks:
            _keep_network(engine, lookup, settings, code, now, over)
    finally:
        lookup.close()


def _keep_network(
    engine: Engine, lookup: Lookup, settings: Settings, code: str, now: datetime, over: threading.Event
) -> None:
    job = CoverageJob(code, settings.zone, coverage_rules_of(settings), settings.fix_days)
    network_id = lookup.network(code).id
    with engine.begin() as conn:
        due = days_due(conn, network_id, zone=settings.zone, now=now)
    for on in due:
        with engine.begin() as conn:
            if over.is_set() or not conn.scalar(select(func.pg_try_advisory_xact_lock(_COVERER))):
                return
            done = compute_day(conn, lookup, job, on=on, now=now)
        log.info("coverage computed", extra={"network": code, "on": str(on), "fixes": done.fixes})
    yesterday = day_of(now, settings.zone) - timedelta(days=1)
    with engine.begin() as conn:
        freeze_daily(conn, settings.var_dir / "reports", code, yesterday, now=now, zone=settings.zone)
