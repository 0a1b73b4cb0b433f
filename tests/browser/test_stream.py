"""The live stream over HTTP, from a real server: an endless answer has a test of its own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from bench.screen import Screen
from core.clock import utc_now
from people.accounts import find_account
from people.tokens import issue_bearer
from tests.browser.city import City
from tests.browser.conftest import Hire
from tests.city import centre


@pytest.fixture
def bearer(city: City) -> dict[str, str]:
    with city.engine.begin() as conn:
        until = utc_now() + timedelta(hours=1)
        secret = issue_bearer(conn, find_account(conn, "command"), "test", now=utc_now(), expires_at=until)
    return {"Authorization": f"Bearer {secret}"}


class Stream:
    """An open stream and what it has on its screen."""

    def __init__(self, lines: Iterator[str], screen: Screen) -> None:
        self.lines = lines
        self.screen = screen

    def next(self) -> dict[str, Any]:
        """The next event."""
        event: list[str] = []
        for line in self.lines:
            if line:
                event.append(line)
            elif any(one.startswith("event") for one in event):
                return self.screen.take("\n".join(event).encode())
            else:
                event = []
        raise AssertionError("the stream ended")

    @property
    def dots(self) -> dict[str, dict[str, Any]]:
        return {one["code"]: one for one in self.screen.state.values()}


def lon_of(stream: Stream, code: str) -> float | None:
    """None as long as they are not on the screen, or without a position."""
    lon: float | None = stream.dots[code]["lon"] if code in stream.dots else None
    return lon


@contextmanager
def following(city: City, headers: dict[str, str], screen: Screen | None = None) -> Iterator[Stream]:
    with httpx.stream("GET", f"{city.url}/v1/live", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer.iter_lines(), screen or Screen())


def test_a_fix_sent_by_a_phone_is_in_the_stream_and_a_resumed_one_goes_on(
    city: City, bearer: dict[str, str], hire: Hire
) -> None:
    lon, lat = centre(5, 6)
    walker = hire("许强", (5, 6), shift_h=1)
    with following(city, bearer) as stream:
        first = stream.next()
        assert first["event"] == "snapshot"
        assert {"w1", "w2"} <= stream.dots.keys()
        city.send_fix(walker, lon + 1e-4, lat)
        moved = stream.next()
        while lon_of(stream, walker) != pytest.approx(lon + 1e-4, abs=1e-6):
            moved = stream.next()
        assert moved["event"] == "frame"
        assert moved["id"].partition("-")[0] == first["id"].partition("-")[0]
    city.send_fix(walker, lon + 2e-4, lat)
    with following(city, bearer | {"Last-Event-ID": moved["id"]}, stream.screen) as again:
        assert again.next()["event"] == "frame"
        while lon_of(again, walker) != pytest.approx(lon + 2e-4, abs=1e-6):
            assert again.next()["event"] != "snapshot"


def fixed(dots: Iterable[dict[str, Any]]) -> set[object]:
    """Who has a position, and of when in whole milliseconds."""
    times = {dot["code"]: dot["fixed_at"] for dot in dots if dot["fixed_at"] is not None}
    as_told = {
        code: datetime.fromisoformat(at).timestamp() if isinstance(at, str) else at
        for code, at in times.items()
    }
    return {(code, round(at * 1000)) for code, at in as_told.items()}


def states(now: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {dot["code"]: (dot["state"], dot["reason"]) for dot in now["dots"]}


def now_and_snapshot(city: City, bearer: dict[str, str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What `now` and a snapshot tell of the same moment: nobody's state, which follows from the age, changed about it."""
    while True:
        now = httpx.get(f"{city.url}/v1/live/now", headers=bearer).json()
        with following(city, bearer) as stream:
            stream.next()
        after = httpx.get(f"{city.url}/v1/live/now", headers=bearer).json()
        if states(now) == states(after):
            return now, stream.dots


def test_the_state_of_now_is_the_snapshot(city: City, bearer: dict[str, str]) -> None:
    now = httpx.get(f"{city.url}/v1/live/now", headers=bearer).json()
    with following(city, bearer) as stream:  # until it has read what was sent last
        stream.next()
        while fixed(stream.dots.values()) != fixed(now["dots"]):
            stream.next()
    now, dots = now_and_snapshot(city, bearer)
    told = {dot["code"]: dot for dot in now["dots"]}
    assert dots.keys() == told.keys()
    for code, dot in dots.items():
        for name in ("id", "name", "paths", "state", "reason", "expected_s", "at_unit_code"):
            assert dot[name] == told[code][name], name
        if dot["lon"] is not None:
            assert dot["lon"] == pytest.approx(told[code]["lon"], abs=1e-6)
            assert dot["fixed_at"] == pytest.approx(
                datetime.fromisoformat(told[code]["fixed_at"]).timestamp(), abs=1e-3
            )
    figures = now["figures"]
    assert figures["on_shift"] == len(told) == figures["heard"] + figures["silent"]
    assert figures["moving"] == sum(dot["state"] == "moving" for dot in told.values())


def test_a_stream_wants_a_caller(city: City) -> None:
    answer = httpx.get(f"{city.url}/v1/live")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
