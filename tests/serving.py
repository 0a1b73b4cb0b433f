"""A real server in a thread, as `./wangge serve` runs it, for tests that need the wire."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.wire import WanggeHttp


@contextmanager
def running(app: FastAPI, port: int = 0, **more: Any) -> Iterator[int]:
    """The app on a port of this machine while the block runs; the port."""
    config = uvicorn.Config(
        app,
        port=port,
        http=WanggeHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=3,
        **more,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(20)
