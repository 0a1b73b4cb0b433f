"""Fixes of phones under load: one a request beside the usual route, and batches beside a bare COPY."""

from bench.report import Report
from core.settings import Settings


def run(report: Report, settings: Settings) -> None:
    """See `bench.ingest.run`; the generators of this package are started without it."""
    from bench.ingest.run import run as run_trials

    run_trials(report, settings)
