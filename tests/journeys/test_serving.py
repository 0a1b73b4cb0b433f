"""The service as an operator runs it: several processes on one port, stopped under load, its database gone and back."""

import http.client
import json
import os
import signal
import socket
import threading
import time
import urllib.request
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.screen import Screen
from core.db import make_engine
from people.accounts import add_account
from people.grants import add_grant
from people.tokens import issue_bearer
from tests.api.test_metrics import read_metrics
from tests.journeys.conftest import Install, running
from tests.journeys.installation import Crowd, Installation, Phone, enrol, stored

STREAMS = 8


def command_token(installation: Installation) -> str:
    engine = make_engine(installation.cluster.url, pool_size=1)
    now = datetime.now(UTC)
    with engine.begin() as conn:
        account_id = add_account(conn, "command", "correct horse battery")
        add_grant(conn, account_id, "command", unit_id=None, now=now)
        token = issue_bearer(conn, account_id, "test", now=now, expires_at=now + timedelta(hours=1))
    engine.dispose()
    return token


class Stream(threading.Thread):
    """An open live stream, read until it ends."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self.screen = Screen()
        self.ended_by_itself = False
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", "/v1/live", headers={"Authorization": f"Bearer {token}"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        self.start()

    def run(self) -> None:
        event: list[bytes] = []
        with self._answer:
            while line := self._answer.readline():
                if line.strip():
                    event.append(line)
                else:
                    self.screen.take(b"".join(event))
                    event = []
        self.ended_by_itself = True

    def close(self) -> None:
        """Hang up."""
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self._connection.close()

    def lon_of(self, code: str) -> float | None:
        return next((dot["lon"] for dot in self.screen.state.values() if dot["code"] == code), None)


def wait_for(what: str, found: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def send(installation: Installation, phone: Phone, lon: float) -> int:
    fix = {"fixed_at": datetime.now(UTC).isoformat(), "lon": lon, "lat": 27.82, "accuracy_m": 5}
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.port}/v1/fixes",
        json.dumps({"fixes": [fix]}).encode(),
        {"Authorization": f"Bearer {phone.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def read_text(installation: Installation, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{installation.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def serving_processes(installation: Installation) -> list[int]:
    """The processes that hold a connection of ours: the supervisor's children that serve."""
    assert installation.process is not None
    children = Path(f"/proc/{installation.process.pid}/task/{installation.process.pid}/children").read_text()
    return [
        int(child)
        for child in children.split()
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.mark.timeout(300)
def test_a_fix_through_any_process_reaches_the_viewers_of_all_and_counts_are_told_together(
    install: Install,
) -> None:
    with running(install("--processes", "2")) as installation, ExitStack() as stack:
        assert len(serving_processes(installation)) == 2
        phones = enrol(installation)
        token = command_token(installation)
        streams = [stack.enter_context(closing(Stream(installation.port, token))) for _ in range(STREAMS)]
        for n, phone in enumerate(phones):  # a connection each: whichever process takes it
            send(installation, phone, 113.15 + n * 1e-3)
        for n, phone in enumerate(phones):
            code = phone.code.removeprefix("P-")
            lon = 113.15 + n * 1e-3
            for stream in streams:
                wait_for(
                    f"{code} on every screen",
                    lambda s=stream, c=code, x=lon: s.lon_of(c) == pytest.approx(x, abs=1e-6),
                )
        metrics = [read_metrics(read_text(installation, "/metrics")) for _ in range(6)]
        assert {found["wangge_viewers{}"] for found in metrics} == {STREAMS}
        assert {found["wangge_fixes_accepted_total{}"] for found in metrics} == {len(phones)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=["one process", "two processes"])
def test_a_stop_answers_what_is_under_way_ends_the_streams_and_takes_seconds(
    install: Install, options: tuple[str, ...]
) -> None:
    with running(install(*options)) as installation, ExitStack() as stack:
        phones = enrol(installation)
        token = command_token(installation)
        streams = [stack.enter_context(closing(Stream(installation.port, token))) for _ in range(STREAMS)]
        with Crowd(installation, phones) as crowd:
            wait_for("fixes arrive", lambda: crowd.acknowledged > 100)
            assert installation.process is not None
            began = time.monotonic()
            installation.process.send_signal(signal.SIGTERM)
            code = installation.process.wait(20)
            took_s = time.monotonic() - began
        assert took_s < 8, f"the stop took {took_s:.1f} s"
        assert code in {0, -signal.SIGTERM}
        for stream in streams:
            stream.join(5)
        assert all(stream.ended_by_itself for stream in streams)
        installation.start()
        installation.wait_until_ready()
        there = stored(installation)
        wanted = set().union(*(phone.acknowledged for phone in phones))
        assert wanted - there.keys() == set(), "acknowledged and lost"
        assert set(there.values()) <= {1}


ROUTES = {
    "/readyz": 503,
    "/v1/me": 503,
    "/v1/networks": 503,
    "/v1/live/now": 503,
    "/v1/live": 503,
    "/v1/cases": 503,
    "/wall": 503,
    "/v1/no-such-route": 503,
    "/healthz": 200,
    "/metrics": 200,
    "/static/tokens.css": 200,
}


def ask(
    installation: Installation, path: str, token: str, body: bytes | None = None
) -> tuple[int, float, Any]:
    """Status, seconds and headers of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=20)
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    took_s = time.monotonic() - began
    found = answer.status, took_s, answer.headers
    connection.close()
    return found


def stop_database(installation: Installation) -> list[int]:
    """Hold its processes, and tell which: the first of them first, which then neither bears nor buries another."""
    postmaster = int((installation.cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    for child in map(int, children.split()):
        os.kill(child, signal.SIGSTOP)
    return [postmaster, *map(int, children.split())]


@pytest.mark.timeout(300)
def test_while_the_database_hangs_everybody_gets_503_within_a_second_and_then_all_goes_on(
    installation: Installation,
) -> None:
    with ExitStack() as stack:
        phone = enrol(installation)[0]
        token = command_token(installation)
        stream = stack.enter_context(closing(Stream(installation.port, token)))
        assert send(installation, phone, 113.15) == 200
        assert ask(installation, "/v1/live/now", token)[0] == 200
        stopped = stop_database(installation)
        try:
            fix = {"fixed_at": datetime.now(UTC).isoformat(), "lon": 113.15, "lat": 27.82}
            body = json.dumps({"fixes": [fix]}).encode()
            # The first ones are under way when it goes; the later ones come when that is known.
            for _round in range(2):
                asked = {path: ask(installation, path, token) for path in ROUTES}
                asked["/v1/fixes"] = ask(installation, "/v1/fixes", phone.token, body)
                assert {path: status for path, (status, _, _) in asked.items()} == ROUTES | {"/v1/fixes": 503}
                assert {path: took_s for path, (_, took_s, _) in asked.items() if took_s > 1.2} == {}
                for status, _, headers in asked.values():
                    if status == 503:
                        assert headers["Content-Type"] == "application/problem+json"
                        assert int(headers["Retry-After"]) > 0
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)
        installation.wait_until_ready(20)
        assert send(installation, phone, 113.1502) == 200
        wait_for("the stream goes on", lambda: stream.lon_of("K0") == pytest.approx(113.1502, abs=1e-6))


@pytest.mark.timeout(300)
def test_a_killed_database_is_told_at_once_and_comes_back(installation: Installation) -> None:
    phone = enrol(installation)[0]
    token = command_token(installation)
    assert send(installation, phone, 113.15) == 200
    installation.kill_database()
    refused = 0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status, took_s, _ = ask(installation, "/v1/networks", token)
        assert status in {200, 503}
        assert took_s < 1.2
        refused += status == 503
        if status == 200 and refused:
            break
        time.sleep(0.05)
    assert refused
    installation.wait_until_ready(20)
    assert send(installation, phone, 113.16) == 200
