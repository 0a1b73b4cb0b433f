"""`./wangge place FILE`: which unit of every network holds each row of a file."""

import argparse
import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.frame import DONE, WITH_FINDINGS, open_engine, say, whole_file
from core.clock import read_instant, utc_now
from core.errors import NotFound
from core.settings import Settings
from geo.lookup import Lookup
from geo.lookup.columns import PlacedRows, place_rows
from geo.lookup.rows import PointColumns, PointRows, read_points

_SHOWN = 20


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("place", help="which unit of every network holds each row of a file")
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV, XLSX or GeoJSON with points")
    parser.add_argument("--lon", metavar="COL", help="column of longitudes (x); GeoJSON has its own")
    parser.add_argument("--lat", metavar="COL", help="column of latitudes (y)")
    parser.add_argument(
        "--time", metavar="COL", help="place each row as of its own instant, ISO 8601; without: now"
    )
    parser.add_argument(
        "--known-at",
        metavar="ISO",
        help="by the borders as they were known at this instant, before later editions told otherwise; without: now",
    )
    parser.add_argument("--accuracy", metavar="COL", help="metres; nearer to a border than this is ambiguous")
    parser.add_argument(
        "--crs", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n; default: the file's, else wgs84"
    )
    parser.add_argument("--network", action="append", metavar="CODE", help="only this one; may be repeated")
    parser.add_argument("--border", action="store_true", help="add the metres to the nearest border")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    parser.set_defaults(run=run_place)


def run_place(arguments: argparse.Namespace, settings: Settings) -> int:
    which = PointColumns(
        arguments.lon, arguments.lat, arguments.time, arguments.accuracy, arguments.crs, settings.zone
    )
    rows = read_points(arguments.file, which)
    with open_engine(settings) as engine:
        lookup = Lookup(engine, known_at=_known_at(arguments, settings))
        networks = arguments.network or [code for code, each in lookup.networks.items() if each.editions]
        if not networks:
            raise NotFound("no network is published yet: ./wangge boundaries import … --publish")
        placed = place_rows(lookup, rows, networks=networks, now=utc_now(), border=arguments.border)
        lookup.close()
    write_rows(arguments.out, rows, placed)
    for network, statuses in placed.statuses.items():
        say(f"{network}: " + ", ".join(f"{count:,} {status}" for status, count in statuses.items()))
    say(f"wrote {len(rows.cells):,} rows to {arguments.out}")
    return tell_findings(rows)


def _known_at(arguments: argparse.Namespace, settings: Settings) -> datetime | None:
    return None if arguments.known_at is None else read_instant(arguments.known_at, zone=settings.zone)


def write_rows(out: Path, rows: PointRows, placed: PlacedRows) -> None:
    """The rows as read with the new columns, all or nothing."""
    with whole_file(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*rows.columns, *placed.columns])
        writer.writerows(_wide(rows, placed))


def _wide(rows: PointRows, placed: PlacedRows) -> Iterator[tuple[str, ...]]:
    for cells, *added in zip(rows.cells, *placed.columns.values(), strict=True):
        yield (*cells, *added)


def tell_findings(rows: PointRows) -> int:
    for finding in rows.findings[:_SHOWN]:
        say(f"  {finding}")
    if len(rows.findings) > _SHOWN:
        say(f"  … and {len(rows.findings) - _SHOWN:,} more")
    return WITH_FINDINGS if rows.findings else DONE
