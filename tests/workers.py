"""How a run is shared out among processes: what builds something costly once stays together, and the longest begin.

Each process has a cluster of its own (tests/conftest.py), and nothing else is shared: a test may stand on what its file
or, in the rooms below, its room has built.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOMS = {"tests/browser", "tests/journeys"}
"""A city behind a service and Chromium; an installation. Built once for the files of the room."""
LONGEST = (
    "tests/browser",
    "tests/journeys",
    "tests/api/test_fuzz.py",
    "tests/demo",
    "tests/tracking",
    "tests/geo",
)


def share_of(nodeid: str) -> str:
    """The part of the run that goes to one process: a room of those above, or a file."""
    file = nodeid.partition("::")[0]
    room = str(PurePosixPath(file).parent)
    return room if room in ROOMS else file


def put_longest_first(items: list[pytest.Item]) -> None:
    """Nobody waits at the end for one who has just begun with the longest."""

    def place(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))

    items.sort(key=place)


class ByShare(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)
