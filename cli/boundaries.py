"""`./wangge boundaries import|check|publish|list|export`: borders from files to editions."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from cli.borders import print_findings, print_mended, print_rows, write_findings
from cli.frame import DONE, WITH_FINDINGS, open_engine, print_table, say
from core.clock import read_instant, utc_now
from core.errors import Conflict, Invalid
from core.settings import Settings
from geo.editions import Edition, FindingsRefused, Published, check_plan, list_editions, publish_plan
from geo.editions.takeback import take_back_edition
from geo.findings import Finding, errors_of
from geo.networks import get_network, list_networks
from geo.plans import find_draft, withdraw_draft
from geo.received import BoundaryFile, Imported, Received, import_received
from geo.received.folder import is_boundary_folder, read_boundary_folder

BY = "operator"


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("boundaries", help="borders: import, check, publish, list, export")
    actions = parser.add_subparsers(dest="action", required=True)
    _add_import(actions)
    _add_check(actions)
    publish = actions.add_parser("publish", help="make the draft of a network its newest edition")
    _add_network(publish)
    publish.add_argument("--effective", metavar="ISO", help="the instant from which it holds")
    publish.add_argument("--findings", type=Path, metavar="FILE.geojson", help="where findings are written")
    publish.set_defaults(run=run_publish)
    listing = actions.add_parser("list", help="networks, or the editions of one")
    _add_network(listing)
    listing.set_defaults(run=run_list)
    withdraw = actions.add_parser("withdraw", help="drop the draft of a network")
    _add_network(withdraw)
    withdraw.set_defaults(run=run_withdraw)
    back = actions.add_parser("take-back", help="take back the newest edition of a network before it begins")
    _add_network(back)
    back.add_argument("--reason", required=True, metavar="TEXT", help="why it does not come; it is kept")
    back.set_defaults(run=run_take_back)
    _add_export(actions)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="NETWORK")
    parser.add_argument("--network", metavar="CODE")


def _add_import(actions: Any) -> None:
    parser = actions.add_parser(
        "import",
        help="put the areas of a file, or of a folder with a boundary.toml, into a network's draft",
        description="Reads GeoJSON, GeoPackage, Shapefile, KML, FlatGeobuf, GeoParquet, GML, GPX, MapInfo, DXF, TopoJSON, OSM and CSV with WKT. Nothing is repaired "
        "without --clean. Findings are listed and written as GeoJSON.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    _add_reading(parser)
    parser.add_argument("--publish", action="store_true", help="publish the draft when it has no errors")
    parser.set_defaults(run=run_import)


def _add_check(actions: Any) -> None:
    parser = actions.add_parser(
        "check",
        help="judge a network's draft, or a file as if it were imported; nothing is changed",
        description="With FILE: the same options as import.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="NETWORK|FILE")
    _add_reading(parser)
    parser.set_defaults(run=run_check)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--network", metavar="CODE")
    add("--name", help="the network's name when it is new")
    add("--level", metavar="NAME", help="the level of all rows")
    add("--level-field", metavar="F", help="column with each row's level")
    add("--code-field", metavar="F")
    add("--name-field", metavar="F[,F]", help="the first of these columns that is not empty")
    add(
        "--parent-field",
        metavar="F",
        help="column with the parent's code; without it the parent is found by area",
    )
    add("--parent-level", metavar="NAME", help="the level of the parents, when it is not clear")
    add("--parent-name-field", metavar="F", help="names of parents that no file describes")
    add("--households-field", metavar="F")
    add("--kind", choices=("territorial", "dedicated"), default="territorial")
    add("--layer", metavar="L", help="layer of a GeoPackage or KML")
    add("--crs", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n; default: what the file says")
    add("--where", action="append", default=[], metavar="F=V[,V]", help="only rows with these values")
    add("--coverage", choices=("full", "partial"), help="partial for a new network when not said")
    add(
        "--clean",
        type=float,
        metavar="METRES",
        help="mend gaps, overlaps and unmatched edges up to this width",
    )
    add("--effective", metavar="ISO", help="the instant from which the edition holds")
    add("--findings", type=Path, metavar="FILE.geojson", help="where findings are written")


def _add_export(actions: Any) -> None:
    parser = actions.add_parser("export", help="write the units of a network to a file")
    _add_network(parser)
    parser.add_argument("--level", metavar="NAME", help="only this level")
    parser.add_argument("--at", metavar="ISO", help="as of an instant; default: now")
    parser.add_argument("--known-at", metavar="ISO", help="as was known at this instant; default: now")
    parser.add_argument("--crs", default="wgs84", help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.geojson|.gpkg|.fgb|.csv")
    parser.set_defaults(run=run_export)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    received = _received(arguments, settings)
    published: Published | None = None
    with open_engine(settings) as engine, engine.begin() as conn:
        imported = import_received(conn, received, author=BY)
        if arguments.publish:
            published = _publish_clean(conn, imported, received)
    _report_import(imported)
    refused = arguments.publish and published is None
    if refused:
        errors = len(errors_of(imported.findings))
        say(f"not published: network {received.network} is full and has {errors:,} errors; the draft waits")
    if published is not None:
        _say_published(received.network, published)
    _report_findings(received.network, imported.mended + imported.findings, arguments, settings)
    return WITH_FINDINGS if refused or imported.rows or imported.findings else DONE


def _publish_clean(conn: Connection, imported: Imported, received: Received) -> Published | None:
    """The edition; None where findings stand in the way (the import itself stays)."""
    if errors_of(imported.findings):
        return None
    try:
        with conn.begin_nested():
            now = utc_now()
            return publish_plan(
                conn, received.network, effective_from=received.effective_from, by=BY, now=now
            )
    except FindingsRefused as refused:
        imported.findings.extend(errors_of(refused.findings))
        return None


def _report_import(imported: Imported) -> None:
    crs = f", read as {', '.join(imported.crs)}" if imported.crs else ""
    say(f"{imported.units:,} units in the draft of network {imported.network.code}{crs}")
    print_rows(imported.rows)
    print_mended(imported.mended)


def _say_published(network: str, published: Published) -> None:
    since = (
        "since ever" if published.effective_from is None else f"from {published.effective_from.isoformat()}"
    )
    counts = ", ".join(f"{level} {count:,}" for level, count in published.counts.items() if count)
    changes = ", ".join(f"{count:,} {kind}" for kind, count in published.changes.items() if count)
    print(f"published: network {network}, edition {published.seq}, holds {since}")
    print(f"units: {counts} ({changes})")
    print(f"sha256: {published.sha256}")


def _report_findings(
    network: str, findings: Sequence[Finding], arguments: argparse.Namespace, settings: Settings
) -> None:
    print_findings([finding for finding in findings if not finding.rule.startswith("mended_")])
    path = arguments.findings or settings.var_dir / "findings" / f"{_file_name(network)}.geojson"
    write_findings(findings, path)


def _file_name(code: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in code)


def run_check(arguments: argparse.Namespace, settings: Settings) -> int:
    names = [str(file) for file in arguments.files]
    network = arguments.network or (names[0] if len(names) == 1 and not arguments.files[0].exists() else None)
    with open_engine(settings) as engine, engine.connect() as conn:
        if any(file.exists() for file in arguments.files):
            received = _received(arguments, settings)
            network, imported = received.network, import_received(conn, received)
            conn.rollback()
            _report_import(imported)
            findings, rows = imported.mended + imported.findings, imported.rows
        else:
            findings, rows = check_plan(conn, _required(network)).findings, []
    if not findings:
        print(f"network {network}: no findings")
    _report_findings(_required(network), findings, arguments, settings)
    return WITH_FINDINGS if findings or rows else DONE


def run_publish(arguments: argparse.Namespace, settings: Settings) -> int:
    network = _required(arguments.network or arguments.code)
    effective = _instant(arguments.effective, settings)
    try:
        with open_engine(settings) as engine, engine.begin() as conn:
            published = publish_plan(conn, network, effective_from=effective, by=BY, now=utc_now())
    except FindingsRefused as refused:
        say(str(refused))
        _report_findings(network, refused.findings, arguments, settings)
        return WITH_FINDINGS
    _say_published(network, published)
    _report_findings(network, published.findings, arguments, settings)
    return WITH_FINDINGS if published.findings else DONE


def run_withdraw(arguments: argparse.Namespace, settings: Settings) -> int:
    network = _required(arguments.network or arguments.code)
    with open_engine(settings) as engine, engine.begin() as conn:
        withdraw_draft(conn, network)
    say(f"the draft of network {network} is withdrawn; its editions stay")
    return DONE


def run_take_back(arguments: argparse.Namespace, settings: Settings) -> int:
    network = _required(arguments.network or arguments.code)
    with open_engine(settings) as engine, engine.begin() as conn:
        back = take_back_edition(conn, network, by=BY, now=utc_now(), reason=arguments.reason)
        draft = find_draft(conn, get_network(conn, network))
    say(f"edition {back.seq} of network {network} is taken back and will not hold")
    if draft is not None:
        say("what it was made from is a draft again: `boundaries publish` takes it for another instant")
    return DONE


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    network = arguments.network or arguments.code
    with open_engine(settings) as engine, engine.connect() as conn:
        if network is None:
            print_table(
                ("network", "name", "coverage", "levels", "editions", "units", "draft"), _network_rows(conn)
            )
        else:
            get_network(conn, network)
            print_table(
                ("edition", "holds from", "published", "by", "units", "sha256"), _edition_rows(conn, network)
            )
    return DONE


def _network_rows(conn: Connection) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for found in list_networks(conn):
        editions = [each for each in list_editions(conn, found.code) if each.taken_back_at is None]
        units = sum(editions[0].counts.values()) if editions else 0
        levels = " → ".join(level.code for level in found.levels)
        draft = "yes" if find_draft(conn, found) else ""
        rows.append((found.code, found.name, found.coverage, levels, len(editions), units, draft))
    return rows


def _edition_rows(conn: Connection, network: str) -> list[tuple[object, ...]]:
    return [
        (
            each.seq,
            _holds_from(each),
            each.published_at.isoformat(timespec="seconds"),
            each.published_by,
            ", ".join(f"{level} {count:,}" for level, count in each.counts.items() if count),
            each.sha256[:12],
        )
        for each in list_editions(conn, network)
    ]


def _holds_from(each: Edition) -> str:
    if each.effective_from is None:
        return "since ever"
    return each.effective_from.isoformat() if each.taken_back_at is None else "never: taken back"


def run_export(arguments: argparse.Namespace, settings: Settings) -> int:
    from geo.received.export import Export, export_units

    network = _required(arguments.network or arguments.code)
    at, known_at = _instant(arguments.at, settings), _instant(arguments.known_at, settings)
    wanted = Export(network, arguments.level, at or utc_now(), arguments.crs, known_at)
    with open_engine(settings) as engine, engine.connect() as conn:
        count = export_units(conn, wanted, arguments.out)
    say(f"{count:,} units written to {arguments.out}")
    return DONE


def _received(arguments: argparse.Namespace, settings: Settings) -> Received:
    """What the command line says; for a folder its boundary.toml with the options given on top."""
    effective = _instant(arguments.effective, settings)
    folders = [file for file in arguments.files if file.is_dir() and is_boundary_folder(file)]
    if folders and len(arguments.files) > 1:
        raise Conflict("import one folder with a boundary.toml at a time")
    if folders:
        received = read_boundary_folder(folders[0])
        if arguments.network not in (None, received.network):
            raise Conflict(f"{folders[0]} holds network {received.network}, not {arguments.network}")
        given = {"coverage": arguments.coverage, "clean_m": arguments.clean, "effective_from": effective}
        return replace(received, **{key: value for key, value in given.items() if value is not None})
    return Received(
        network=_required(arguments.network),
        files=[_file(arguments, path) for path in arguments.files],
        name=arguments.name,
        coverage=arguments.coverage,
        effective_from=effective,
        clean_m=arguments.clean,
    )


def _file(arguments: argparse.Namespace, path: Path) -> BoundaryFile:
    if not path.exists():
        raise Invalid(f"{path}: there is no such file")
    if path.is_dir():
        raise Invalid(f"{path}: a folder is imported by its boundary.toml, and it has none")
    if arguments.code_field is None or (arguments.level is None) == (arguments.level_field is None):
        raise Invalid(f"{path}: give --code-field, and either --level or --level-field")
    same = ("level", "level_field", "parent_field", "parent_level", "parent_name_field", "households_field")
    return BoundaryFile(
        path=path,
        code_field=arguments.code_field,
        name_field=tuple((arguments.name_field or "").split(",")) if arguments.name_field else (),
        kind=arguments.kind,
        layer=arguments.layer,
        crs=arguments.crs,
        where=dict(_condition(text) for text in arguments.where),
        **{name: getattr(arguments, name) for name in same},
    )


def _condition(text: str) -> tuple[str, list[str]]:
    column, equals, values = text.partition("=")
    if not (column and equals):
        raise Invalid(f"--where {text}: write it as COLUMN=VALUE, such as --where status=1")
    return column, values.split(",")


def _required(network: str | None) -> str:
    if not network:
        raise Invalid("which network? give --network CODE")
    return network


def _instant(text: str | None, settings: Settings) -> datetime | None:
    return None if text is None else read_instant(text, zone=settings.zone)
