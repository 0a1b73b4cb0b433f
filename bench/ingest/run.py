"""Ingest: one fix a request, durable and placed, beside the usual route; and batches beside a bare COPY.

Both services run on uvicorn with the same processes, on the same tables and indexes, with the same credentials and
bodies, and are asked by the same phones in turn. Every answer is compared with the one expected, and afterwards every
acknowledged fix must be in the database.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from sqlalchemy import Engine, func, select

from bench.crowd import Crowd, crowded_city
from bench.ingest.load import Order, Outcome, send
from bench.ingest.usual import POOL_SIZE, URL
from bench.report import Report
from core.clock import utc_now
from core.db import copy_columns
from core.errors import Unavailable
from core.settings import PREFIX, Settings
from tracking.partitions import make_ahead
from tracking.tables import fix

PHONES, CONNECTIONS = 4_000, 1_000
SECONDS, WARM_S, ROUNDS = 8.0, 3.0, 3
POOLS = (4, 8, 16)
BATCH, COPIES, SENDERS = 500, 60, 16
_REACH = timedelta(hours=11)
"""How far back the first fixes lie, which may be yesterday."""
ROOT = Path(__file__).parents[2]


def run(report: Report, settings: Settings) -> None:
    """Headline: accepted fixes a second, one a request, over those of the usual route with its best pool."""
    with crowded_city(settings, PHONES) as (engine, crowd):
        with engine.begin() as conn:
            make_ahead(conn, utc_now() - _REACH)
        field = Field(report, engine, crowd)
        best = max(POOLS, key=lambda size: field.rate(usual(engine, size), WARM_S))
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(field.rate(usual(engine, best), SECONDS))
            ours.append(field.rate(own(engine, 1), SECONDS))
        per_s, usual_s = statistics.median(ours), statistics.median(theirs)
        told = f"FastAPI, INSERT and upsert, pool of {best}: {usual_s:,.0f} a second"
        report.tell(
            "one fix a request, accepted a second", per_s, "fixes/s", baseline=told, ratio=per_s / usual_s
        )
        report.tell("its answers, 95 % within", field.last.p95_ms, "ms")
        two_s = field.rate(own(engine, 2), SECONDS)
        report.tell(
            "two processes", two_s, "fixes/s", baseline=f"one process {per_s:,.0f}", ratio=two_s / per_s
        )
        _tell_batches(report, field, engine)


@dataclass(frozen=True, slots=True)
class Service:
    """How to start a service that answers POST /v1/fixes on a port."""

    command: Sequence[str]
    environ: Mapping[str, str]

    @contextmanager
    def running(self) -> Iterator[int]:
        """Its port, once it answers; it ends with the block."""
        port = _free_port()
        environ = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        command = [sys.executable, "-m", *self.command, "--port", str(port)]
        with NamedTemporaryFile() as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environ | dict(self.environ), stdout=log, stderr=log
            )
            try:
                _wait_for(port, process, Path(log.name))
                yield port
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def own(engine: Engine, processes: int) -> Service:
    url = engine.url.render_as_string(hide_password=False)
    return Service(("cli", "serve", "--processes", str(processes)), {f"{PREFIX}DATABASE_URL": url})


def usual(engine: Engine, pool_size: int) -> Service:
    url = engine.url.render_as_string(hide_password=False)
    return Service(("bench.ingest.usual",), {URL: url, POOL_SIZE: str(pool_size)})


class Field:
    """Phones that send ever later fixes to one service after another; what was acknowledged is counted."""

    def __init__(self, report: Report, engine: Engine, crowd: Crowd) -> None:
        self._report, self._engine, self._crowd = report, engine, crowd
        self._since = utc_now() - _REACH
        self._stored = 0
        self.last: Outcome

    def rate(
        self, service: Service, seconds: float, *, size: int = 1, connections: int = CONNECTIONS
    ) -> float:
        """Accepted fixes a second over `seconds`, after a while of warming up."""
        with service.running() as port:
            self._send(port, WARM_S, size, connections)
            self.last = self._send(port, seconds, size, connections)
        return self.last.right * size / self.last.seconds

    def _send(self, port: int, seconds: float, size: int, connections: int) -> Outcome:
        start = [(float(lon), float(lat)) for lon, lat in self._crowd.start]
        order = Order(port, seconds, connections, size, self._since.timestamp(), self._crowd.tokens, start)
        outcome = send(order)
        if outcome.wrong:
            self._report.failures.append(f"answers that were not expected: {outcome.wrong}")
        if not outcome.right:
            raise RuntimeError(f"no fix was accepted: {outcome.wrong}")
        with self._engine.connect() as conn:
            stored, newest = conn.execute(
                select(func.count(), func.max(fix.c.fixed_at)).select_from(fix)
            ).one()
        self._report.check_equal(
            "fixes acknowledged and stored", stored - self._stored - outcome.right * size
        )
        self._stored, self._since = stored, newest + timedelta(seconds=10)
        return outcome


def _tell_batches(report: Report, field: Field, engine: Engine) -> None:
    """Requests of 500 fixes, beside COPY of as many rows a transaction into the same table."""
    per_s = field.rate(own(engine, 1), SECONDS, size=BATCH, connections=SENDERS)
    copied_s = _copy(engine)
    report.tell(
        f"batches of {BATCH}, accepted a second",
        per_s,
        "fixes/s",
        baseline=f"COPY of the same rows, {BATCH} a transaction: {BATCH * COPIES / copied_s:,.0f} a second",
        ratio=per_s / (BATCH * COPIES / copied_s),
    )


def _copy(engine: Engine) -> float:
    """Seconds that COPY takes for as many transactions of rows like those of the phones."""
    newest = np.datetime64(utc_now().replace(tzinfo=None), "us")
    rng = np.random.default_rng(1)
    spent = 0.0
    for turn in range(COPIES):
        at = newest + np.arange(BATCH) * np.timedelta64(1, "s") - np.timedelta64(BATCH, "s")
        columns = {
            "device_id": np.full(BATCH, -1 - turn),
            "fixed_at": at,
            "person_id": np.full(BATCH, -1 - turn),
            "received_at": np.full(BATCH, newest),
            "lon": 114 + rng.random(BATCH),
            "lat": 33 + rng.random(BATCH),
            "accuracy_m": np.full(BATCH, 8.0),
            "speed_mps": np.full(BATCH, 1.2),
            "heading_deg": np.full(BATCH, 90.0),
            "battery_pct": np.full(BATCH, 80.0),
            "unit_version_id": rng.integers(1, 5000, BATCH),
            "flags": np.zeros(BATCH, np.int32),
            "digest": rng.integers(-(2**62), 2**62, BATCH),
        }
        began = time.perf_counter()
        with engine.begin() as conn:
            copy_columns(conn, "fix", columns)
        spent += time.perf_counter() - began
    return spent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise Unavailable(f"the service to measure did not start: {log.read_text()[-2000:]}")
