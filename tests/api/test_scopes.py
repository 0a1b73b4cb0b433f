"""A viewer of one street never receives a person, a case, an alert, a hit or a nearest worker of the other one.

Everything that answers with people or cases is asked by the supervisors of both streets, also with the ids and codes of
what is not theirs; whatever is answered is searched for the other street's names.
"""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from analysis.alerts import watch, watch_rules_of
from api.app import make_app
from core.clock import utc_now
from core.db import make_engine
from core.settings import Settings
from tests.api.conftest import Browser
from tests.conftest import drop_database, make_database
from tests.people.town import EVER, LAT, LON, Town, build_town
from tracking.devices import add_device

SPOTS = {"w1": (LON + 0.005, LAT + 0.005), "w2": (LON + 0.015, LAT + 0.005)}
BOSS = {"w1": "boss1", "w2": "boss2"}
OTHER = {"w1": "w2", "w2": "w1"}


@pytest.fixture(scope="module")
def town_engine(server_url: str, template_name: str) -> Iterator[Engine]:
    name = f"wangge_scopes_{uuid.uuid4().hex[:12]}"
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
def phones(town_engine: Engine, town: Town) -> dict[str, str]:
    with town_engine.begin() as conn:
        return {code: add_device(conn, f"P-{code}", code, now=EVER) for code in SPOTS}


@pytest.fixture
def cases(browse: Browser, phones: dict[str, str], settings: Settings, town_engine: Engine) -> dict[str, str]:
    """In each street: a worker who walks and calls for help, and an urgent case. Returns the cases' numbers."""
    numbers = {}
    for code, (lon, lat) in SPOTS.items():
        fix = {"fixed_at": utc_now().isoformat(), "lon": lon, "lat": lat, "sos": True}
        sent = browse(None).post(
            "/v1/fixes", json={"fixes": [fix]}, headers={"Authorization": f"Bearer {phones[code]}"}
        )
        assert sent.json()["accepted"] == 1
        body = {
            "channel": "test",
            "external_ref": uuid.uuid4().hex,
            "category": f"noise near {code}",
            "level": 3,
        }
        made = browse(code).post("/v1/cases", json=body | {"lon": lon, "lat": lat})
        assert made.status_code == 201
        numbers[code] = made.json()["number"]
    with town_engine.begin() as conn:
        assert watch(conn, utc_now(), watch_rules_of(settings))
    return numbers


def strangers(code: str, cases: dict[str, str]) -> tuple[str, ...]:
    """What must not be in any answer to the leader of `code`."""
    other = OTHER[code]
    grid = "G2" if other == "w2" else "G1"
    return (f'"{other}', f'"{grid}"', f'"{cases[other]}"', f"near {other}", f"{SPOTS[other][0]:.3f}")


@pytest.mark.parametrize("code", SPOTS)
@pytest.mark.parametrize(
    "url",
    [
        "/v1/live/now",
        "/v1/alerts",
        "/v1/search?q=w",
        "/v1/search?q=G",
        "/v1/search?q=%E5%8F%B7",
        "/v1/search?q=%25",
        "/v1/search?q={other_case}",
        "/v1/search?q={other}",
        "/v1/cases",
        "/v1/cases?format=geojson",
        "/v1/cases?unit=T",
        "/v1/cases/{own_case}/nearest?limit=50",
        "/v1/live/units",
        "/v1/live/units?parent=T",
        "/v1/live/units?parent=S1",
        "/v1/live/units?parent=S2",
        "/v1/people",
        "/v1/case-counts",
        "/v1/fixes-in-units?since=2026-01-01T00:00:00Z&until=2099-01-01T00:00:00Z",
        "/v1/fixes-in-units?since=2026-01-01T00:00:00Z&until=2099-01-01T00:00:00Z&view=as_now",
    ],
)
def test_nothing_of_the_other_street_is_in_the_answer(
    url: str, code: str, browse: Browser, cases: dict[str, str]
) -> None:
    asked = url.format(other=OTHER[code], other_case=cases[OTHER[code]], own_case=cases[code])
    answer = browse(BOSS[code]).get(asked)
    assert answer.status_code == 200
    told = answer.text.replace("w李", "")
    assert [word for word in strangers(code, cases) if word in told] == []


@pytest.mark.parametrize("code", SPOTS)
@pytest.mark.parametrize(
    "url",
    [
        "/v1/cases/{other_case}",
        "/v1/cases/{other_case}/nearest",
        "/v1/people/{other}",
        "/v1/people/{other}/today",
        "/v1/people/{other}/responses",
        "/v1/trails?person={other}",
    ],
)
def test_what_is_not_ones_own_is_not_there(
    url: str, code: str, browse: Browser, cases: dict[str, str]
) -> None:
    boss = browse(BOSS[code])
    assert boss.get(url.format(other=OTHER[code], other_case=cases[OTHER[code]])).status_code == 404
    assert boss.get(url.format(other=code, other_case=cases[code])).status_code == 200


