"""Frames that go straight to the connection: the same bytes in the same order, and whoever does not read harms nobody."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from api.live.viewers import MOST_WAITING, Frame, Viewer
from api.wire import PUSH
from people.access import Scope
from tests.serving import running

EVERYWHERE = Scope(True, ())


def a_viewer(*, takes: list[bool]) -> tuple[Viewer, list[bytes]]:
    """A viewer whose connection takes a chunk, or not, in this order, and what was written."""
    written: list[bytes] = []

    def push(chunk: bytes) -> bool:
        if taken := takes.pop(0):
            written.append(chunk)
        return taken

    viewer = Viewer("k", lambda _conn, _shown: None, EVERYWHERE, push=push)
    return viewer, written


def test_a_frame_goes_straight_only_where_nothing_is_before_it() -> None:
    viewer, written = a_viewer(takes=[True, False])
    frames = [Frame(b"event: frame\ndata: %d\n\n" % n, 0) for n in range(5)]
    viewer.offer(frames[0])
    assert (written, list(viewer.waiting)) == ([], [frames[0]]), "its stream is still telling"
    viewer.waiting.clear()
    viewer.rests = True
    viewer.offer(frames[1])
    assert written == [f"{len(frames[1].event):x}".encode() + b"\r\n" + frames[1].event + b"\r\n"]
    viewer.offer(frames[2])  # the connection takes no more
    viewer.offer(frames[3])  # nor is it asked: one waits before
    assert list(viewer.waiting) == frames[2:4]
    viewer.start_over()
    viewer.offer(frames[4])
    viewer.end(refused=True)
    viewer.offer(frames[4])
    assert len(written) == 1
    assert not viewer.waiting


class Feed:
    """A stream of one event whose viewer is kept, and told more from elsewhere."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self.pushes: list[bool] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    async def follow(self, request: Request) -> AsyncIterator[bytes]:
        self.loop = asyncio.get_running_loop()
        push = request.scope["extensions"][PUSH]
        viewer = Viewer(
            "k", lambda _conn, _shown: None, EVERYWHERE, push=lambda chunk: self.note(push(chunk))
        )
        self.viewers.append(viewer)
        yield b"first\n"
        while not viewer.ended:
            if viewer.wants_snapshot:
                viewer.wants_snapshot = False
                yield b"snapshot\n"
            elif viewer.waiting:
                yield viewer.waiting.popleft().event
            else:
                viewer.wake.clear()
                viewer.rests = True
                await viewer.wake.wait()
                viewer.rests = False
        yield b"last\n"

    def note(self, taken: bool) -> bool:
        self.pushes.append(taken)
        return taken

    def call(self, tell: Any) -> None:
        assert self.loop is not None
        done = asyncio.run_coroutine_threadsafe(self._call(tell), self.loop)
        done.result(10)

    async def _call(self, tell: Any) -> None:
        tell()


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def port(feed: Feed) -> Iterator[int]:
    app = FastAPI()

    @app.get("/stream")
    def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(feed.follow(request))

    with running(app) as port:
        yield port


def ask(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection


def read_until(connection: socket.socket, ending: bytes) -> bytes:
    data = b""
    while not data.endswith(ending):
        more = connection.recv(1_000_000)
        assert more, data[-200:]
        data += more
    return data


def unchunked(data: bytes) -> bytes:
    body, rest = b"", data.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


def test_what_is_told_straight_and_by_the_stream_is_one_answer(feed: Feed, port: int) -> None:
    with ask(port) as connection:
        data = read_until(connection, b"first\n\r\n")
        viewer = feed.viewers[0]
        for n in range(30):
            feed.call(lambda n=n: viewer.offer(Frame(b"%d\n" % n * 1000, 0)))
        feed.call(viewer.end)
        data += read_until(connection, b"0\r\n\r\n")
    assert unchunked(data) == b"first\n" + b"".join(b"%d\n" % n * 1000 for n in range(30)) + b"last\n"
    assert any(feed.pushes)


def test_whoever_does_not_read_is_queued_then_given_up_and_others_go_on(feed: Feed, port: int) -> None:
    with ask(port) as slow, ask(port) as quick:
        read_until(quick, b"first\n\r\n")
        until = time.monotonic() + 10
        while len(feed.viewers) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        frame = Frame(b"x" * 1_000_000 + b"\n", 0)
        told = 0
        while not any(viewer.wants_snapshot for viewer in feed.viewers):
            feed.call(lambda: [viewer.offer(frame) for viewer in feed.viewers])
            read_until(quick, b"x\n\r\n")
            told += 1
            assert told < 10 * MOST_WAITING
        assert told > MOST_WAITING
        feed.call(lambda: [viewer.end() for viewer in feed.viewers])
        assert read_until(quick, b"0\r\n\r\n").endswith(b"last\n\r\n0\r\n\r\n")
        body = unchunked(read_until(slow, b"0\r\n\r\n"))
        assert body.startswith(b"first\n")
        assert body.endswith(b"last\n")
        assert body.count(b"\n") < told
