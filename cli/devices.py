"""`./wangge devices add|list|set|give|renew|revoke`: the phones that send, and whose hands they are in."""

import argparse
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from cli.frame import DONE, open_engine, print_table, say
from core.clock import utc_now
from core.settings import Settings
from tracking.devices import (
    CRS_NAMES,
    SPEED_UNITS,
    add_device,
    change_device,
    hand_over,
    list_devices,
    renew_token,
    revoke_device,
)
from tracking.formats import Profile

Act = Callable[[Connection, argparse.Namespace], None]


def add_verbs(verbs: Any) -> None:
    actions = verbs.add_parser("devices", help="phones: add, list, set, give, renew, revoke").add_subparsers(
        required=True
    )
    one = _action(actions, "add", add, "register a phone; prints its token, once")
    one.add_argument("--person", required=True, metavar="CODE", help="whose hands it is in from now on")
    _profile_options(one, new=True)
    _action(actions, "list", show, "every phone and its holder", code=False)
    _profile_options(_action(actions, "set", change, "change what is known of a phone"), new=False)
    one = _action(actions, "give", give, "hand a phone over; its history stays with whom it was")
    one.add_argument("--person", metavar="CODE", help="left out: to nobody")
    _action(actions, "renew", renew, "a new token in place of the old one; prints it, once")
    _action(actions, "revoke", revoke, "refuse the phone's token from now on")


def _action(actions: Any, name: str, act: Act, text: str, *, code: bool = True) -> argparse.ArgumentParser:
    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        with open_engine(settings) as engine, engine.begin() as conn:
            act(conn, arguments)
        return DONE

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
        help="client, where the body does not tell: traccar, osmand, …",
    )
    parser.add_argument("--speed-unit", choices=SPEED_UNITS, default=usual.speed_unit if new else None)
    parser.add_argument("--crs", choices=CRS_NAMES, default=usual.crs if new else None)
    parser.add_argument(
        "--interval", type=int, default=10 if new else None, help="seconds between fixes on the move"
    )
    parser.add_argument("--heartbeat", type=int, help="seconds between signs of life while still")
    parser.add_argument("--key", help="OwnTracks passphrase, when its payloads are encrypted")


def add(conn: Connection, arguments: argparse.Namespace) -> None:
    profile = Profile(arguments.format, arguments.speed_unit, arguments.crs, arguments.key)
    token = add_device(
        conn,
        arguments.code,
        arguments.person,
        now=utc_now(),
        profile=profile,
        interval_s=arguments.interval,
        heartbeat_s=arguments.heartbeat,
    )
    _tell(arguments.code, token)


def show(conn: Connection, _arguments: argparse.Namespace) -> None:
    rows = [
        (row.code, row.person_code, row.format, row.interval_s, "revoked" if row.revoked_at else "")
        for row in list_devices(conn, now=utc_now())
    ]
    print_table(("code", "person", "format", "interval_s", ""), rows)


def change(conn: Connection, arguments: argparse.Namespace) -> None:
    told = {
        "format": arguments.format,
        "speed_unit": arguments.speed_unit,
        "crs": arguments.crs,
        "encryption_key": arguments.key,
        "interval_s": arguments.interval,
        "heartbeat_s": arguments.heartbeat,
    }
    change_device(conn, arguments.code, {name: value for name, value in told.items() if value is not None})


def give(conn: Connection, arguments: argparse.Namespace) -> None:
    hand_over(conn, arguments.code, arguments.person, now=utc_now())


def renew(conn: Connection, arguments: argparse.Namespace) -> None:
    _tell(arguments.code, renew_token(conn, arguments.code))


def revoke(conn: Connection, arguments: argparse.Namespace) -> None:
    revoke_device(conn, arguments.code, now=utc_now())


def _tell(code: str, token: str) -> None:
    """The token alone on stdout, what to do with it on stderr."""
    say(
        f"The token of {code} is shown once. In the phone's client: URL …/v1/ingest/TOKEN, or …/v1/ingest with"
    )
    say(f"user {code} and the token as the password (OwnTracks in HTTP mode), or as a bearer token.")
    print(token)
