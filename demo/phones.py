"""The simulated phones and desk: HTTP to the service's own doors, as phones and desks do it."""

import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from math import isnan
from threading import local
from typing import Any

import orjson

from core.errors import Unavailable
from demo.patrols import Track

PATIENCE_S = 60
"""A phone that reaches nobody keeps its fixes and tries again for this long."""


class Door:
    """The service's address; every thread keeps a connection of its own open."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._threads = local()

    def request(
        self, method: str, path: str, body: bytes | None = None, *, token: str = ""
    ) -> tuple[int, bytes]:
        """Status and body; a connection that breaks is made anew, a service that is down or broken waited for."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            connection = self._connection()
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                status, content = answer.status, answer.read()
                if status < 500 or time.monotonic() > deadline:
                    return status, content
            except (OSError, HTTPException) as error:
                connection.close()
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"http://{self.host}:{self.port}{path} does not answer: {error}"
                    ) from error
            time.sleep(0.3)

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = HTTPConnection(self.host, self.port, timeout=30)
        connection: HTTPConnection = self._threads.connection
        return connection


@dataclass
class Phone:
    """One phone on its way: its credential, what it will measure, and how much of that it has sent.

    An OwnTracks phone sends one location a request, the others what they have gathered.
    """

    code: str
    token: str
    track: Track
    owntracks: bool = False
    sent: int = 0

    def due(self, now_s: float) -> int:
        """How many fixes it could send by now, in order of sending."""
        waiting = self.track.sent_s[self.sent :]
        return int((waiting <= now_s).cumprod().sum())

    def send(self, door: Door, count: int) -> int:
        """Send the next `count` fixes; returns how many the service took in. Unavailable where it refuses."""
        rows = range(self.sent, self.sent + count)
        taken = 0
        if self.owntracks:
            for row in rows:
                _expect(
                    door.request("POST", "/v1/ingest", orjson.dumps(self._location(row)), token=self.token)
                )
                taken += 1
        elif count:
            body = orjson.dumps({"fixes": [self._fix(row) for row in rows]})
            answer = orjson.loads(_expect(door.request("POST", "/v1/fixes", body, token=self.token)))
            taken = int(answer["accepted"] + answer["flagged"] + answer["known"])
        self.sent += count
        return taken

    def _fix(self, row: int) -> dict[str, Any]:
        track, heading = self.track, float(self.track.heading_deg[row])
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(track.fixed_s[row])))
        fix = {
            "fixed_at": at,
            "lon": float(track.lon[row]),
            "lat": float(track.lat[row]),
            "accuracy_m": float(track.accuracy_m[row]),
            "speed_mps": float(track.speed_mps[row]),
            "battery_pct": float(track.battery_pct[row]),
        }
        return fix if isnan(heading) else fix | {"heading_deg": heading}

    def _location(self, row: int) -> dict[str, Any]:
        track, heading = self.track, float(self.track.heading_deg[row])
        location = {
            "_type": "location",
            "tst": int(track.fixed_s[row]),
            "lon": float(track.lon[row]),
            "lat": float(track.lat[row]),
            "acc": round(float(track.accuracy_m[row])),
            "batt": int(track.battery_pct[row]),
            "tid": self.code[-2:],
        }
        moving = (
            {"vel": round(float(track.speed_mps[row]) * 3.6), "cog": round(heading)}
            if not isnan(heading)
            else {}
        )
        return location | moving


def report_case(door: Door, token: str, report: dict[str, object]) -> str:
    """Enter a case as a desk does; returns its number."""
    answer = orjson.loads(_expect(door.request("POST", "/v1/cases", orjson.dumps(report), token=token)))
    return str(answer["number"])


def _expect(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if not 200 <= status < 300:
        raise Unavailable(f"the service answered {status}: {body[:300].decode('utf-8', 'replace')}")
    return body
