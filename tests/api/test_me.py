from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from core.clock import utc_now
from people.looks import Look, record_look
from people.notices import accept_notice
from people.persons import Post, add_person, assign
from people.tokens import open_session
from tests.api.conftest import Browser
from tests.people.town import EVER, Town, make_account


@pytest.fixture
def phone_page(town_engine: Engine, town: Town, browse: Browser) -> Iterator[TestClient]:
    """The page of somebody new in G2: on no roster, and without having accepted anything."""
    now = utc_now()
    with town_engine.begin() as conn:
        code = f"new-{now.timestamp()}"
        person_id = add_person(conn, code, "新人")
        assign(conn, person_id, Post(town.units["G2"], "grid_worker", EVER))
        account_id = make_account(conn, code, person_id)
        secret = open_session(conn, account_id, now=now, lifetime=timedelta(hours=1))
    client = browse(None)
    client.cookies.set("wangge", secret)
    yield client
    with town_engine.begin() as conn:
        accept_notice(conn, person_id, "v1", at=EVER, how="paper: after the test")


def test_duty_begins_only_after_the_notice_and_ends_with_it(phone_page: TestClient) -> None:
    state = phone_page.get("/v1/me/notice").json()
    assert (state["notice"]["version"], state["accepted"], state["accepted_at"]) == ("v1", False, None)
    refused = phone_page.put("/v1/me/duty", json={"on": True})
    assert (refused.status_code, "accept the notice first" in refused.json()["detail"]) == (409, True)
    assert phone_page.post("/v1/me/notice", json={"version": "v0"}).status_code == 409
    assert phone_page.post("/v1/me/notice", json={"version": "v1"}).json()["accepted"] is True
    duty = phone_page.put("/v1/me/duty", json={"on": True}).json()
    assert (duty["on"], duty["tracked"]) == (True, True)
    assert phone_page.get("/v1/me/duty").json() == duty
    assert phone_page.delete("/v1/me/notice").json()["accepted"] is False
    assert phone_page.get("/v1/me/duty").json()["on"] is False


def test_duty_is_switched_off_and_on(phone_page: TestClient) -> None:
    phone_page.post("/v1/me/notice", json={"version": "v1"})
    phone_page.put("/v1/me/duty", json={"on": True})
    assert phone_page.put("/v1/me/duty", json={"on": False}).json()["on"] is False
    assert phone_page.put("/v1/me/duty", json={"on": True}).json()["on"] is True


def test_a_person_reads_who_looked_and_whether_at_them_alone(
    browse: Browser, town_engine: Engine, town: Town
) -> None:
    now = utc_now()
    with town_engine.begin() as conn:
        record_look(
            conn, Look(now, "boss1", "trail", "complaint 12", town.accounts["boss1"], town.persons["w1"])
        )
        record_look(
            conn, Look(now, "boss1", "live", "wall", town.accounts["boss1"], unit_id=town.units["S1"])
        )
    looks = browse("w1").get("/v1/me/looks").json()
    assert {(one["who"], one["what"], one["why"], one["of_unit"]) for one in looks} >= {
        ("boss1", "trail", "complaint 12", False),
        ("boss1", "live", "wall", True),
    }
    audited = browse("auditor").get("/v1/people/w1/looks").json()
    assert len(audited) >= 2
    assert browse("auditor").get("/v1/people/nobody/looks").status_code == 404


def test_people_are_listed_by_subtree_page_by_page(browse: Browser) -> None:
    listed = browse("boss1").get("/v1/people").json()
    assert [one["code"] for one in listed["people"]] == ["w1"]
    (post,) = listed["people"][0]["posts"]
    assert (post["unit_code"], post["role_name"], post["tracked"]) == ("G1", "专职网格员", True)
    page = browse("command").get("/v1/people?limit=1").json()
    assert page["next"] == page["people"][0]["code"]
    rest = browse("command").get("/v1/people", params={"after": page["next"]}).json()
    assert rest["next"] is None
    assert "w2" in [one["code"] for one in rest["people"]]


def test_an_account_of_nobody_has_nothing_recorded(browse: Browser) -> None:
    assert browse("boss1").get("/v1/me").json()["person"] is None
    assert browse("boss1").get("/v1/me/duty").status_code == 404
