"""Cases and hotspots over HTTP."""

import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.conftest import Browser
from tests.people.town import LAT, LON

IN_G1 = {"lon": LON + 0.005, "lat": LAT + 0.005}


def body(**changes: Any) -> dict[str, Any]:
    return {"channel": "12345", "external_ref": uuid.uuid4().hex, "category": "noise", **IN_G1, **changes}


@pytest.fixture
def desk(browse: Browser) -> TestClient:
    return browse("desk")


def test_a_report_is_taken_in_once_whatever_is_sent_again(desk: TestClient) -> None:
    sent = body()
    first, again = desk.post("/v1/cases", json=sent), desk.post("/v1/cases", json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == f"/v1/cases/{first.json()['number']}"
    assert (first.json()["owner_code"], first.json()["state"], first.json()["seq"]) == ("G1", "reported", 1)
    other = desk.post("/v1/cases", json=sent | {"category": "litter"})
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    assert first.json()["number"] in other.json()["detail"]
    assert other.json()["said"]["values"]["number"] == first.json()["number"]


def test_a_case_goes_all_the_way_and_its_log_tells_it(desk: TestClient, browse: Browser) -> None:
    case = desk.post("/v1/cases", json=body()).json()
    url = f"/v1/cases/{case['number']}"
    worker, boss = browse("w1"), browse("boss1")
    for client, kind, more in (
        (desk, "accept", {}),
        (desk, "assign", {"assignee": "w1"}),
        (worker, "handle", {"evidence": {"photo": "1.jpg"}, **IN_G1}),
        (boss, "verify", {}),
        (desk, "close", {}),
    ):
        case = client.post(f"{url}/events", json={"kind": kind, "after_seq": case["seq"], **more}).json()
    told = desk.get(url).json()
    assert [(event["kind"], event["actor"], event["intact"]) for event in told["events"]] == [
        ("report", "desk", True), ("accept", "desk", True), ("assign", "desk", True),
        ("handle", "w1", True), ("verify", "boss1", True), ("close", "desk", True),
    ]  # fmt: skip
    assert (told["state"], told["owner_code"], told["possible"]) == ("closed", None, ["reopen"])
    assert [unit["code"] for unit in told["places"][0]["units"]] == ["G1", "S1", "T"]


def test_a_step_on_an_older_state_and_by_the_wrong_people_is_refused(
    desk: TestClient, browse: Browser
) -> None:
    case = desk.post("/v1/cases", json=body()).json()
    url = f"/v1/cases/{case['number']}/events"
    accept = {"kind": "accept", "after_seq": 1}
    assert browse("boss2").post(url, json=accept).status_code == 404
    assert browse("w1").post(url, json=accept).status_code == 403
    assert desk.post(url, json={"kind": "close", "after_seq": 1}).status_code == 409
    assert desk.post(url, json=accept).status_code == 200
    assert desk.post(url, json={"kind": "reject", "note": "n", "after_seq": 1}).status_code == 409
    assert desk.post(url, json={"kind": "reject", "after_seq": 2}).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"lon": 500.0},
        {"lon": "121,5"},
        {"lon": LAT, "lat": LON},
        {"lat": None},
        {"lon": 0, "lat": 0},
        {"crs": "mars"},
        {"level": 9},
        {"occurred_at": "2020-01-01T00:00:00"},
        {"reported_at": "2999-01-01T00:00:00Z"},
        {"category": ""},
        {"category": "x\u0000"},
        {"unknown": 1},
    ],
)
def test_a_report_that_makes_no_sense_is_a_problem_document_and_no_case(
    desk: TestClient, wrong: dict[str, Any]
) -> None:
    sent = body(**wrong)
    answer = desk.post("/v1/cases", json=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    mended = body(external_ref=sent["external_ref"])
    assert desk.post("/v1/cases", json=mended).status_code == 201


def test_coordinates_of_phone_maps_are_converted(desk: TestClient) -> None:
    case = desk.post("/v1/cases", json=body(lon=LON + 0.0096, lat=LAT + 0.0029, crs="gcj02")).json()
    assert case["lon"] == pytest.approx(LON + 0.0052, abs=3e-4)
    assert case["owner_code"] == "G1"


def test_lists_come_as_pages_and_as_geojson(desk: TestClient, browse: Browser) -> None:
    category = uuid.uuid4().hex
    made = [desk.post("/v1/cases", json=body(category=category)).json()["number"] for _ in range(5)]
    desk.post("/v1/cases", json=body(category=category, lon=None, lat=None))
    seen, after = [], None
    while True:
        page = desk.get(
            "/v1/cases", params={"category": category, "limit": 2} | ({"after": after} if after else {})
        ).json()
        seen += [case["number"] for case in page["cases"]]
        after = page["after"]
        if after is None:
            break
    assert len(set(seen)) == len(seen) == 6
    answer = desk.get("/v1/cases", params={"category": category, "format": "geojson"})
    assert answer.headers["content-type"].startswith("application/geo+json")
    features = answer.json()["features"]
    assert {feature["id"] for feature in features} == set(made)
    assert features[0]["geometry"] == {
        "type": "Point",
        "coordinates": [IN_G1["lon"], pytest.approx(IN_G1["lat"])],
    }
    assert browse("boss2").get("/v1/cases", params={"category": category}).json()["cases"] == []


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=nan,0,1,1", "bbox=3,0,1,1", "after=x", "limit=0", "from=2020-01-01", "state=lost"],
)
def test_a_question_that_makes_no_sense_is_a_problem_document(desk: TestClient, query: str) -> None:
    assert desk.get(f"/v1/cases?{query}").status_code == 422


