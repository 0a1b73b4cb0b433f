"""What every answer passes through: a request id, a line in the log, the security headers, a bound on bodies.

Plain ASGI, so that streams stay streams. Raw paths are never logged: they may carry a device's token.
"""

import itertools
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.errors import Problem, tell_fault
from core.log import request_id

logger = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cache-Control": "no-store",
}
"""A route that sets one of these itself keeps its own."""
STRICT_TRANSPORT: Final = "max-age=31536000"
QUIET_ROUTES: Final = frozenset({"/v1/fixes", "/v1/ingest", "/v1/ingest/{token}"})
"""Thousands of phones a second: their good answers are counted by `/metrics`, and only the others logged."""


_PROCESS, _numbers = secrets.token_hex(4), itertools.count(1)


def next_request_id() -> str:
    """16 letters that no other request has."""
    return f"{_PROCESS}{next(_numbers):08x}"


def security_headers(*, secure: bool) -> list[tuple[bytes, bytes]]:
    """What every answer says; `secure`: browsers reach the service over TLS."""
    headers = dict(SECURITY_HEADERS) | ({"Strict-Transport-Security": STRICT_TRANSPORT} if secure else {})
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


class Frame:
    """The outermost layer: id, log line, headers, and a fixed text for what nobody caught."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.headers = security_headers(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = next_request_id()
        reset = request_id.set(current)
        started, status = time.monotonic(), 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told = list(message.get("headers", ()))
                names = {name for name, _ in told}
                told.append((b"x-request-id", current.encode()))
                told += [header for header in self.headers if header[0] not in names]
                message["headers"] = told
            await send(message)

        try:
            await self.app(scope, receive, send_framed)
        except Exception as error:  # noqa: BLE001  (the last resort)
            problem = tell_fault(error)
            if status:
                raise BrokenAnswerError from None  # the server must cut the connection; the cause is in the log
            await problem(scope, receive, send_framed)
        finally:
            template = getattr(scope.get("route"), "path", "(no such route)")
            log_request(scope["method"], template, status, time.monotonic() - started)
            request_id.reset(reset)


class BrokenAnswerError(Exception):
    """An answer broke off after its first bytes."""


def log_request(method: str, template: str, status: int, seconds: float) -> None:
    """One line a request, with the route's template in place of the path; and one more in the counters."""
    metrics.answered(method, template, status)
    level = logging.DEBUG if 200 <= status < 300 and template in QUIET_ROUTES else logging.INFO
    if logger.isEnabledFor(level):
        line = {"method": method, "route": template, "status": status, "took_ms": round(seconds * 1000, 1)}
        logger.log(level, "request", extra=line)


class BodyLimit:
    """Bodies end at a size: by their declared length at once, and otherwise (chunked) when they pass it."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.detail = f"the body is larger than {most_bytes:,} bytes; send it in parts"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if declared.isdigit() and int(declared) > self.most_bytes:
            await Problem(413, self.detail)(scope, receive, send)
            return
        taken = 0

        async def receive_bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most_bytes:
                raise HTTPException(413, self.detail)
            return message

        await self.app(scope, receive_bounded, send)
