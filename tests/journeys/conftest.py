import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.installation import Installation

Install = Callable[..., Installation]


@contextmanager
def running(made: Installation) -> Iterator[Installation]:
    made.start()
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A var directory as the first start and its end leave it: cluster and schema are made, nothing is in them."""
    folder = tmp_path_factory.mktemp("founded")
    with running(Installation(folder)) as made:
        postmaster = made.cluster.data / "postmaster.pid"
    deadline = time.monotonic() + 30
    while postmaster.exists():
        assert time.monotonic() < deadline, "the server did not stop after its last user"
        time.sleep(0.1)
    return folder


@pytest.fixture
def install(founded: Path, tmp_path: Path) -> Install:
    """`install(*options)`: an installation of the test's own, not started; its database is as a first start left it."""

    def install_one(*options: str) -> Installation:
        subprocess.run(["cp", "--archive", f"{founded}/.", str(tmp_path)], check=True)
        return Installation(tmp_path, *options)

    return install_one


@pytest.fixture
def installation(install: Install) -> Iterator[Installation]:
    with running(install()) as made:
        yield made
