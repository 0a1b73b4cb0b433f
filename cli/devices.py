"""`./wangge devices add|list|set|give|renew|revoke|check`: the phones that send, and whose hands they are in."""

import argparse
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from cli.frame import DONE, WITH_FINDINGS, open_engine, print_table, say
from core.clock import utc_now
from core.errors import Invalid
from core.settings import Settings
from tracking.devices import (
    CRS_NAMES,
    FORMAT_NAMES,
    SPEED_UNITS,
    DeviceRow,
    Verdict,
    add_device,
    add_device_behind,
    add_gateway,
    change_device,
    check_speed_units,
    hand_over,
    list_devices,
    renew_token,
    revoke_device,
)
from tracking.devices import Settings as DeviceSettings
from tracking.formats import Profile

Act = Callable[[Connection, argparse.Namespace], int | None]
"""What a verb does; its exit code, None for done."""


def add_verbs(verbs: Any) -> None:
    actions = verbs.add_parser(
        "devices", help="phones: add, list, set, give, renew, revoke, check"
    ).add_subparsers(required=True)
    one = _action(actions, "add", add, "register a phone; prints its token, once")
    one.add_argument("--person", metavar="CODE", help="whose hands it is in from now on")
    one.add_argument(
        "--gateway",
        action="store_true",
        help="a server that speaks for devices registered behind it; nobody's",
    )
    one.add_argument("--behind", metavar="GATEWAY", help="no token of its own: this gateway speaks for it")
    one.add_argument(
        "--unique-id", metavar="ID", help="the name the gateway gives it, such as Traccar's uniqueId"
    )
    one.add_argument(
        "--server",
        metavar="URL",
        help="this service as phones reach it: also tells whole addresses, to copy or scan",
    )
    _profile_options(one, new=True)
    _action(actions, "list", show, "every phone, its holder and its gateway", code=False)
    _profile_options(_action(actions, "set", change, "change what is known of a phone"), new=False)
    one = _action(actions, "give", give, "hand a phone over; its history stays with whom it was")
    one.add_argument("--person", metavar="CODE", help="left out: to nobody")
    _action(actions, "renew", renew, "a new token in place of the old one; prints it, once")
    _action(actions, "revoke", revoke, "refuse the phone's token from now on")
    one = _action(actions, "check", check, "hold speeds as told against the way that was gone", code=False)
    one.add_argument("codes", nargs="*", metavar="CODE", help="of the phones; all when not said")


def _action(actions: Any, name: str, act: Act, text: str, *, code: bool = True) -> argparse.ArgumentParser:
    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        with open_engine(settings) as engine, engine.begin() as conn:
            return act(conn, arguments) or DONE

    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    if code:
        parser.add_argument("code", metavar="CODE", help="of the phone")
    parser.set_defaults(run=run)
    return parser


def _profile_options(parser: argparse.ArgumentParser, *, new: bool) -> None:
    """A new phone has the usual values; of a known one what is left out stays as it is."""
    usual = Profile()
    parser.add_argument(
        "--format",
        default=usual.format if new else None,
        metavar="CLIENT",
        help=f"client, where the body does not tell: {', '.join(FORMAT_NAMES)}",
    )
    parser.add_argument("--speed-unit", choices=SPEED_UNITS, default=usual.speed_unit if new else None)
    parser.add_argument("--crs", choices=CRS_NAMES, default=usual.crs if new else None)
    parser.add_argument(
        "--interval", type=int, default=10 if new else None, help="seconds between fixes on the move"
    )
    parser.add_argument("--heartbeat", type=int, help="seconds between signs of life while still")
    parser.add_argument("--key", help="OwnTracks passphrase, when its payloads are encrypted")


def add(conn: Connection, arguments: argparse.Namespace) -> None:
    if arguments.gateway:
        if arguments.person or arguments.behind or arguments.unique_id:
            raise Invalid(
                "a gateway is in nobody's hands: --gateway goes without --person, --behind and --unique-id"
            )
        _tell_gateway(arguments.code, add_gateway(conn, arguments.code))
        return
    if arguments.person is None:
        raise Invalid(
            "whose hands is it in? give --person CODE, or --gateway for a server that speaks for others"
        )
    if (arguments.behind is None) != (arguments.unique_id is None):
        raise Invalid("--behind GATEWAY and --unique-id ID go together")
    profile = Profile(arguments.format, arguments.speed_unit, arguments.crs, arguments.key)
    told = DeviceSettings(profile, arguments.interval, arguments.heartbeat)
    if arguments.behind is not None:
        behind = (arguments.behind, arguments.unique_id)
        add_device_behind(conn, arguments.code, arguments.person, told, behind=behind, now=utc_now())
        say(
            f"{arguments.code} has no token of its own: what {arguments.behind} says of {arguments.unique_id} is its"
        )
        return
    token = add_device(
        conn,
        arguments.code,
        arguments.person,
        now=utc_now(),
        profile=profile,
        interval_s=told.interval_s,
        heartbeat_s=told.heartbeat_s,
    )
    _tell(arguments.code, token)
    if arguments.server is not None:
        _tell_addresses(arguments.server.rstrip("/"), token, told)


