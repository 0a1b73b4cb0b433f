"""`./wangge cases import FILE.csv --map NAME=COLUMN …`."""

import argparse
import getpass
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cli.frame import DONE, WITH_FINDINGS, open_engine, say
from core.clock import utc_now
from core.errors import Invalid
from core.settings import Settings

LISTED = 50


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser(
        "cases", help="import cases", description="Cases of other systems, past or open."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    import_ = actions.add_parser(
        "import",
        help="take in the cases of a CSV or XLSX file; the same file again changes nothing",
        description="Rows that cannot be used are listed with row, column, value and reason; the others are in.",
    )
    import_.add_argument("file", type=Path)
    import_.add_argument(
        "--map",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME=COLUMN",
        help="external_ref and category, and as there are: channel level description lon lat accuracy_m occurred_at "
        "reported_at ended_at state",
    )
    import_.add_argument("--channel", default="import", help="channel of every row where no column gives it")
    import_.add_argument("--crs", default="wgs84", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n")
    import_.add_argument("--zone", help="time zone of times without an offset, such as America/Los_Angeles")
    import_.add_argument("--time-format", help="how times are written, such as %%d/%%m/%%Y %%H:%%M")
    import_.add_argument(
        "--state",
        action="extend",
        nargs="+",
        default=[],
        metavar="WORD=STATE",
        help="what the file calls a state, such as “Referred Out=closed”",
    )
    import_.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    from cases.events import Actor
    from cases.imports import ImportPlan, import_cases
    from geo.lookup import Lookup

    plan = ImportPlan(
        columns=_pairs(arguments.map, "--map NAME=COLUMN"),
        zone=_zone(arguments.zone, settings),
        channel=arguments.channel,
        crs=arguments.crs,
        time_format=_time_format(arguments.time_format),
        states={word.lower(): state for word, state in _pairs(arguments.state, "--state WORD=STATE").items()},
    )
    actor = Actor(f"operator {getpass.getuser()}", "operator")
    with open_engine(settings) as engine, engine.begin() as conn:
        result = import_cases(conn, Lookup(conn), arguments.file, plan, actor=actor, now=utc_now())
    _list("taken in, but", result.warnings)
    _list("left out:", result.findings)
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(result.states.items()))
    print(f"{result.rows:,} rows: {result.new:,} new cases" + (f" ({states})" if states else ""))
    print(f"{result.repeated:,} known already, unchanged")
    print(f"{result.without_point:,} of the new ones have no coordinates and are on no map")
    print(f"{len(result.findings):,} rows left out, {len(result.warnings):,} taken in with a value set aside")
    return WITH_FINDINGS if result.findings or result.warnings else DONE


def _list(what: str, findings: Sequence[object]) -> None:
    for finding in findings[:LISTED]:
        say(f"{what} {finding}")
    if len(findings) > LISTED:
        say(f"{what} … and {len(findings) - LISTED:,} more")


def _pairs(given: Sequence[str], form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise Invalid(f"“{one}” is not of the form {form}")
        if name.strip() in pairs:
            raise Invalid(f"{name.strip()} is given twice in {form}")
        pairs[name.strip()] = value.strip()
    return pairs


def _zone(name: str | None, settings: Settings) -> ZoneInfo:
    if name is None:
        return settings.zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"there is no time zone {name}; write it as Asia/Shanghai") from error


def _time_format(text: str | None) -> str | None:
    """As given; Invalid for one that could read no time at all."""
    try:
        time.strptime("", text or "")
    except re.error as error:
        raise Invalid(f"--time-format {text[:60]}: names the same part twice") from error  # type: ignore[index]
    except ValueError:
        pass
    return text
