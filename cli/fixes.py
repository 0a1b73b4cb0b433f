"""`./wangge fixes import|purge`: recorded tracks in, expired ones out."""

import argparse
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analysis.expiry import drop_expired
from cli.frame import DONE, WITH_FINDINGS, Progress, open_engine, say
from core.clock import utc_now
from core.errors import Invalid, Unavailable
from core.settings import Settings
from geo.lookup import Lookup
from tracking.checks import rules_of
from tracking.files import FILES, FixTable
from tracking.imports import Imported, ImportOrder, import_fixes

_SHOWN = 200


def add_verbs(verbs: Any) -> None:
    actions = verbs.add_parser("fixes", help="import tracks, purge what has expired").add_subparsers(
        required=True
    )
    one = actions.add_parser(
        "import", help="store recorded tracks of a person; recorded as a look at their movement"
    )
    one.add_argument("files", nargs="+", type=Path, metavar="FILE")
    one.add_argument("--format", required=True, choices=sorted(FILES))
    one.add_argument(
        "--person", required=True, metavar="CODE", help="whose movement it is; made when not known"
    )
    one.add_argument(
        "--crs", default="wgs84", help="of the coordinates: wgs84, gcj02, bd09, cgcs2000 or EPSG:n"
    )
    one.add_argument("--zone", help="of CSV times without an offset; the setting WANGGE_TIME_ZONE otherwise")
    one.add_argument("--why", default="import of recorded tracks", help="kept in the record of looks")
    one.set_defaults(run=run_import)
    purge = actions.add_parser("purge", help="drop fixes and payloads whose time to be kept is over")
    purge.set_defaults(run=run_purge)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """All files are read before anything is written, and written in one transaction."""
    read = FILES[arguments.format]
    zone = _zone(arguments.zone, settings)
    tables = _read_all(arguments.files, lambda path: read(path, zone))
    order = ImportOrder(arguments.person, arguments.crs, getpass.getuser(), arguments.why)
    with open_engine(settings) as engine:
        lookup = Lookup(engine)
        try:
            with engine.begin() as conn:
                done = import_fixes(conn, lookup, tables, order, now=utc_now(), rules=rules_of(settings))
        finally:
            lookup.close()
    return _report(done, len(tables), arguments.person)


def _zone(name: str | None, settings: Settings) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else settings.zone
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            f"--zone: there is no time zone “{name}”; they are named as Asia/Shanghai is"
        ) from error


def _read_all(files: list[Path], read: Callable[[Path], FixTable]) -> list[FixTable]:
    progress = Progress("files read", len(files))
    tables = []
    for path in files:
        tables.append(read(path))
        progress.step()
    progress.end()
    return tables


def _report(done: Imported, files: int, person: str) -> int:
    for finding in done.findings[:_SHOWN]:
        say(str(finding))
    if len(done.findings) > _SHOWN:
        say(f"… and {len(done.findings) - _SHOWN:,} more rows like these")
    known = done.rows - done.new
    print(
        f"{person}: {done.rows:,} fixes in {files:,} files; {done.new:,} new ({done.flagged:,} of them kept off the map), "
        f"{known:,} known before; {len(done.findings):,} findings"
    )
    return WITH_FINDINGS if done.findings else DONE


def run_purge(_arguments: argparse.Namespace, settings: Settings) -> int:
    with open_engine(settings) as engine:
        done, days = drop_expired(engine.begin, utc_now(), settings)
    if done is None:
        raise Unavailable("another purge is at work")
    print(
        f"{done.fixes:,} fixes and {done.raw_reports:,} payloads dropped, {done.partitions:,} whole days; "
        f"{done.last_fixes:,} last positions, {done.sos_places:,} places of calls for help; "
        f"{done.put_off:,} days in use put off; {days:,} exported days"
    )
    return DONE