def show(conn: Connection, _arguments: argparse.Namespace) -> None:
    rows = [
        (row.code, row.person_code, row.format, row.interval_s, _notes(row))
        for row in list_devices(conn, now=utc_now())
    ]
    print_table(("code", "person", "format", "interval_s", ""), rows)


def _notes(row: DeviceRow) -> str:
    told = (
        "gateway" if row.is_gateway else "",
        f"behind {row.behind} as {row.unique_id}" if row.behind else "",
        "revoked" if row.revoked_at else "",
    )
    return ", ".join(note for note in told if note)


def change(conn: Connection, arguments: argparse.Namespace) -> None:
    told = {
        "format": arguments.format,
        "speed_unit": arguments.speed_unit,
        "crs": arguments.crs,
        "encryption_key": arguments.key,
        "interval_s": arguments.interval,
        "heartbeat_s": arguments.heartbeat,
    }
    values = {name: value for name, value in told.items() if value is not None}
    change_device(conn, arguments.code, values, now=utc_now())


def give(conn: Connection, arguments: argparse.Namespace) -> None:
    hand_over(conn, arguments.code, arguments.person, now=utc_now())


def renew(conn: Connection, arguments: argparse.Namespace) -> None:
    _tell(arguments.code, renew_token(conn, arguments.code))


def revoke(conn: Connection, arguments: argparse.Namespace) -> None:
    revoke_device(conn, arguments.code, now=utc_now())


def _tell_addresses(server: str, token: str, told: DeviceSettings) -> None:
    """With the token in them: for a scan from the screen, not for a message that stays somewhere."""
    address = f"{server}/v1/ingest/{token}"
    wanted = {
        "accuracy": "highest",
        "distance": 0,
        "interval": told.interval_s,
        "fastest_interval": told.interval_s,
    }
    wanted |= {
        "heartbeat": told.heartbeat_s or 0,
        "stop_detection": str(told.heartbeat_s is not None).lower(),
    }
    say(f"any client      {address}")
    say(
        f"Traccar Client  {address}?{urlencode({**wanted, 'buffer': 'true'})}  (as a QR code: sets all its fields)"
    )
    say(f"Overland        overland://setup?{urlencode({'url': f'{server}/v1/ingest', 'token': token})}")


def check(conn: Connection, arguments: argparse.Namespace) -> int:
    """Findings are units that the way contradicts, those mended here among them."""
    codes = arguments.codes or [row.code for row in list_devices(conn, now=utc_now()) if not row.revoked_at]
    verdicts = check_speed_units(conn, utc_now(), codes=codes)
    head = ("code", "client", "read as", "its way says", "told/gone", "windows", "agree", "")
    print_table(head, [_verdict_row(verdict) for verdict in verdicts])
    return WITH_FINDINGS if any(one.changed or one.contradicted for one in verdicts) else DONE


def _verdict_row(verdict: Verdict) -> tuple[object, ...]:
    found = verdict.evidence
    if found is None:
        return (
            verdict.code,
            verdict.client,
            "",
            "",
            "",
            "",
            "",
            "too little of its way is known, or no unit fits",
        )
    told = (verdict.code, verdict.client, found.believed, found.unit, found.ratio, found.windows, found.share)
    if verdict.changed:
        return *told, "read so from now on; what is stored stays"
    return *told, f"wrong: devices set --speed-unit {found.unit}" if verdict.contradicted else ""


def _tell_gateway(code: str, token: str) -> None:
    say(
        f"The token of gateway {code} is shown once. In Traccar's configuration: forward.url …/v1/ingest, forward.type"
    )
    say(
        "json, forward.header “Authorization: Bearer TOKEN”, forward.retry.enable true. Then register what it may speak"
    )
    say(f"for: ./wangge devices add CODE --person CODE --behind {code} --unique-id ID")
    print(token)


def _tell(code: str, token: str) -> None:
    """The token alone on stdout, what to do with it on stderr."""
    say(
        f"The token of {code} is shown once. In the phone's client: URL …/v1/ingest/TOKEN, or …/v1/ingest with"
    )
    say(f"user {code} and the token as the password (OwnTracks in HTTP mode), or as a bearer token.")
    print(token)
