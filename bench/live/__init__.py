"""The live wall under load: phones through the real door, viewers on the real stream, beside a plain fan-out."""

from bench.report import Report
from core.settings import Settings


def run(report: Report, settings: Settings) -> None:
    """See `bench.live.run`; the generators of this package are started without it."""
    from bench.live.run import run as run_trials

    run_trials(report, settings)
