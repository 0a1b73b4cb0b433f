"""`./wangge demo`: the fictional city with patrols moving; with --once one simulated day, then maps."""

import argparse
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
    parser.add_argument("--port", type=int, default=8000, help="where the pages are (not used with --once)")
    parser.add_argument(
        "--once", action="store_true", help="simulate one whole day, write the maps to <var>/demo/, and stop"
    )
    parser.set_defaults(run=run_demo)


def run_demo(arguments: argparse.Namespace, settings: Settings) -> int:
    from demo.run import run_live, run_once

    begun = time.monotonic()

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
