"""HTTP on the wire: uvicorn's protocol, with a short way in for phones and a short way out to open pages."""

import asyncio
from functools import partial
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.phones.door import Call, PhoneDoor, lines_of

PUSH: Final = "wangge.push"
LONGEST: Final = 65_536
"""Bytes of a body on the short way, which is taken whole; uvicorn stops reading longer ones now and then."""


class WanggeHttp(HttpToolsProtocol):
    """uvicorn's protocol with three changes.

    It writes an answer's head and its body one by one: two system calls and two packets, which for a phone's answer of
    fifty bytes cost more than making it. Here the head waits for what the loop's same turn brings. An app that has
    a `PhoneDoor` gets the plain requests of phones as calls, past ASGI. And an answer that is being streamed may be
    given more (`PUSH` among the scope's extensions) past the dozen layers that its first bytes went through.
    """

    _told: ClassVar[tuple[list[tuple[bytes, bytes]], bytes]] = ([], b"")

    def __init__(self, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self._phones: PhoneDoor | None = getattr(getattr(self.app, "state", None), "phones", None)
        self._taken: Call | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Joined(transport, self.loop))  # type: ignore[arg-type]

    def on_headers_complete(self) -> None:
        self._taken = None if self._phones is None else self._call(self._phones)
        if self._taken is not None:
            self.cycle = self._taken  # type: ignore[assignment]
            return
        scope = self.scope
        super().on_headers_complete()
        scope["extensions"] = {PUSH: partial(self._push, self.cycle)}  # type: ignore[dict-item]

    def _push(self, cycle: RequestResponseCycle, chunk: bytes) -> bool:
        """Write a chunk of a chunked answer under way; False: it cannot take one now."""
        if self.cycle is not cycle or cycle.disconnected or cycle.response_complete:
            return False
        if not cycle.chunked_encoding or self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write_now(chunk)  # type: ignore[attr-defined]
        return True

    def _call(self, phones: PhoneDoor) -> Call | None:
        """The request as a call; None when it is none for phones, or in any way unusual."""
        path, _, query = self.url.partition(b"?")
        entrance = phones.entrances.get(path)
        if entrance is None or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return None
        if self.parser.get_http_version() != "1.1" or self.parser.should_upgrade():
            return None
        if self.cycle is not None and not self.cycle.response_complete:  # the last one is not answered yet
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers}
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > min(LONGEST, phones.most_bytes):
            return None
        keep_alive = self.parser.should_keep_alive()
        return Call(entrance, query.decode("latin-1"), headers, self._answer, keep_alive=keep_alive)

    def on_body(self, body: bytes) -> None:
        if self._taken is None:
            super().on_body(body)
        else:
            self._taken.body += body

    def on_message_complete(self) -> None:
        if self._taken is None or self._phones is None:
            super().on_message_complete()
        else:
            self._phones.take(self._taken)

    def _answer(self, call: Call, start: bytes, rest: bytes) -> None:
        """Write an answer: its status line, uvicorn's own headers, and the rest of it."""
        if self.transport.is_closing():
            return
        last = b"" if call.keep_alive else b"connection: close\r\n"
        self.transport.write_now(b"".join((start, self._own_headers(), last, rest)))  # type: ignore[attr-defined]
        if not call.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _own_headers(self) -> bytes:
        """Uvicorn's headers as lines; it makes a new list of them every second."""
        headers, lines = WanggeHttp._told
        if headers is not self.server_state.default_headers:
            headers = self.server_state.default_headers
            lines = lines_of(headers)
            WanggeHttp._told = (headers, lines)
        return lines


class _Joined:
    """A transport that holds what is written first until the next write, or to the end of the loop's turn."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            self.write_now(data)
        elif data:
            self._held = data
            self._loop.call_soon(self._flush)

    def write_now(self, data: bytes) -> None:
        """Write what is held and this, waiting for nothing."""
        held, self._held = self._held, b""
        self._transport.write(held + data if held else data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            self.write_now(b"")
