"""`./wangge demo`: the fictional city with patrols moving; with --once one simulated day, then maps."""

import argparse
import signal
import time
from typing import Any

from cli.frame import DONE, open_engine, say
from core.settings import Settings


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser(
        "demo",
        help="the fictional city with patrols moving; --once: one simulated day, then maps",
        description="Loads the fictional city 望澜市 into this installation (first run only), starts the service and "
        "lets patrols walk: their fixes and today's cases come in over HTTP like anybody's.",
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="where the pages are (not used with --once); default 8000"
    )
    parser.add_argument(
        "--once", action="store_true", help="simulate one whole day, write the maps to <var>/demo/, and stop"
    )
    parser.set_defaults(run=run_demo)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"“{text}” is no port: give a number from 1 to 65535")
    return int(text)


def run_demo(arguments: argparse.Namespace, settings: Settings) -> int:
    from demo.run import run_live, run_once

    begun = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, the service with it

    def tell(text: str) -> None:
        stamp = "" if not text or text.startswith(" ") else f"[{time.monotonic() - begun:5.1f} s] "
        say(stamp + text)

    with open_engine(settings) as engine:
        if arguments.once:
            for path in run_once(engine, settings, tell):
                print(path)
        else:
            run_live(engine, settings, arguments.port, tell)
    return DONE
