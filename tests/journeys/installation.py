"""An installation as an operator starts it, and phones that send to it until told to stop: for journeys under load."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text

from core.cluster import Cluster
from core.db import make_engine
from tests.tracking.city import EVER, make_person
from tracking.devices import add_device

ROOT = Path(__file__).parent.parent.parent
PHONES, FIXES_A_MESSAGE, FIXES_A_SECOND = 40, 25, 2_000
MOST_A_MESSAGE = 500
Sent = tuple[str, str]


class Installation:
    """A var directory with `./wangge serve` on it."""

    def __init__(self, var_dir: Path, *options: str) -> None:
        self.options = options
        self.cluster = Cluster(var_dir)
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("WANGGE_")}
        self.environ["WANGGE_VAR_DIR"] = str(var_dir)
        self.log = var_dir / "serve.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "cli", "serve", "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)

    def wait_until_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.answers("/readyz"):
                return
            time.sleep(0.2)
        pytest.fail(f"not ready after {seconds} s: {self.log.read_text()[-3000:]}")

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill_service(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_database(self) -> None:
        """The postmaster and whatever backends it has, all at once."""
        postmaster = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=False
        ).stdout
        for pid in (postmaster, *map(int, children.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(90)


@dataclass
class Phone:
    """Sends a fix every PHONES / FIXES_A_SECOND seconds, a few a message; keeps what was not acknowledged."""

    code: str
    token: str
    at: datetime
    queue: list[dict[str, object]] = field(default_factory=list)
    acknowledged: set[Sent] = field(default_factory=set)

    def step(self, url: str) -> None:
        for _ in range(FIXES_A_MESSAGE):
            self.at += timedelta(seconds=0.25)
            place = {"lon": 113.15 + len(self.acknowledged) % 50 * 1e-5, "lat": 27.82}
            self.queue.append({"fixed_at": self.at.isoformat(), "accuracy_m": 5, **place})
        message = self.queue[:MOST_A_MESSAGE]
        body = json.dumps({"fixes": message}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if answer.status == 200 and json.load(answer)["dropped"] == 0:
                    self.acknowledged |= {(self.code, str(fix["fixed_at"])) for fix in message}
                    del self.queue[: len(message)]
        except (OSError, urllib.error.HTTPError, ValueError, TimeoutError):
            return


class Crowd:
    """Phones that send together until told to stop."""

    def __init__(self, installation: Installation, phones: list[Phone]) -> None:
        self.url = f"http://127.0.0.1:{installation.port}/v1/fixes"
        self.phones = phones
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(phone,), daemon=True) for phone in phones]

    def _run(self, phone: Phone) -> None:
        pause_s = PHONES * FIXES_A_MESSAGE / FIXES_A_SECOND
        time.sleep(random.random() * pause_s)
        while not self.stopping.is_set():
            began = time.monotonic()
            phone.step(self.url)
            self.stopping.wait(max(0.0, pause_s - (time.monotonic() - began)))

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    @property
    def acknowledged(self) -> int:
        return sum(len(phone.acknowledged) for phone in self.phones)


def enrol(installation: Installation) -> list[Phone]:
    engine = make_engine(installation.cluster.url, pool_size=2)
    now = datetime.now(UTC)
    with engine.begin() as conn:
        phones = []
        for n in range(PHONES):
            make_person(conn, f"K{n}", shifts=[(now - timedelta(hours=12), now + timedelta(hours=11))])
            token = add_device(conn, f"P-K{n}", f"K{n}", now=EVER)
            phones.append(Phone(f"P-K{n}", token, now - timedelta(hours=11)))
    engine.dispose()
    return phones


def stored(installation: Installation) -> dict[Sent, int]:
    engine = make_engine(installation.cluster.url, pool_size=1)
    query = "SELECT code, fixed_at, count(*) FROM fix JOIN device ON device.id = fix.device_id GROUP BY 1, 2"
    with engine.connect() as conn:
        found = {(code, at.isoformat()): count for code, at, count in conn.execute(text(query))}
        behind = conn.execute(
            text(
                "SELECT count(*) FROM last_fix WHERE fixed_at <> "
                "(SELECT max(fix.fixed_at) FROM fix WHERE fix.person_id = last_fix.person_id AND flags = 0)"
            )
        ).scalar_one()
    engine.dispose()
    assert behind == 0, "the last fix of everybody is the newest stored one"
    return found
