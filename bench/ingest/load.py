"""Phones by the hundred: fixes over kept-alive connections, each sent when the one before it was answered.

A process of its own (`python -m bench.ingest.load`): told what to do by a line of JSON on stdin, it tells what came of
it by one on stdout. Requests are bytes made beforehand but for the time and the place, and answers are compared with
the bytes expected, so that measuring takes as little as possible from what is measured.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

_FIX = (
    '{"fixed_at":"%s","lon":%.7f,"lat":%.7f,"accuracy_m":8,"speed_mps":1.2,"heading_deg":90,"battery_pct":80}'
)
_STEP_DEG = 1e-5
_AHEAD = 60_000
"""Requests of one fix that are made before the clock starts."""


@dataclass(frozen=True, slots=True)
class Order:
    """`size` fixes a request, for `seconds`, on `connections` connections; phone n starts at `start[n]` and its first
    fix is of `since` (epoch seconds), each next one a second later.
    """

    port: int
    seconds: float
    connections: int
    size: int
    since: float
    tokens: Sequence[str]
    start: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`right` answers said that every fix was accepted; `wrong` holds some of the others. Latencies in milliseconds."""

    right: int
    wrong: Sequence[str]
    seconds: float
    p50_ms: float
    p95_ms: float
    cpu_s: float


class Phone(asyncio.Protocol):
    """One connection, which several phones use in turn."""

    def __init__(self, order: Order, which: Sequence[int]) -> None:
        self._order, self._which, self._until = order, which, 0.0
        self._sent = 0
        self._began = 0.0
        self._answer = b""
        self.right = 0
        self.wrong: list[str] = []
        self.took: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected = b'{"accepted":%d,"flagged":0,"known":0,"dropped":0}' % order.size
        self._heads = [
            f"POST /v1/fixes HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {order.tokens[n]}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
            for n in which
        ]
        ahead = _AHEAD // order.connections if order.size == 1 else 0
        self._made = [self._make(n) for n in range(ahead)]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def start(self, until: float) -> None:
        """Send the first request; the last one is sent before `until` on the performance counter."""
        self._until = until
        self._send()

    def _make(self, sent: int) -> bytes:
        """The next request after so many."""
        turn, place = divmod(sent, len(self._which))
        lon, lat = self._order.start[self._which[place]]
        size = self._order.size
        fixes = []
        for n in range(turn * size, (turn + 1) * size):
            at = datetime.fromtimestamp(self._order.since + n, UTC).isoformat()
            fixes.append(_FIX % (at, lon + _STEP_DEG * (n % 60), lat))
        body = '{"fixes":[' + ",".join(fixes) + "]}"
        return f"{self._heads[place]}{len(body)}\r\n\r\n{body}".encode()

    def _send(self) -> None:
        request = self._made[self._sent] if self._sent < len(self._made) else self._make(self._sent)
        self._sent += 1
        self._began = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._answer.endswith(self._expected) and self._answer.startswith(b"HTTP/1.1 200"):
            self.right += 1
        else:
            head, end, body = self._answer.partition(b"\r\n\r\n")
            if not end or len(body) < int(
                head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            ):
                return
            if len(self.wrong) < 3:
                self.wrong.append(self._answer.decode()[-300:])
        now = time.perf_counter()
        self.took.append(now - self._began)
        self._answer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.wrong.append(repr(exc))
        if not self.done.done():
            self.done.set_result(None)


async def _send_all(order: Order) -> Outcome:
    loop = asyncio.get_running_loop()
    phones = []
    for n in range(order.connections):
        which = range(n, len(order.tokens), order.connections)
        made = await loop.create_connection(lambda w=which: Phone(order, w), "127.0.0.1", order.port)  # type: ignore[misc]
        phones.append(made[1])
    before = _spent_s()
    began = time.perf_counter()
    for phone in phones:
        phone.start(began + order.seconds)
    await asyncio.gather(*(phone.done for phone in phones))
    took = sorted(one for phone in phones for one in phone.took) or [0.0]
    return Outcome(
        right=sum(phone.right for phone in phones),
        wrong=[told for phone in phones for told in phone.wrong][:5],
        seconds=time.perf_counter() - began,
        p50_ms=took[len(took) // 2] * 1000,
        p95_ms=took[len(took) * 95 // 100] * 1000,
        cpu_s=_spent_s() - before,
    )


def _spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def send(order: Order) -> Outcome:
    """Carry out an order in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingest.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=order.seconds + 120,
    )
    return Outcome(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_send_all(Order(**json.load(sys.stdin)))))))
