"""`./wangge streets|water|sites import FILE`: what can be walked, and what has to be visited."""

import argparse
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from cli.frame import DONE, WITH_FINDINGS, open_engine, say
from core.clock import day_of, utc_now
from core.errors import Invalid
from core.settings import Settings

_SHOWN = 20
_HELP: Final = {
    "streets": ("streets to be walked", "Columns, as there are: code, name, kind. Lines."),
    "water": (
        "what bars the way: water, railways, closed compounds",
        "Columns, as there are: code, name, kind (water, railway or compound), width_m (of a line). Areas and lines.",
    ),
    "sites": (
        "places that have to be visited",
        (
            "Columns: code; as there are: name, kind, visits (in so many) days (7 when not said), minutes (the least a "
            "visit lasts), owner, contact. Points and areas, or a table with lon and lat."
        ),
    ),
}


def add_verbs(verbs: Any) -> None:
    for subject, (text, columns) in _HELP.items():
        actions = verbs.add_parser(subject, help=text).add_subparsers(dest="action", required=True)
        import_ = actions.add_parser(
            "import",
            help="take in a file; the same file again changes nothing",
            description=f"{columns} GeoJSON, GeoPackage, Shapefile, KML, FlatGeobuf, GeoParquet, GML, GPX, MapInfo, DXF, TopoJSON, OSM, CSV with WKT, "
            "also zipped. The file "
            "is all its source knows on its day: what it holds no more ends on that day.",
        )
        import_.add_argument("file", type=Path, metavar="FILE")
        import_.add_argument(
            "--map",
            action="extend",
            nargs="+",
            default=[],
            metavar="NAME=COLUMN",
            help="columns named otherwise",
        )
        import_.add_argument("--layer", help="of a file with several")
        import_.add_argument("--crs", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n; default: the file's")
        import_.add_argument("--source", help="where the file is from; default: its name")
        import_.add_argument("--kind", help="of every row where no column says it")
        import_.add_argument(
            "--as-of", type=date.fromisoformat, metavar="DATE", help="the day it describes; default: today"
        )
        import_.set_defaults(run=partial(run_import, subject))


def run_import(subject: str, arguments: argparse.Namespace, settings: Settings) -> int:
    from geo.walkable import SUBJECTS, SurveyFile, import_survey

    now = utc_now()
    file = SurveyFile(
        arguments.file,
        SUBJECTS[subject],
        arguments.as_of or day_of(now, settings.zone),
        dict(_pair(text) for text in arguments.map),
        arguments.crs,
        arguments.layer,
        arguments.source,
        arguments.kind,
    )
    with open_engine(settings) as engine, engine.begin() as conn:
        done = import_survey(conn, file, now=now)
    say(
        f"{done.new:,} new, {done.same:,} as before, {done.ended:,} no more there, {len(done.findings):,} not used"
    )
    for finding in done.findings[:_SHOWN]:
        say(f"  {finding}")
    if len(done.findings) > _SHOWN:
        say(f"  … and {len(done.findings) - _SHOWN:,} more")
    return WITH_FINDINGS if done.findings else DONE


def _pair(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise Invalid(f"--map {text}: write it as NAME=COLUMN, such as --map name=道路名称")
    return name, column
