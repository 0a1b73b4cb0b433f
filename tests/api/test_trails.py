"""GET /v1/trails: for whom, with what, and what is written down of it."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text

from api.app import make_app
from core.clock import utc_now
from core.db import make_engine
from core.settings import Settings
from people.persons import Post, assign, end_assignments
from tests.api.conftest import Browser
from tests.conftest import drop_database, make_database
from tests.people.town import EVER, Town, build_town
from tracking.devices import add_device


@pytest.fixture(scope="module")
def town_engine(server_url: str, template_name: str) -> Iterator[Engine]:
    """A town of these tests alone: others change who serves where."""
    name = f"wangge_trails_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template_name))
    yield engine
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture(scope="module")
def town(town_engine: Engine) -> Town:
    with town_engine.begin() as conn:
        return build_town(conn, utc_now())


@pytest.fixture(scope="module")
def app(settings: Settings, town_engine: Engine, town: Town) -> FastAPI:
    return make_app(settings, town_engine)


@pytest.fixture(scope="module")
def phone(town_engine: Engine, town: Town) -> str:
    with town_engine.begin() as conn:
        return add_device(conn, "P1", "w1", now=EVER)


def looks(engine: Engine, person_id: int) -> list[tuple[object, ...]]:
    query = text("SELECT who, what, why FROM look WHERE person_id = :p AND why LIKE 'test%' ORDER BY id")
    with engine.connect() as conn:
        return [tuple(row) for row in conn.execute(query, {"p": person_id})]


def test_a_leaders_look_is_written_down_and_ones_own_is_not(
    browse: Browser, town: Town, town_engine: Engine, phone: str
) -> None:
    now = utc_now()
    fixes = [
        {"fixed_at": (now - timedelta(seconds=10 * n)).isoformat(), "lon": 121.005, "lat": 31.005 + n * 1e-5}
        for n in range(5)
    ]
    sent = browse(None).post("/v1/fixes", json={"fixes": fixes}, headers={"Authorization": f"Bearer {phone}"})
    assert sent.json()["accepted"] == 5
    answer = browse("boss1").get("/v1/trails?person=w1&why=test+complaint")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/geo+json")
    kinds = [feature["properties"]["kind"] for feature in answer.json()["features"]]
    assert kinds.count("fix") >= 5
    assert "segment" in kinds
    assert browse("w1").get("/v1/trails?person=w1&why=test+own").status_code == 200
    assert looks(town_engine, town.persons["w1"]) == [("boss1", "trail", "test complaint")]


@pytest.mark.parametrize("login", ["boss2", "w2", "plain", "planner", "administrator", "auditor"])
def test_others_are_told_that_there_is_no_such_person_and_no_look_is_written(
    browse: Browser, town: Town, town_engine: Engine, login: str
) -> None:
    before = looks(town_engine, town.persons["w1"])
    refused = browse(login).get("/v1/trails?person=w1&why=test+curious")
    unknown = browse(login).get("/v1/trails?person=nobody&why=test+curious")
    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["detail"] == unknown.json()["detail"].replace("nobody", "w1")
    assert looks(town_engine, town.persons["w1"]) == before


@pytest.mark.parametrize(
    "query",
    [
        "person=w1&on=yesterday",
        "",
        "person=w1&on=2026-02-30",
        "person=w1&on=0001-01-01",
        "person=w1&on=9999-12-31",
        f"person=w1&why={'x' * 300}",
    ],
)
def test_a_question_that_makes_no_sense_is_422(browse: Browser, query: str) -> None:
    answer = browse("boss1").get(f"/v1/trails?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("on", ["0001-01-02", "9999-12-30", "1969-07-20"])
def test_any_day_of_the_calendar_has_a_trail_even_if_empty(browse: Browser, on: str) -> None:
    answer = browse("command").get(f"/v1/trails?person=w1&on={on}")
    assert answer.status_code == 200
    assert answer.json()["features"] == []


def test_a_past_day_is_for_whoever_led_the_person_then(
    browse: Browser, town: Town, town_engine: Engine
) -> None:
    """w2 served in S2 until the day before yesterday and has served in S1 since yesterday."""
    with town_engine.begin() as conn:
        moved = (utc_now() - timedelta(days=1)).replace(hour=4, minute=0)
        end_assignments(conn, town.persons["w2"], moved)
        assign(conn, town.persons["w2"], Post(town.units["G1"], "grid_worker", moved))
    today, before = utc_now().date(), utc_now().date() - timedelta(days=3)
    asked = {
        (login, on): browse(login).get(f"/v1/trails?person=w2&on={on}").status_code
        for login in ("boss1", "boss2")
        for on in (today, before)
    }
    assert asked == {
        ("boss1", today): 200,
        ("boss2", today): 404,
        ("boss1", before): 404,
        ("boss2", before): 200,
    }
