"""`./wangge addresses import FILE`: address points with their households."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from cli.frame import DONE, WITH_FINDINGS, open_engine, say
from core.clock import day_of, utc_now
from core.errors import Invalid
from core.settings import Settings
from geo.addresses import FIELDS, AddressFile, import_addresses

_SHOWN = 20


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("addresses", help="address points with households")
    actions = parser.add_subparsers(dest="action", required=True)
    import_ = actions.add_parser(
        "import",
        help="take in the doors of a CSV (also .csv.gz), XLSX or GeoJSON file; the same file again changes nothing",
        description=f"Columns: {', '.join(FIELDS)} (residents may be absent). Rows that cannot be used are listed "
        "with row, column, value and reason; the others are in.",
    )
    import_.add_argument("file", type=Path, metavar="FILE")
    import_.add_argument(
        "--map", action="extend", nargs="+", default=[], metavar="NAME=COLUMN", help="columns named otherwise"
    )
    import_.add_argument(
        "--crs", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n; default: the file's, else wgs84"
    )
    import_.add_argument("--source", help="where the file is from; default: its name")
    import_.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="DATE",
        help="the day it describes; today when not said. What is known of a door at a later day stays",
    )
    import_.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    columns = dict(_pair(text) for text in arguments.map)
    as_of = arguments.as_of or day_of(utc_now(), settings.zone)
    if arguments.as_of is None:
        say(f"taken as the state of today, {as_of}; where the file describes another day, give --as-of DATE")
    which = AddressFile(as_of, columns, arguments.crs, arguments.source)
    with open_engine(settings) as engine, engine.begin() as conn:
        written = import_addresses(conn, arguments.file, which)
    say(
        f"{written.new:,} new, {written.changed:,} changed, {written.same:,} as before, {len(written.findings):,} not used"
    )
    for finding in written.findings[:_SHOWN]:
        say(f"  {finding}")
    if len(written.findings) > _SHOWN:
        say(f"  … and {len(written.findings) - _SHOWN:,} more")
    return WITH_FINDINGS if written.findings else DONE


def _pair(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise Invalid(f"--map {text}: write it as NAME=COLUMN, such as --map households=户数")
    return name, column
