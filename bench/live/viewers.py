"""Viewers as a process of their own: open streams whose bytes are kept as they came, and read when all is over.

`python -m bench.live.viewers '{"port": …, "token": …, "viewers": 50, "kept": 50, "out": FILE}'` says `ready` when all
have their snapshot, and ends when its standard input does.
"""

import asyncio
import json
import pickle
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

Segments = list[tuple[float, bytes]]
AGAIN_S = 1.0
SNAPSHOT = b"event: snapshot"


@dataclass
class Seen:
    """What one viewer received: how much, and the segments with their arrival on the monotonic clock where kept."""

    size: int = 0
    segments: Segments = field(default_factory=list)
    tries: int = 0


class Stream(asyncio.Protocol):
    """An open stream; one that is refused or lost is opened again a moment later, from the beginning, as a page does."""

    def __init__(self, asked: dict[str, Any], *, keeps: bool) -> None:
        self.seen = Seen()
        self.begun = asyncio.get_running_loop().create_future()
        self._asked, self._keeps, self._first = asked, keeps, b""
        self._transport: Any = None

    async def open(self) -> None:
        self.seen.segments.clear()
        self._first = b""
        self.seen.tries += 1
        loop = asyncio.get_running_loop()
        await loop.create_connection(partial(_itself, self), "127.0.0.1", self._asked["port"])

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        asked = (
            f"GET /v1/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._asked['token']}\r\n\r\n"
        )
        transport.write(asked.encode())

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._asked.get("over"):
            loop = asyncio.get_running_loop()
            loop.call_later(AGAIN_S, lambda: loop.create_task(self.open()))

    def data_received(self, data: bytes) -> None:
        self.seen.size += len(data)
        if self._keeps:
            self.seen.segments.append((time.monotonic(), data))
        if self.begun.done():
            return
        if not self._first and not data.startswith(b"HTTP/1.1 200"):
            self._transport.close()
            return
        if SNAPSHOT in (joined := self._first + data):
            self.begun.set_result(None)
        self._first = joined[-len(SNAPSHOT) :]


def _itself(stream: Stream) -> Stream:
    return stream


async def watch(asked: dict[str, Any]) -> list[Seen]:
    streams = [Stream(asked, keeps=n < asked["kept"]) for n in range(asked["viewers"])]
    for stream in streams:
        await stream.open()
    await asyncio.gather(*(stream.begun for stream in streams))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    asked["over"] = True
    return [stream.seen for stream in streams]


def events_of(segments: Segments) -> list[tuple[float, bytes]]:
    """The events of a chunked answer, each with the arrival of its last byte."""
    found, buffer, is_head = [], bytearray(), True
    for at, data in segments:
        buffer += data
        if is_head:
            head, ended, rest = bytes(buffer).partition(b"\r\n\r\n")
            if not ended:
                continue
            if not head.startswith(b"HTTP/1.1 200"):
                raise ValueError(head[:200].decode("latin-1"))
            buffer, is_head = bytearray(rest), False
        start = 0
        while (line := buffer.find(b"\r\n", start)) >= 0:
            end = line + 2 + int(buffer[start:line], 16)
            if end + 2 > len(buffer):
                break
            found.append((at, bytes(buffer[line + 2 : end])))
            start = end + 2
        del buffer[:start]
    return found


def main() -> None:
    asked = json.loads(sys.argv[1])
    seen = asyncio.run(watch(asked))
    Path(asked["out"]).write_bytes(pickle.dumps([(one.size, one.segments, one.tries) for one in seen]))


if __name__ == "__main__":
    main()
