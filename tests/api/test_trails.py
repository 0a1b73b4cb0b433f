"""GET /v1/trails: for whom, with what, and what is written down of it."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, insert, text

from api.app import make_app
from core.clock import utc_now
from core.db import make_engine
from core.settings import Settings
from people.grants import add_grant
from people.persons import Post, add_person, assign, end_assignments
from tests.api.conftest import Browser
from tests.conftest import drop_database, make_database
from tests.people.town import EVER, LAT, LON, Town, build_town, make_account
from tracking.devices import add_device
from tracking.partitions import ensure_partitions
from tracking.tables import fix


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


def test_fixes_in_units_are_for_whoever_led_those_who_sent_them_then_and_the_look_is_written_down(
    browse: Browser, town: Town, town_engine: Engine
) -> None:
    """By turns of an hour w1 sends from G1 and G2; the person served in S2 before and in S1 from the turn on."""
    turn = utc_now().replace(microsecond=0) - timedelta(days=10)
    span = {
        "since": (turn - timedelta(hours=1)).isoformat(),
        "until": (turn + timedelta(hours=1)).isoformat(),
    }
    with town_engine.begin() as conn:
        who = add_person(conn, "w3", "王五")
        assign(conn, who, Post(town.units["G2"], "grid_worker", EVER, turn))
        assign(conn, who, Post(town.units["G1"], "grid_worker", turn))
        account = make_account(conn, "w3", who)
        add_grant(conn, account, "worker", unit_id=town.units["G1"], now=EVER)
        town.accounts["w3"] = account
        ensure_partitions(
            conn, fix, [turn.date(), (turn - timedelta(hours=1)).date(), (turn + timedelta(hours=1)).date()]
        )
        minutes = range(-30, 30, 10)
        lon = {before: LON + (0.015 if before else 0.005) for before in (True, False)}
        rows = [
            {"device_id": 77, "person_id": who, "fixed_at": turn + timedelta(minutes=n), "received_at": turn, "digest": n}
            | {"lon": lon[n < 0], "lat": LAT + 0.005, "flags": int(n == 20), "unit_version_id": None}
            for n in minutes
        ]  # fmt: skip
        conn.execute(insert(fix), rows)

    def counted(login: str, **more: str) -> tuple[dict[str, int], int]:
        told = browse(login).get("/v1/fixes-in-units", params={**span, **more}).json()
        return {each["code"]: each["fixes"] for each in told["units"]}, told["outside"]

    now = {"view": "as_now"}
    seen = {login: counted(login, **now)[0] for login in ("w3", "boss1", "boss2", "desk", "w2", "planner")}
    both = {"G1": 2, "G2": 3}
    assert seen == {"w3": both, "boss1": {"G1": 2}, "boss2": {"G2": 3}, "desk": both, "w2": {}, "planner": {}}
    assert counted("desk") == ({}, 5)
    one = {"person": "w3", "why": "test whose", **now}
    assert (counted("boss1", **one)[0], counted("w3", **one)[0]) == ({"G1": 2}, both)
    assert browse("planner").get("/v1/fixes-in-units", params=span | one).status_code == 404
    assert browse("boss2").get("/v1/fixes-in-units", params=span | {"person": "w1"}).status_code == 404
    assert looks(town_engine, who) == [("boss1", "trail", "test whose")]
    assert browse("boss1").get("/v1/fixes-in-units", params=span | {"why": "test all"}).status_code == 200
    with town_engine.connect() as conn:
        all_of = text("SELECT unit_id FROM look WHERE why = 'test all' AND what = 'trail' AND who = 'boss1'")
        assert list(conn.scalars(all_of)) == [town.units["S1"]]
    for wrong in ({"view": "as_of"}, {"network": "police"}, {"since": span["until"], "until": span["since"]}):
        assert browse("desk").get("/v1/fixes-in-units", params=span | wrong).status_code in (404, 422)
