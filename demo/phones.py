"""The simulated phones and desk: HTTP to the service's own doors, as phones and desks do it."""

import time
from collections.abc import Mapping
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
    """The service's address; every thread keeps a connection of its own open until `close`."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._threads = local()
        self._opened: list[HTTPConnection] = []

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

    def close(self) -> None:
        """Close every connection; a later request opens one anew."""
        for connection in self._opened:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._threads, "connection"):
            self._threads.connection = HTTPConnection(self.host, self.port, timeout=30)
            self._opened.append(self._threads.connection)
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

    def skip(self, since_s: float, until_s: float) -> None:
        """Leave out what would have been sent before `since_s`, and what is measured from `until_s` on: off shift."""
        self.track = self.track.take((self.track.sent_s >= since_s) & (self.track.fixed_s < until_s))

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


class Desk:
    """The desk's program: enters cases, accepts them and sends the worker of the grid."""

    def __init__(self, door: Door, token: str, worker_of_grid: Mapping[str, str]) -> None:
        self.door, self.token, self.worker_of_grid = door, token, worker_of_grid

    def report(self, report: Mapping[str, object], *, follow: int = 0) -> str:
        """Enter a case and take it so many steps further (accept, assign); returns its number."""
        known = self._post("/v1/cases", report)
        number, seq = str(known["number"]), int(known["seq"])
        if known["state"] != "reported":
            return number
        grid = str(known["owner_code"] or "")[:15]
        steps: list[dict[str, object]] = [{"kind": "accept"}]
        if grid in self.worker_of_grid:
            steps.append({"kind": "assign", "assignee": self.worker_of_grid[grid]})
        for step in steps[:follow]:
            seq = int(self._post(f"/v1/cases/{number}/events", step | {"after_seq": seq})["seq"])
        return number

    def _post(self, path: str, content: Mapping[str, object]) -> dict[str, Any]:
        answer = _expect(self.door.request("POST", path, orjson.dumps(content), token=self.token))
        known: dict[str, Any] = orjson.loads(answer)
        return known


def _expect(answer: tuple[int, bytes]) -> bytes:
    status, body = answer
    if not 200 <= status < 300:
        raise Unavailable(f"the service answered {status}: {body[:300].decode('utf-8', 'replace')}")
    return body
