"""Coverage: a day of 3,390 people at ten seconds in the fictional city, beside vectorised geopandas; pages, growth, memory."""

from bench.report import Report
from core.settings import Settings


def run(report: Report, settings: Settings) -> None:
    """See `bench.coverage.run`."""
    from bench.coverage.run import run as run_day

    run_day(report, settings)
