"""The service the demo plays to: a process of its own, started like anybody's, on the same database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from core.errors import Conflict, Unavailable

START_S = 90
HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]


@contextmanager
def running_service(port: int, log: Path) -> Iterator[None]:
    """`wangge serve` on `port` while the context lasts; what it says goes to `log`. Conflict when the port is taken."""
    with closing(socket.socket()) as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise Conflict(f"port {port} is in use by another program; choose another: --port {port + 1}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [
                *_with_parent(),
                sys.executable,
                "-P",
                "-m",
                "cli",
                "serve",
                "--host",
                HOST,
                "--port",
                str(port),
            ],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is the demo's own; it stops the service itself
        )
    try:
        _wait_until_ready(process, port, log)
        yield
    finally:
        _stop(process)


def _with_parent() -> list[str]:
    """What makes the kernel end the service with the demo, even a demo that was killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(HTTPConnection(HOST, port, timeout=5)) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
        except (OSError, HTTPException):
            pass
        time.sleep(0.1)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
    raise Unavailable(f"the service did not start on port {port}; {log} ends with:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
