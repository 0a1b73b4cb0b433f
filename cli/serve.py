"""`./wangge serve`: the service on one port, by one process or several."""

import argparse
import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from api.wire import WanggeHttp
from cli.frame import DONE, open_database, say
from core.db import make_engine
from core.errors import Invalid
from core.log import set_up_logs
from core.settings import PREFIX, Settings
from migrations.upgrade import upgrade_schema

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Read by the Prometheus client when a process starts: where counters are kept that are told together."""


def add_verbs(verbs: Any) -> None:
    parser = verbs.add_parser("serve", help="the service: pages and /v1")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; off loopback TLS is required"
    )
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, default=1, help="processes that share the port")
    parser.set_defaults(run=run_serve)


def run_serve(arguments: argparse.Namespace, settings: Settings) -> int:
    check_tls(arguments.host, settings)
    check_port(arguments.host, arguments.port)
    set_up_logs(settings.log_level)
    with open_database(settings) as url:
        engine = make_engine(url, pool_size=1)
        upgrade_schema(engine)
        engine.dispose()
        # Also what a worker process of ours reads: the database is known and migrated by now.
        os.environ[f"{PREFIX}DATABASE_URL"] = url
        scheme = "https" if settings.tls_certificate else "http"
        say(f"Wangge at {scheme}://{arguments.host}:{arguments.port}/ (Ctrl-C stops it)")
        with counting_together(settings, arguments.processes):
            serve_app(arguments.host, arguments.port, settings, processes=arguments.processes)
    return DONE


@contextmanager
def counting_together(settings: Settings, processes: int) -> Iterator[None]:
    """Several processes keep their counters in one folder, empty at the start, so that each can tell the sum."""
    if processes <= 1:
        yield
        return
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="metrics-", dir=settings.var_dir) as folder:
        os.environ[METRICS_FOLDER] = folder
        yield


def serve_app(host: str, port: int, settings: Settings, *, processes: int = 1) -> None:
    """Run `api.app` until SIGINT or SIGTERM; requests under way are finished first."""
    uvicorn.run(
        "api.app:make_app_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=processes if processes > 1 else None,
        http=WanggeHttp,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the application itself believes trusted_proxies, once
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
        timeout_worker_healthcheck=60,  # a busy process is not a dead one
    )


def check_port(host: str, port: int) -> None:
    """Invalid when nothing can listen there, before a database is started for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise Invalid(f"cannot listen on {host} port {port}: {error}; choose another --port") from error


def check_tls(host: str, settings: Settings) -> None:
    """Refuse to speak plain HTTP to a network: positions and passwords would be readable on the way."""
    for name, path in (("TLS_CERTIFICATE", settings.tls_certificate), ("TLS_KEY", settings.tls_key)):
        if path is not None and not Path(path).is_file():
            raise Invalid(f"{PREFIX}{name}: there is no file {path}")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise Invalid(f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY go together: set both or neither")
    if settings.tls_certificate or settings.behind_tls_proxy or _is_loopback(host):
        return
    raise Invalid(
        f"--host {host} is reachable from other machines, and without TLS positions and passwords would travel "
        f"in the clear. Set {PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY to the service's own, or "
        f"{PREFIX}BEHIND_TLS_PROXY=true when a proxy in front of it does TLS."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
