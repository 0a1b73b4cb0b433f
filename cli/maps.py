"""`./wangge map grids|trails|hotspots|coverage`: one-file maps that open with the cable out."""

import argparse
import getpass
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from cli.frame import DONE, open_engine, say, whole_file
from core.clock import day_bounds, day_of, read_instant, utc_now
from core.errors import Invalid, NotFound
from core.settings import Settings
from geo.lookup import Lookup
from geo.units import UnitRead, get_unit, read_path

Draw = Callable[[Connection, Lookup, argparse.Namespace, Settings], str]


def add_verbs(verbs: Any) -> None:
    kinds = verbs.add_parser("map", help="one-file maps").add_subparsers(required=True, metavar="KIND")
    grids = kinds.add_parser("grids", help="the units of a network, level by level")
    grids.add_argument(
        "--on", type=_day, metavar="DATE", help="borders as of the end of this day; now when not said"
    )
    trails = kinds.add_parser(
        "trails", help="where people were on a day; recorded as a look at their movement"
    )
    trails.add_argument("--on", type=_day, metavar="DATE", help="the day; today when not said")
    _add_period(trails, "first day of several", "last day, included; the first one alone when not said")
    trails.add_argument("--person", metavar="CODE", help="one person; else all of --unit, or everybody")
    trails.add_argument("--why", default="map of trails", help="kept in the record of looks")
    hotspots = kinds.add_parser("hotspots", help="cells with significantly more cases than expected")
    _add_period(
        hotspots, "first day; 90 days before --to when not said", "last day, included; today when not said"
    )
    hotspots.add_argument(
        "--on", type=_day, metavar="DATE", help="this day alone, in place of --from and --to"
    )
    hotspots.add_argument("--category", help="cases of this category only")
    coverage = kinds.add_parser("coverage", help="units by the share of their ground that was visited")
    _add_period(
        coverage, "first day; a week up to --to when not said", "last day, included; yesterday when not said"
    )
    coverage.add_argument(
        "--on", type=_day, metavar="DATE", help="this day alone, in place of --from and --to"
    )
    coverage.add_argument(
        "--level", metavar="NAME", help="of the units drawn; those right below when not said"
    )
    kinds_drawn = ((grids, _grids), (trails, _trails), (hotspots, _hotspots), (coverage, _coverage))
    for kind, draw in kinds_drawn:
        kind.add_argument("--network", metavar="CODE", help="the first network when not said")
        kind.add_argument("--unit", metavar="CODE", help="only this unit and those below it")
        kind.add_argument(
            "--at",
            metavar="ISO",
            help="units and borders as of this instant; as the kind of map says when not said",
        )
        kind.add_argument("--out", required=True, type=Path, metavar="FILE.html")
        kind.set_defaults(run=_run, draw=draw)


def _add_period(parser: argparse.ArgumentParser, since: str, until: str) -> None:
    parser.add_argument("--from", dest="since", type=_day, metavar="DATE", help=since)
    parser.add_argument("--to", dest="until", type=_day, metavar="DATE", help=until)


