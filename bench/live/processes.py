"""What runs beside the bench: services and generators as processes, and what they cost."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, column, func, select, table

from core.clock import utc_now
from core.errors import Unavailable
from people.accounts import add_account
from people.grants import add_grant
from people.tokens import issue_bearer

ROOT = Path(__file__).parents[2]
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
READY_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_token(engine: Engine) -> str:
    """The bearer token of somebody who may see everything."""
    now = utc_now()
    with engine.begin() as conn:
        account_id = add_account(conn, f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe())
        add_grant(conn, account_id, "command", unit_id=None, now=now)
        return issue_bearer(conn, account_id, "bench", now=now, expires_at=now + timedelta(hours=6))


@dataclass
class Service:
    """A running service on a port, with the database connections that came with it."""

    process: subprocess.Popen[bytes]
    port: int
    engine: Engine
    others: set[int] = field(default_factory=set)

    def pids(self) -> list[int]:
        return [self.process.pid, *_children(self.process.pid)]

    def connections(self) -> set[int]:
        return backends(self.engine) - self.others

    def spent_s(self) -> tuple[float, float]:
        """CPU seconds of its processes and of its database connections, since they began."""
        return sum(map(cpu_s, self.pids())), sum(map(cpu_s, self.connections()))


@contextmanager
def serving(engine: Engine, command: list[str], port: int) -> Iterator[Service]:
    """A service on the bench's database; over when the block is."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("WANGGE_")}
        environ |= {"WANGGE_DATABASE_URL": url, "WANGGE_VAR_DIR": folder, "WANGGE_LOG_LEVEL": "WARNING"}
        others = backends(engine)
        process = subprocess.Popen(command, cwd=ROOT, env=environ)
        try:
            _wait_until_ready(process, port)
            yield Service(process, port, engine, others)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def serve_command(port: int, *, processes: int = 1) -> list[str]:
    options = ["--port", str(port), "--processes", str(processes)]
    return [sys.executable, "-m", "cli", "serve", *options]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise Unavailable("the service to measure did not start")


def run_module(name: str, asked: dict[str, Any], **pipes: Any) -> subprocess.Popen[bytes]:
    """A generator as a process of its own."""
    command = [sys.executable, "-m", f"bench.live.{name}", json.dumps(asked)]
    return subprocess.Popen(command, cwd=ROOT, **pipes)


def backends(engine: Engine) -> set[int]:
    """The processes of all connections to the bench's database but this one, where they run on this machine."""
    activity = table("pg_stat_activity", column("pid"), column("datname"))
    query = select(activity.c.pid).where(
        activity.c.datname == func.current_database(), activity.c.pid != func.pg_backend_pid()
    )
    with engine.connect() as conn:
        return {pid for pid in conn.scalars(query) if Path(f"/proc/{pid}").exists()}


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
