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


@dataclass
class Seen:
    """What one viewer received: how much, and the segments with their arrival on the monotonic clock where kept."""

    size: int = 0
    segments: Segments = field(default_factory=list)


class Stream(asyncio.Protocol):
    """An open stream."""

    def __init__(self, asked: dict[str, Any], *, keeps: bool) -> None:
        self.seen = Seen()
        self.begun = asyncio.get_running_loop().create_future()
        self._request = (
            f"GET /v1/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {asked['token']}\r\n\r\n"
        )
        self._keeps, self._first = keeps, b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        self.seen.size += len(data)
        if self._keeps:
            self.seen.segments.append((time.monotonic(), data))
        if not self.begun.done():
            self._first = (self._first + data)[-100_000:]
            if b"event: snapshot" in self._first or b"\ndata: " in self._first:
                self._first = b""
                self.begun.set_result(None)


def _itself(stream: Stream) -> Stream:
    return stream


async def watch(asked: dict[str, Any]) -> list[Seen]:
    loop = asyncio.get_running_loop()
    streams = []
    for n in range(asked["viewers"]):
        stream = Stream(asked, keeps=n < asked["kept"])
        await loop.create_connection(partial(_itself, stream), "127.0.0.1", asked["port"])
        streams.append(stream)
    await asyncio.gather(*(stream.begun for stream in streams))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
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
    Path(asked["out"]).write_bytes(pickle.dumps([(one.size, one.segments) for one in seen]))


if __name__ == "__main__":
    main()