def test_an_assigned_worker_finds_the_case_among_their_own(desk: TestClient, browse: Browser) -> None:
    case = desk.post("/v1/cases", json=body()).json()
    url = f"/v1/cases/{case['number']}"
    for kind, more in (("accept", {}), ("assign", {"assignee": "w2"})):
        case = desk.post(f"{url}/events", json={"kind": kind, "after_seq": case["seq"], **more}).json()
    mine = browse("w2").get("/v1/cases?mine=true").json()["cases"]
    assert case["number"] in [one["number"] for one in mine]
    assert "handle" in browse("w2").get(url).json()["possible"]
    assert case["number"] not in [
        one["number"] for one in browse("w1").get("/v1/cases?mine=true").json()["cases"]
    ]


def test_hotspots_come_with_the_facts_that_stand_behind_them(desk: TestClient) -> None:
    for _ in range(3):
        desk.post("/v1/cases", json=body(category="counted"))
    answer = desk.get("/v1/hotspots", params={"category": "counted", "cells": "all", "resolution": 9})
    assert answer.headers["content-type"].startswith("application/geo+json")
    told = answer.json()
    facts = told["facts"]
    assert (facts["cases_used"], facts["study_cells"]) == (3, len(told["features"]))
    assert facts["permutations"] >= 9_999
    assert facts["permutations_enough"] is True
    assert sum(feature["properties"]["cases"] for feature in told["features"]) == 3
    assert (
        told
        == desk.get("/v1/hotspots", params={"category": "counted", "cells": "all", "resolution": 9}).json()
    )
    desk.post("/v1/cases", json=body(category="counted"))
    later = desk.get("/v1/hotspots", params={"category": "counted", "cells": "all", "resolution": 9}).json()
    assert later["facts"]["cases_used"] == 4


def test_hotspots_are_for_the_callers_own_ground(browse: Browser) -> None:
    boss = browse("boss1")
    assert boss.get("/v1/hotspots?unit=S1").status_code == 200
    assert boss.get("/v1/hotspots?unit=S2").status_code == 403
    assert boss.get("/v1/hotspots").status_code == 403
    assert browse("planner").get("/v1/hotspots").status_code == 200
    assert browse("desk").get("/v1/hotspots?unit=nowhere").status_code == 404
    backwards = "/v1/hotspots?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"
    assert browse("desk").get(backwards).status_code == 422
