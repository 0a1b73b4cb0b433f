"""The small city with planners and approvers behind the application's doors."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select
from starlette.testclient import TestClient

from api.app import make_app
from api.callers import session_cookie
from core.db import make_engine
from core.settings import Settings
from people.grants import add_grant, find_unit
from people.tables import account
from people.tokens import open_session
from tests.city import FOUNDED, SOUTH, STEP, WEST, code_at, publish_small_city
from tests.conftest import copy_of, drop_database, make_database
from tests.people.town import make_account

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
ACCOUNTS = {
    "planner": ("planner", None),
    "approver": ("approver", None),
    "street": ("planner", "310101"),
    "other": ("planner", "310202"),
    "streetApprover": ("approver", "310101"),
    "worker": ("worker", None),
}
Ask = Callable[..., Any]


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def ground(server_url: str, template_name: str) -> Iterator[str]:
    """The name of a database with the small city and its accounts, which every test has a copy of."""
    name = f"wangge_plans_{uuid.uuid4().hex[:12]}"
    made = make_engine(make_database(server_url, name, template_name), pool_size=1)
    with made.begin() as conn:
        publish_small_city(conn)
        for login, (role, code) in ACCOUNTS.items():
            unit_id = find_unit(conn, code, NOW) if code else None
            add_grant(conn, make_account(conn, login), role, unit_id=unit_id, now=FOUNDED)
    made.dispose()
    yield name
    drop_database(server_url, name)


@pytest.fixture
def engine(server_url: str, ground: str) -> Iterator[Engine]:
    with copy_of(server_url, ground) as url:
        made = make_engine(url, pool_size=5)
        yield made
        made.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ask(engine: Engine, settings: Settings, clock: Clock) -> Ask:
    """`ask(login, method, path, body)`: the parsed answer with its `status`; login None: nobody is signed in."""
    return asking(engine, settings, clock)


def asking(engine: Engine, settings: Settings, clock: Clock) -> Ask:
    """A service of its own on this database."""
    app = make_app(settings, engine, clock=clock)

    def request(
        login: str | None, method: str, path: str, body: Any = None, content: bytes | None = None
    ) -> dict[str, Any]:
        client = TestClient(app, base_url="http://testserver", headers={"Origin": "http://testserver"})
        if login is not None:
            with engine.begin() as conn:
                account_id = dict(accounts(conn))[login]
                secret = open_session(conn, account_id, now=clock(), lifetime=timedelta(hours=1))
            client.cookies.set(session_cookie(settings), secret)
        answer = client.request(method, path, json=body, content=content)
        told = "json" in answer.headers["content-type"]
        read: dict[str, Any] = answer.json() if told else {"content": answer.content}
        return read | {"status": answer.status_code, "ok": answer.is_success}

    return request


def accounts(conn: Connection) -> list[tuple[str, int]]:
    return [(row.login, row.id) for row in conn.execute(select(account.c.login, account.c.id))]


def line(*places: tuple[float, float]) -> dict[str, Any]:
    """A line by columns and rows of the lattice."""
    return {"type": "LineString", "coordinates": [[WEST + STEP * x, SOUTH + STEP * y] for x, y in places]}


def unit_id(ask: Ask, column: int, row: int, level: str = "microgrid") -> str:
    found: str = ask("planner", "GET", f"/v1/units/{code_at(column, row, level)}?level={level}")["id"]
    return found


def open_plan(ask: Ask, login: str = "planner", **more: Any) -> int:
    made = ask(login, "POST", "/v1/plans", {"name": "调整一街", **more})
    assert made["ok"], made
    return int(made["id"])


def split(ask: Ask, plan: int, login: str = "planner") -> dict[str, Any]:
    args = {"unit": unit_id(ask, 0, 0), "line": line((0.4, -0.5), (0.4, 1.5))}
    done: dict[str, Any] = ask(
        login, "POST", f"/v1/plans/{plan}/operations", {"op": "split_by_line", "args": args}
    )
    assert done["ok"], done
    return done


def approve(ask: Ask, plan: int) -> None:
    for login, step in (("planner", "check"), ("planner", "submit"), ("approver", "approve")):
        taken = ask(login, "POST", f"/v1/plans/{plan}/steps", {"step": step})
        assert taken["ok"], taken
