"""Phones as a process of their own: a fix every interval each, over kept connections; when each was acknowledged.

`python -m bench.live.phones '{"port": …, "crowd": FILE.npz, "interval_s": 10, "seconds": 30, "phones_each": 20, "out": FILE.npz}'`
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

HEAD = (
    "POST /v1/fixes HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
)
BODY = (
    '{{"fixes":[{{"fixed_at":"{at}","lon":{lon:.7f},"lat":{lat:.7f},'
    '"accuracy_m":6,"speed_mps":1.2,"heading_deg":90,"battery_pct":81}}]}}'
)
STEP_DEG = 1e-4


@dataclass
class Log:
    """What was acknowledged: whose, the fix time in ms since 1970, and when on the monotonic clock."""

    who: list[int] = field(default_factory=list)
    fixed_ms: list[int] = field(default_factory=list)
    acked_at: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


class Connection(asyncio.Protocol):
    """One request at a time over a connection that stays open."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[str] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result("closed")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(body) >= length and self._answer is not None and not self._answer.done():
            self._buffer = b""
            self._answer.set_result(head[9:12].decode())

    async def ask(self, request: bytes) -> str:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def walk(asked: dict[str, Any], crowd: Any, mine: range, log: Log) -> None:
    """The phones of one connection, each in its turn of every interval."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", asked["port"])
    tokens, start, count = crowd["tokens"], crowd["start"], len(crowd["tokens"])
    begun, interval_s = asked["begin"], asked["interval_s"]
    for turn in range(max(round(asked["seconds"] / interval_s), 1)):
        for n in mine:
            due = begun + interval_s * (turn + n / count)
            if due - begun > asked["seconds"]:
                return
            if (wait_s := due - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            now_ms = time.time_ns() // 1_000_000
            at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
            lon, lat = start[n]
            body = BODY.format(at=at, lon=lon + STEP_DEG * (turn + 1), lat=lat)
            request = HEAD.format(token=tokens[n], length=len(body), body=body).encode()
            status = await connection.ask(request)
            log.statuses[status] += 1
            log.late_s.append(time.monotonic() - due)
            if status == "200":
                log.who.append(n)
                log.fixed_ms.append(now_ms)
                log.acked_at.append(time.monotonic())
            elif status == "closed":
                _, connection = await loop.create_connection(Connection, "127.0.0.1", asked["port"])


async def send_all(asked: dict[str, Any]) -> Log:
    with np.load(asked["crowd"]) as found:
        crowd = {"tokens": found["tokens"].tolist(), "start": found["start"].tolist()}
    asked["begin"] = time.monotonic() + 0.5
    log, connections = Log(), -(-len(crowd["tokens"]) // asked["phones_each"])
    shares = [range(first, len(crowd["tokens"]), connections) for first in range(connections)]
    await asyncio.gather(*(walk(asked, crowd, mine, log) for mine in shares))
    return log


def main() -> None:
    asked = json.loads(sys.argv[1])
    log = asyncio.run(send_all(asked))
    np.savez(
        asked["out"],
        who=np.array(log.who, np.int64),
        fixed_ms=np.array(log.fixed_ms, np.int64),
        acked_at=np.array(log.acked_at),
        late_s=np.array(log.late_s),
        refused=np.array(sum(log.statuses.values()) - log.statuses["200"]),
    )


if __name__ == "__main__":
    main()
