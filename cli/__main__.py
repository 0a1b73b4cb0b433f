"""`./wangge VERB …`: finds the verb's module, runs it, turns errors into exit codes."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from core.errors import WanggeError
from core.settings import read_settings

VERBS = {
    "setup": ("", "install what a verb needs (default serve) and stop; done by the launcher itself"),
    "demo": ("demo", "the fictional city with patrols moving; --once: one simulated day, then maps"),
    "serve": ("serve", "the service: pages and /v1"),
    "test": ("checks", "the tests (--full: also the long ones)"),
    "check": ("checks", "lint, types, import contracts"),
    "bench": ("bench", "measure against named baselines"),
    "db": ("database", "upgrade, status, backup, restore"),
    "boundaries": ("boundaries", "import, check, publish, list, export borders"),
    "place": ("place", "which unit of every network holds each row of a file"),
    "addresses": ("addresses", "import address points with households"),
    "streets": ("ground", "import streets to be walked"),
    "water": ("ground", "import what bars the way: water, railways, closed compounds"),
    "sites": ("ground", "import places that have to be visited"),
    "people": ("people", "import persons, roles and assignments"),
    "accounts": ("people", "add, disable, set the password of accounts"),
    "grants": ("people", "give and take roles on a unit's subtree"),
    "tokens": ("people", "bearer tokens for programs"),
    "shifts": ("people", "import shifts"),
    "notices": ("people", "publish the notice on tracking, record acceptance on paper"),
    "devices": ("devices", "add, hand over, revoke phones"),
    "fixes": ("fixes", "import tracks, purge what has expired"),
    "cases": ("cases", "import cases"),
    "coverage": ("coverage", "compute what was visited, day by day"),
    "map": ("maps", "one-file maps: grids, trails, hotspots, coverage"),
    "report": ("reports", "the report of a past day"),
}
"""Verb → (module of `cli`, one line of help). A module offers `add_verbs(verbs)`; see CONTRIBUTING."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return run_verb(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  (what is no fault of ours is told in words)
        return refuse(error)


def refuse(error: Exception) -> int:
    """Exit code 2, with the reason on stderr; a fault of the program itself goes on."""
    from cli.frame import explain, say

    reason = str(error) if isinstance(error, WanggeError) else explain(error)
    if reason is None:
        raise error
    say(f"wangge: {reason}")
    return 2


def run_verb(given: list[str]) -> int:
    """Run what was asked for; its exit code."""
    if not given or given[0] in {"-h", "--help", "help"}:
        print(_overview())
        return 0
    if given[0] not in VERBS:
        print(f"wangge: there is no verb “{given[0]}”; ./wangge --help lists them", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog="./wangge")
    verbs = parser.add_subparsers(dest="verb", required=True)
    importlib.import_module(f"cli.{VERBS[given[0]][0]}").add_verbs(verbs)
    parsed, rest = parser.parse_known_args(given)
    if rest and not getattr(parsed, "takes_more", False):
        parser.error(f"unknown argument {' '.join(rest)}; ./wangge {' '.join(given[:2])} --help lists them")
    parsed.rest = rest
    return int(parsed.run(parsed, read_settings()))


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(
        [
            "网格 Wangge: the map room of grid governance",
            "",
            "usage: ./wangge VERB …      ./wangge VERB --help tells its options",
            "",
            *lines,
            "",
            "Settings are WANGGE_* variables (docs/operations.md). Everything written lives under WANGGE_VAR_DIR (var/).",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
