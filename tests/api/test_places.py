"""/v1/places: one point or many, in every network, at an instant."""

import pytest

from tests.api.conftest import Browser

INSIDE = {"lon": 121.005, "lat": 31.005}


def test_one_point_gets_its_chain_in_every_network(browse: Browser) -> None:
    answer = browse("w1").get("/v1/places", params=INSIDE)
    assert answer.status_code == 200
    (placement,) = answer.json()["placements"]
    assert (placement["network"], placement["status"]) == ("governance", "inside")
    assert [unit["code"] for unit in placement["units"]] == ["G1", "S1", "T"]
    assert placement["border_m"] == pytest.approx(477.3, abs=0.5)
    assert (placement["nearest"], placement["several"]) == (None, [])


def test_nearer_to_the_border_than_the_accuracy_is_ambiguous(browse: Browser) -> None:
    answer = browse("w1").get("/v1/places", params={**INSIDE, "accuracy_m": 500})
    assert answer.json()["placements"][0]["status"] == "ambiguous"


def test_outside_names_the_nearest(browse: Browser) -> None:
    (placement,) = browse("w1").get("/v1/places", params={"lon": 121.03, "lat": 31.005}).json()["placements"]
    assert (placement["status"], placement["units"], placement["border_m"]) == ("outside", [], None)
    assert placement["nearest"]["unit"]["code"] == "G2"
    assert placement["nearest"]["distance_m"] == pytest.approx(955, abs=2)


def test_many_points_come_back_in_order(browse: Browser) -> None:
    points = [
        {"lon": 121.015, "lat": 31.005},
        {"lon": 0, "lat": 0},
        {**INSIDE, "at": "2026-06-01T00:00:00+08:00"},
    ]
    places = browse("w1").post("/v1/places", json={"points": points}).json()["places"]
    codes = [[unit["code"] for unit in place["placements"][0]["units"]] for place in places]
    assert codes == [["G2", "S2", "T"], [], ["G1", "S1", "T"]]
    assert places[2]["at"] == "2026-06-01T00:00:00+08:00"


def test_foreign_coordinates_are_converted(browse: Browser) -> None:
    shifted = {"points": [{"lon": 121.0145, "lat": 31.003}], "crs": "gcj02"}
    place = browse("w1").post("/v1/places", json=shifted).json()["places"][0]
    assert place["lon"] == 121.0145
    assert place["placements"][0]["units"][0]["code"] in {"G1", "G2"}
    assert (
        place["placements"]
        != browse("w1").post("/v1/places", json={**shifted, "crs": "wgs84"}).json()["places"][0]["placements"]
    )


@pytest.mark.parametrize(
    "params",
    [
        {"lon": 121},
        {"lon": "nan", "lat": 31},
        {"lon": 31.0, "lat": 121.0},
        {"lon": "121,5", "lat": 31},
        {**INSIDE, "crs": "mars"},
        {**INSIDE, "at": "2026-06-01T00:00:00"},
        {**INSIDE, "at": "yesterday"},
        {**INSIDE, "accuracy_m": -1},
        {**INSIDE, "when": "now"},
    ],
)
def test_nonsense_is_a_problem_document(browse: Browser, params: dict[str, str | float]) -> None:
    answer = browse("w1").get("/v1/places", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_more_points_than_allowed_are_refused_whole(browse: Browser) -> None:
    assert browse("w1").post("/v1/places", json={"points": [INSIDE] * 1001}).status_code == 422
