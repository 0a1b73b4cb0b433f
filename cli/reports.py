"""`./wangge report coverage --on DATE --out FILE`: the report of a past day, as it was handed out then or made anew."""

import argparse
import getpass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cli.frame import DONE, WITH_FINDINGS, open_engine, say, whole_file
from core.clock import day_bounds, utc_now
from core.errors import Invalid, NotFound
from core.settings import Settings


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("report", help="what is handed out, of any past day")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    coverage = kinds.add_parser(
        "coverage",
        help="what of a day was visited",
        description="Where the daily report of the day was written, the very same file; else one from the figures that are kept, "
        "which are computed first where nobody did and the day's fixes stand. On record as an export.",
    )
    coverage.add_argument(
        "--on", required=True, type=date.fromisoformat, metavar="DATE", help="the day, which is over"
    )
    coverage.add_argument("--network", metavar="CODE", help="the first network when not said")
    coverage.add_argument("--unit", metavar="CODE", help="of this unit; the whole network when not said")
    coverage.add_argument(
        "--level", metavar="NAME", help="of the units told one by one; those right below when not said"
    )
    coverage.add_argument(
        "--lang", choices=("zh", "en"), help="of all words; the setting WANGGE_LANGUAGE otherwise"
    )
    coverage.add_argument(
        "--anew", action="store_true", help="from the figures as they are now, whatever was handed out then"
    )
    coverage.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="ends in .xlsx, .pdf, .csv or .geojson"
    )
    coverage.set_defaults(run=run_coverage)


def run_coverage(arguments: argparse.Namespace, settings: Settings) -> int:
    """One transaction: the file is there whole, with its record, or not at all."""
    from geo.lookup import Lookup
    from reports.coverage.kinds import KINDS

    kind = next((one for one in KINDS if arguments.out.suffix.lower() == f".{one}"), None)
    if kind is None:
        raise Invalid(f"{arguments.out}: name a file that ends in {', '.join(f'.{one}' for one in KINDS)}")
    with open_engine(settings) as engine:
        lookup = Lookup(engine)
        try:
            with whole_file(arguments.out) as part, engine.begin() as conn:
                found = _make(conn, lookup, arguments, settings, kind)
                part.write_bytes(found.content)
        finally:
            lookup.close()
    where = (
        "the report handed out then"
        if found.frozen
        else f"made anew, figures as of {_clock(found, settings)}"
    )
    say(f"{arguments.out}: {where}")
    if found.expired:
        say(
            f"the fixes of {arguments.on} have expired: the figures are those computed while they stood, and can be neither "
            "proven nor computed again"
        )
    return WITH_FINDINGS if found.expired else DONE


def _clock(found: Any, settings: Settings) -> str:
    return f"{found.as_of.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def _make(conn: Any, lookup: Any, arguments: argparse.Namespace, settings: Settings, kind: Any) -> Any:
    from analysis.coverage.kept.compute import CoverageJob
    from analysis.coverage.measures.duty_time import working_hours_of
    from analysis.coverage.rules import coverage_rules_of
    from geo.units import get_unit
    from reports.coverage import PastAsked, Reader, make_past_report

    if not lookup.networks:
        raise NotFound("there is no network yet; bring borders in with ./wangge boundaries import")
    on, network = arguments.on, lookup.network(arguments.network or next(iter(lookup.networks))).code
    at = day_bounds(on, settings.zone)[1] - timedelta(microseconds=1)
    unit = get_unit(conn, arguments.unit, network_code=network, at=at) if arguments.unit else None
    asked = PastAsked(
        on,
        kind,
        Reader(getpass.getuser(), arguments.lang or settings.language),
        unit.id if unit else None,
        arguments.level,
        None if arguments.anew else settings.var_dir / "reports",
    )
    job = CoverageJob(network, settings.zone, coverage_rules_of(settings), settings.fix_days)
    return make_past_report(conn, lookup, job, asked, now=utc_now(), hours=working_hours_of(settings))