def _refuse_both(arguments: argparse.Namespace) -> None:
    if arguments.on and (arguments.since or arguments.until):
        raise Invalid("--on is one day, --from and --to are a range: give one or the other")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is no day: write it as 2026-06-10") from error


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Draw in one transaction and write the file whole, or not at all; a look is on record before its file is there."""
    draw: Draw = arguments.draw
    with open_engine(settings) as engine:
        lookup = Lookup(engine)
        try:
            with whole_file(arguments.out) as part, engine.begin() as conn:
                part.write_text(draw(conn, lookup, arguments, settings), "utf-8")
        finally:
            lookup.close()
    say(
        f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB; it opens in any browser, without a network"
    )
    return DONE


def _network(lookup: Lookup, code: str | None) -> str:
    networks = lookup.networks
    if code is None and not networks:
        raise NotFound("there is no network yet; bring borders in with ./wangge boundaries import")
    return lookup.network(code).code if code is not None else next(iter(networks))


def _asked_at(arguments: argparse.Namespace, settings: Settings) -> datetime | None:
    """The instant whose borders are wanted; None when not said."""
    return None if arguments.at is None else read_instant(arguments.at, zone=settings.zone)


def _end_of(on: date | None, now: datetime, zone: ZoneInfo) -> datetime:
    return now if on is None else min(now, day_bounds(on, zone)[1] - timedelta(microseconds=1))


def _grids(conn: Connection, lookup: Lookup, arguments: argparse.Namespace, settings: Settings) -> str:
    from maps.snapshots.grids import draw_grids

    if arguments.on and arguments.at:
        raise Invalid("--on is the end of a day, --at an instant: give one or the other")
    at = _asked_at(arguments, settings) or _end_of(arguments.on, utc_now(), settings.zone)
    network = _network(lookup, arguments.network)
    return draw_grids(conn, lookup, network, at=at, zone=settings.zone, unit_code=arguments.unit)


def _trails(conn: Connection, lookup: Lookup, arguments: argparse.Namespace, settings: Settings) -> str:
    from maps.snapshots.trails import TrailQuestion, draw_trails
    from people.looks import Look, record_look
    from people.persons import find_person
    from tracking.trails import trail_rules_of

    now = utc_now()
    _refuse_both(arguments)
    on = arguments.on or arguments.since or arguments.until or day_of(now, settings.zone)
    until = arguments.until or on
    network = _network(lookup, arguments.network) if lookup.networks else None
    person = find_person(conn, arguments.person) if arguments.person else None
    at = _asked_at(arguments, settings)
    named_at = at or _end_of(until, now, settings.zone)
    unit = _unit(conn, network, arguments.unit, named_at) if arguments.unit else None
    question = TrailQuestion(
        on=on,
        until=until,
        whose=person.name if person else unit.name if unit else "全部人员",
        person_id=person.id if person else None,
        unit_path=read_path(conn, unit) if unit else None,
        network_code=network,
        at=at,
    )
    page = draw_trails(conn, lookup, question, zone=settings.zone, rules=trail_rules_of(settings), now=now)
    person_id, unit_id = person.id if person else None, unit.id if unit and not person else None
    record_look(
        conn, Look(now, getpass.getuser(), "map", arguments.why, person_id=person_id, unit_id=unit_id)
    )
    return page


def _unit(conn: Connection, network: str | None, code: str, at: datetime) -> UnitRead:
    if network is None:
        raise NotFound(f"there is no network yet, so no unit {code}")
    return get_unit(conn, code, network_code=network, at=at)


def _hotspots(conn: Connection, lookup: Lookup, arguments: argparse.Namespace, settings: Settings) -> str:
    from analysis.hotspots import Question
    from maps.snapshots.hotspots import draw_hotspots

    now = utc_now()
    _refuse_both(arguments)
    last = arguments.on or arguments.until or day_of(now, settings.zone)
    first = arguments.on or arguments.since or last - timedelta(days=89)
    question = Question(
        since=day_bounds(first, settings.zone)[0],
        until=day_bounds(last, settings.zone)[1],
        network_code=arguments.network,
        unit_code=arguments.unit,
        category=arguments.category,
        resolution=settings.h3_resolution,
        at=_asked_at(arguments, settings),
    )
    return draw_hotspots(conn, lookup, question, zone=settings.zone, now=now)


def _coverage(conn: Connection, lookup: Lookup, arguments: argparse.Namespace, settings: Settings) -> str:
    from analysis.coverage.kept.asked import CoverageAsked
    from maps.snapshots.coverage import draw_coverage

    now = utc_now()
    _refuse_both(arguments)
    last = arguments.on or arguments.until or day_of(now, settings.zone) - timedelta(days=1)
    first = arguments.on or arguments.since or last - timedelta(days=6)
    network = _network(lookup, arguments.network)
    at = _asked_at(arguments, settings)
    unit = _unit(conn, network, arguments.unit, at or now) if arguments.unit else None
    network_id, unit_id = lookup.network(network).id, unit.id if unit else None
    asked = CoverageAsked(network_id, unit_id, first, last, arguments.level, at)
    return draw_coverage(conn, asked, network=network, zone=settings.zone)
