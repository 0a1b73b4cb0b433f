"""A town in a database of its own, the app on it, and browsers signed in as its people."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from starlette.types import Message

from api.app import make_app
from api.callers import session_cookie
from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.clock import utc_now
from core.db import make_engine
from core.settings import Settings, read_settings
from geo.plans.redraw import open_redraw
from people.tokens import open_session
from tests.conftest import drop_database, make_database
from tests.people.town import EVER, Town, build_town
from tracking.devices import add_device

ORIGIN = "http://testserver"
Browser = Callable[[str | None], TestClient]


@pytest.fixture(scope="package")
def town_engine(server_url: str, template_name: str) -> Iterator[Engine]:
    """A database with the town, committed."""
    name = f"wangge_town_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name), pool_size=10)
    yield engine
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture(scope="package")
def town(town_engine: Engine) -> Town:
    with town_engine.begin() as conn:
        return build_town(conn, utc_now())


@pytest.fixture(scope="package")
def settings() -> Settings:
    return read_settings(
        {
            "WANGGE_SIGN_IN_ATTEMPTS": "1000",
            "WANGGE_MAX_BODY_MB": "1",
            "WANGGE_TIME_ZONE": zone_far_from_midnight(),
        }
    )


def zone_far_from_midnight() -> str:
    """Where no day ends while the tests run, nor began just before: figures of "today" are of a past that stands."""
    usual = read_settings({}).zone
    return usual.key if 3 <= utc_now().astimezone(usual).hour < 21 else "Etc/GMT-1"


@pytest.fixture(scope="package")
def app(settings: Settings, town_engine: Engine, town: Town) -> FastAPI:
    return make_app(settings, town_engine)


@pytest.fixture
def browse(app: FastAPI, settings: Settings, town_engine: Engine, town: Town) -> Iterator[Browser]:
    """A browser signed in as an account of the town, or as no one."""
    opened: list[TestClient] = []

    def open_browser(login: str | None) -> TestClient:
        client = TestClient(
            app,
            base_url=ORIGIN,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"Origin": ORIGIN},
        )
        if login is not None:
            with town_engine.begin() as conn:
                secret = open_session(conn, town.accounts[login], now=utc_now(), lifetime=timedelta(hours=1))
            client.cookies.set(session_cookie(settings), secret)
        opened.append(client)
        return client

    yield open_browser
    for client in opened:
        client.close()


@pytest.fixture(scope="package")
def phone(town_engine: Engine, town: Town) -> str:
    """The credential of w1's phone."""
    with town_engine.begin() as conn:
        return add_device(conn, "P1", "w1", now=EVER)


@pytest.fixture(scope="package")
def case_number(app: FastAPI, town_engine: Engine, town: Town) -> str:
    """A case in G1."""
    report = CaseReport("test", "1", "noise", lon=121.005, lat=31.005)
    with town_engine.begin() as conn:
        actor = Actor("w1", "worker", town.accounts["w1"], town.persons["w1"])
        (taken,) = take_in_cases(conn, app.state.lookup, [report], actor=actor, now=utc_now())
    return taken.number


@pytest.fixture(scope="package")
def plan_id(town_engine: Engine, town: Town) -> str:
    """An open plan of the whole town."""
    with town_engine.begin() as conn:
        return str(open_redraw(conn, "governance", name="plan", by="w2").id)


def first_status(client: TestClient, url: str, headers: dict[str, str]) -> int:
    """The status of an endless answer, which is hung up on when its first bytes are there."""
    sent = client.build_request("GET", url, headers=headers)
    statuses: list[int] = []

    async def follow() -> None:
        first_bytes = asyncio.Event()
        to_receive: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if to_receive:
                return to_receive.pop()
            await first_bytes.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            elif message.get("body"):
                first_bytes.set()

        scope = {
            "type": "http",
            "method": "GET",
            "path": sent.url.path,
            "raw_path": sent.url.raw_path,
            "query_string": sent.url.query,
            "headers": [(name.lower(), value) for name, value in sent.headers.raw],
            "scheme": "http",
            "server": ("testserver", 80),
            "client": ("testclient", 1),
            "http_version": "1.1",
            "root_path": "",
        }
        try:
            async with asyncio.timeout(20):
                await client.app(scope, receive, send)
        finally:
            await client.app.state.feed.close()

    asyncio.run(follow())
    return statuses[0]