def alerts(browse: Browser, login: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browse(login).get("/v1/alerts").json()["alerts"]
    return found


def test_an_alert_is_acknowledged_by_those_it_concerns_and_by_no_other(
    browse: Browser, cases: dict[str, str]
) -> None:
    theirs = alerts(browse, "boss2")
    assert {one["kind"] for one in theirs} >= {"sos", "urgent_case"}
    for one in theirs:
        url = f"/v1/alerts/{one['id']}/acknowledge"
        assert browse("boss1").post(url, json={}).status_code == 404
        assert browse("plain").post(url, json={}).status_code == 403
        done = browse("boss2").post(url, json={"note": "seen"})
        assert (done.status_code, done.json()["acknowledged_by"]) == (200, "boss2")
        assert browse("command").post(url, json={"note": "me too"}).json()["acknowledged_by"] == "boss2"
    assert {one["acknowledged_by"] for one in alerts(browse, "boss2")} == {"boss2"}


def test_nobody_of_another_street_can_be_sent(browse: Browser, cases: dict[str, str]) -> None:
    boss, url = browse("boss1"), f"/v1/cases/{cases['w1']}/events"
    assert boss.post(url, json={"kind": "accept", "after_seq": 1}).status_code == 200
    for stranger in ("w2", "nobody", "boss2"):
        refused = boss.post(url, json={"kind": "assign", "after_seq": 2, "assignee": stranger})
        assert refused.status_code == 404
    sent = boss.post(url, json={"kind": "assign", "after_seq": 2, "assignee": "w1"})
    assert (sent.status_code, sent.json()["acknowledged_at"]) == (200, None)
    tasks = browse("w1").get("/v1/me/tasks").json()
    assert [one["number"] for one in tasks["cases"]] == [cases["w1"]]
    assert browse("w2").get("/v1/me/tasks").json()["cases"] == []
    assert browse("w2").post(url, json={"kind": "acknowledge", "after_seq": 3}).status_code == 404
    assert boss.post(url, json={"kind": "acknowledge", "after_seq": 3}).status_code == 403
    took = browse("w1").post(url, json={"kind": "acknowledge", "after_seq": 3})
    assert took.status_code == 200
    shown = boss.get(f"/v1/cases/{cases['w1']}").json()
    assert shown["acknowledged_at"] is not None
    assert (shown["state"], shown["events"][-1]["kind"], shown["events"][-1]["actor"]) == (
        "assigned",
        "acknowledge",
        "w1",
    )
    assert browse("w1").post(url, json={"kind": "acknowledge", "after_seq": 4}).status_code == 409


def test_a_known_report_tells_a_stranger_nothing(browse: Browser, cases: dict[str, str]) -> None:
    body = {"channel": "test", "external_ref": uuid.uuid4().hex, "category": "noise", "level": 1}
    body |= dict(zip(("lon", "lat"), SPOTS["w2"], strict=True))
    first = browse("w2").post("/v1/cases", json=body)
    assert (first.status_code, browse("w2").post("/v1/cases", json=body).status_code) == (201, 200)
    assert browse("boss2").post("/v1/cases", json=body).json()["number"] == first.json()["number"]
    answers = [
        browse(login).post("/v1/cases", json=body | changes)
        for login in ("boss1", "w1")
        for changes in ({}, {"category": "other"})
    ]
    assert {answer.status_code for answer in answers} == {409}
    assert all(first.json()["number"] not in answer.text for answer in answers)
    assert all("location" not in answer.headers for answer in answers)
    assert len({answer.json()["detail"] for answer in answers}) == 1, "nor whether the contents agree"


def test_a_reporter_learns_of_their_own_report_wherever_it_lies(
    browse: Browser, cases: dict[str, str]
) -> None:
    body = {"channel": "test", "external_ref": uuid.uuid4().hex, "category": "noise", "level": 1}
    body |= dict(zip(("lon", "lat"), SPOTS["w2"], strict=True))
    assert browse("w1").post("/v1/cases", json=body).status_code == 201
    again = browse("w1").post("/v1/cases", json=body)
    assert again.status_code == 200
    assert browse("w1").get(f"/v1/cases/{again.json()['number']}").status_code == 404


def test_a_call_for_help_outlives_the_service_and_the_caller_sees_who_answered(
    browse: Browser, cases: dict[str, str], settings: Settings, town_engine: Engine
) -> None:
    before = alerts(browse, "boss1")
    call = next(one for one in before if one["kind"] == "sos" and one["acknowledged_at"] is None)
    restarted = make_engine(town_engine.url.render_as_string(hide_password=False))
    with TestClient(make_app(settings, restarted), headers=dict(browse("boss1").headers)) as client:
        client.cookies.update(browse("boss1").cookies)
        assert call in client.get("/v1/alerts").json()["alerts"]
    restarted.dispose()
    assert browse("w1").get("/v1/me/tasks").json()["sos"]["acknowledged_by"] is None
    browse("boss1").post(f"/v1/alerts/{call['id']}/acknowledge", json={})
    assert browse("w1").get("/v1/me/tasks").json()["sos"]["acknowledged_by"] == "boss1"


def test_looking_at_where_people_are_is_written_down_once_in_ten_minutes(
    browse: Browser, cases: dict[str, str], town: Town, town_engine: Engine
) -> None:
    desk = browse("desk")
    for _ in range(2):
        for url in (
            "/v1/alerts",
            f"/v1/cases/{cases['w1']}/nearest",
            "/v1/search?q=w1",
            "/v1/people/w1/today",
        ):
            assert desk.get(url).status_code == 200
    with town_engine.connect() as conn:
        looks = conn.execute(text("SELECT what, person_id FROM look WHERE who = 'desk' ORDER BY id")).all()
    assert [tuple(one) for one in looks] == [("live", None), ("trail", town.persons["w1"])]


def test_the_day_of_a_worker_is_told_with_what_it_is_a_share_of(
    browse: Browser, phones: dict[str, str], cases: dict[str, str]
) -> None:
    told = browse("boss1").get("/v1/people/w1/today").json()
    assert (told["code"], told["unit_code"], told["role"]) == ("w1", "G1", "grid_worker")
    assert told["on_shift_s"] > 0
    assert told["in_own_s"] <= told["observed_s"] <= told["on_shift_s"] + timedelta(hours=1).total_seconds()
    assert told["lon"] == pytest.approx(SPOTS["w1"][0])
