"""The live stream over HTTP, from a real server: an endless answer has a test of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.clock import utc_now
from people.accounts import find_account
from people.tokens import issue_bearer
from tests.browser.conftest import City
from tests.city import centre


@pytest.fixture
def bearer(city: City) -> dict[str, str]:
    with city.engine.begin() as conn:
        until = utc_now() + timedelta(hours=1)
        secret = issue_bearer(conn, find_account(conn, "command"), "test", now=utc_now(), expires_at=until)
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def following(city: City, headers: dict[str, str]) -> Iterator[Iterator[dict[str, Any]]]:
    with httpx.stream("GET", f"{city.url}/v1/live", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield {"event": fields["event"], "id": fields["id"], **json.loads(fields["data"])}
            fields = {}


def test_a_fix_sent_by_a_phone_is_in_the_stream_and_a_resumed_one_goes_on(
    city: City, bearer: dict[str, str]
) -> None:
    lon, lat = centre(5, 5)
    with following(city, bearer) as told:
        first = next(told)
        assert first["event"] == "snapshot"
        assert {"w1", "w2"} <= {dot["code"] for dot in first["dots"]}
        city.send_fix("w2", lon + 1e-4, lat)
        moved = next(event for event in told if any(dot["code"] == "w2" for dot in event["dots"]))
        assert moved["event"] == "frame"
        assert int(moved["id"]) >= int(first["id"])
    with following(city, bearer | {"Last-Event-ID": moved["id"]}) as told:
        assert next(told)["event"] in {"frame", "snapshot"}


def test_the_state_of_now_is_the_snapshot(city: City, bearer: dict[str, str]) -> None:
    now = httpx.get(f"{city.url}/v1/live/now", headers=bearer).json()
    with following(city, bearer) as told:
        snapshot = next(told)
    dots = {dot["code"]: dot["paths"] for dot in snapshot["dots"]}
    assert {dot["code"]: dot["paths"] for dot in now["dots"]} == dots


def test_a_stream_wants_a_caller(city: City) -> None:
    answer = httpx.get(f"{city.url}/v1/live")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
