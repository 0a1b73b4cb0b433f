"""The short way of phones: from a request's bytes to the inbox, and from its commit to the answer's bytes.

Thousands a second ask the same two routes, and the framework's way there and back costs several times what all the rest
does. What holds for every answer holds for these too: a request id, the security headers, a line in the log, the counters,
the bound on bodies. Whatever is unusual about a request (a token in the path, chunks, a long body) takes the ordinary way
through the route of the same path, and gets the same answer.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.errors import tell_error
from api.middleware import log_request, next_request_id, security_headers
from api.phones.inbox import Answer, Inbox, Outcome
from api.phones.requests import read_credential
from core.log import request_id
from tracking.formats import Message


@dataclass(frozen=True, slots=True)
class Entrance:
    """A route of phones. `own`: for the project's own formats alone; `tell`: a good answer's body and its media type."""

    path: str
    own: bool
    tell: Callable[[Answer], tuple[bytes, str]]


class _Nobody:
    """Whom uvicorn wakes when a connection is lost."""

    def set(self) -> None: ...


class Call:
    """A phone's request under way, with what uvicorn's protocol asks of one.

    `write` takes the answer: the status line, and all after the server's own headers.
    """

    __slots__ = (
        "body",
        "disconnected",
        "entrance",
        "headers",
        "keep_alive",
        "query",
        "response_complete",
        "started",
        "write",
    )
    message_event: Final = _Nobody()

    def __init__(
        self,
        entrance: Entrance,
        query: str,
        headers: Mapping[str, str],
        write: "Callable[[Call, bytes, bytes], None]",
        *,
        keep_alive: bool,
    ) -> None:
        self.entrance, self.query, self.headers, self.write = entrance, query, headers, write
        self.keep_alive = keep_alive
        self.body = b""
        self.started = monotonic()
        self.response_complete = self.disconnected = False


class PhoneDoor:
    """Takes calls in the event loop of the service, and answers each after its commit."""

    def __init__(
        self, entrances: Collection[Entrance], inbox: Inbox, *, most_bytes: int, secure: bool
    ) -> None:
        self.entrances = {one.path.encode(): one for one in entrances}
        self.most_bytes = most_bytes
        self._inbox = inbox
        self._headers = lines_of(security_headers(secure=secure))

    def take(self, call: Call) -> None:
        """Hand a whole request in."""

        def finish(outcome: Outcome) -> None:
            self._finish(call, outcome)

        try:
            credential = read_credential(call.headers)
            message = Message("POST", call.query, call.headers, call.body)
            self._inbox.post(credential, message, finish, own=call.entrance.own)
        except Exception as error:  # noqa: BLE001  (told to whoever asks)
            finish(error)

    def _finish(self, call: Call, outcome: Outcome) -> None:
        current = next_request_id()
        if isinstance(outcome, Answer):
            status, (body, media_type) = 200, call.entrance.tell(outcome)
            told = b"content-length: %d\r\ncontent-type: %b\r\n" % (len(body), media_type.encode())
        else:
            response = _told(call, outcome, current)
            status, body, told = response.status_code, bytes(response.body), lines_of(response.raw_headers)
        log_request("POST", call.entrance.path, status, monotonic() - call.started)
        call.response_complete = True
        if not call.disconnected:
            rest = (told, b"x-request-id: ", current.encode(), b"\r\n", self._headers, b"\r\n", body)
            call.write(call, _STATUS_LINES[status], b"".join(rest))


def _told(call: Call, error: Exception, current: str) -> Response:
    """What is answered when it went wrong, and logged."""
    reset = request_id.set(current)
    try:
        return tell_error(Request({"type": "http", "method": "POST", "path": call.entrance.path}), error)
    finally:
        request_id.reset(reset)


def lines_of(headers: Collection[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b": " + value + b"\r\n" for name, value in headers)


_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
