"""Coverage at the door: figures that add up, for those whose ground it is."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, insert, select

from analysis.coverage.kept.compute import CoverageJob, compute_day
from analysis.coverage.kept.tables import coverage_checkin, coverage_day
from analysis.coverage.rules import CoverageRules
from core.clock import day_bounds, day_of, utc_now
from core.settings import Settings
from geo.lookup import Lookup
from people.tables import look
from tests.api.conftest import Browser
from tests.people.town import Town
from tracking.partitions import ensure_partitions
from tracking.tables import fix


@pytest.fixture
def computed(town_engine: Engine, town: Town, settings: Settings) -> str:
    """Today as computed, with a walk of w1 along the south of G1, if w1 is on shift; returns the day."""
    now = utc_now()
    on = day_of(now, settings.zone)
    since = max(day_bounds(on, settings.zone)[0], now - timedelta(minutes=20))
    with town_engine.begin() as conn:
        ensure_partitions(conn, fix, [since.date(), now.date()])
        conn.execute(
            insert(fix),
            [
                {
                    "device_id": 999,
                    "person_id": town.persons["w1"],
                    "fixed_at": since + timedelta(seconds=10 * n),
                    "received_at": now,
                    "lon": 121.001 + 0.0001 * n,
                    "lat": 31.001,
                    "accuracy_m": 5.0,
                    "digest": n,
                }
                for n in range(60)
            ],
        )
        job = CoverageJob("governance", settings.zone, CoverageRules(), 30)
        compute_day(conn, Lookup(conn), job, on=on, now=now)
    yield on.isoformat()
    with town_engine.begin() as conn:
        conn.execute(delete(coverage_day))
        conn.execute(delete(coverage_checkin))
        conn.execute(delete(fix).where(fix.c.device_id == 999))


def test_a_supervisor_sees_the_own_street_in_figures_that_say_what_they_stand_on(
    browse: Browser, computed: str
) -> None:
    answer = browse("boss1").get(f"/v1/coverage?unit=S1&from={computed}&to={computed}").json()
    assert answer["days"] == [computed]
    area = answer["whole"]["figures"]["area"]
    assert area["definition"] == "area"
    assert area["version"] == 1
    assert 0 <= area["numerator"] <= area["denominator"]
    assert area["denominator"] == sum(one["figures"]["area"]["denominator"] for one in answer["units"])
    assert [one["code"] for one in answer["units"]] == ["G1"]
    assert answer["from"] == computed
    assert answer["whole"]["visits"] == sum(one["visits"] for one in answer["units"])
    assert answer["whole"]["longest_unvisited_s"] == max(
        one["longest_unvisited_s"] for one in answer["units"]
    )


def test_the_whole_city_is_for_those_whose_grants_hold_everywhere(browse: Browser, computed: str) -> None:
    asked = f"/v1/coverage?from={computed}&to={computed}"
    assert browse("boss1").get(asked).status_code == 403
    answer = browse("command").get(asked).json()
    assert answer["whole"]["figures"]["area"]["denominator"] > 0
    below = [one["figures"]["area"]["numerator"] for one in answer["units"]]
    assert answer["whole"]["figures"]["area"]["numerator"] == sum(below)


def test_a_day_that_was_not_computed_is_told_and_a_backward_period_refused(
    browse: Browser, computed: str
) -> None:
    assert browse("command").get("/v1/coverage?from=2020-01-01&to=2020-01-02").status_code == 404
    assert browse("command").get("/v1/coverage?from=2020-01-02&to=2020-01-01").status_code == 422
    assert browse("command").get("/v1/coverage?from=0001-01-01&to=0001-01-01").status_code == 404
    assert browse("command").get("/v1/coverage?to=0001-01-01").status_code in (404, 422)


def test_the_views_of_a_street_are_for_whoever_supervises_it(browse: Browser, computed: str) -> None:
    asked = f"unit=S1&from={computed}&to={computed}"
    boss, other, worker = browse("boss1"), browse("boss2"), browse("w1")
    for view in ("unvisited", "calendar", "week"):
        assert boss.get(f"/v1/coverage/{view}?{asked}").status_code == 200
        assert other.get(f"/v1/coverage/{view}?{asked}").status_code == 403
        assert worker.get(f"/v1/coverage/{view}?{asked}").status_code == 403
    (day,) = boss.get(f"/v1/coverage/calendar?{asked}").json()["days"]
    whole = boss.get(f"/v1/coverage?{asked}").json()["whole"]
    assert day["area"] == whole["figures"]["area"]
    assert whole["age"]["units"] == 1
    assert boss.get(f"/v1/coverage/unvisited?{asked}").json()["stops"] == []
    assert sum(boss.get(f"/v1/coverage/week?{asked}").json()["days"]) == 1


def test_from_the_percentage_to_the_fixes_that_prove_it(browse: Browser, computed: str) -> None:
    boss, worker = browse("boss1"), browse("w1")
    whole = boss.get(f"/v1/coverage?unit=G1&from={computed}&to={computed}").json()["whole"]
    asked = f"unit=G1&on={computed}&from={computed}&to={computed}"
    for measure, figure in whole["figures"].items():
        looks = len(worker.get("/v1/me/looks").json())
        proof = boss.get(f"/v1/coverage/proof?{asked}&measure={measure}").json()
        assert proof["definition"] == measure
        assert proof["numerator"] == proof["proven"] == figure["numerator"]
        assert [(day["on"], day["part"]) for day in proof["days"]] in ([], [(computed, figure["numerator"])])
        assert not proof["expired"]
        assert {visit["person_code"] for visit in proof["visits"]} <= {"w1"}
        newest = worker.get("/v1/me/looks").json()
        assert len(newest) == looks + 1
        assert (newest[0]["who"], newest[0]["why"]) == ("boss1", f"proof of coverage {computed}")
        assert browse("boss2").get(f"/v1/coverage/proof?{asked}&measure={measure}").status_code == 403
    proof = boss.get(f"/v1/coverage/proof?{asked}&page=7").json()
    assert proof["total"] > 0
    assert (proof["units"]["page"], proof["units"]["pages"]) == (1, 1)
    assert proof["units"]["part"] == proof["proven"]
    assert boss.get(f"/v1/coverage/proof?{asked}&page=0").status_code == 422
    assert boss.get(f"/v1/coverage/proof?{asked}&measure=luck").status_code == 422


def test_a_worker_sees_the_same_figures_as_whoever_leads_them_and_that_they_were_looked_at(
    browse: Browser, computed: str
) -> None:
    worker, boss = browse("w1"), browse("boss1")
    looks = len(worker.get("/v1/me/looks").json())
    own = worker.get(f"/v1/people/w1/coverage?on={computed}").json()
    assert len(worker.get("/v1/me/looks").json()) == looks
    led = boss.get(f"/v1/people/w1/coverage?on={computed}").json()
    newest = worker.get("/v1/me/looks").json()
    assert len(newest) == looks + 1
    assert (newest[0]["who"], newest[0]["why"]) == ("boss1", f"coverage of {computed}")
    assert own["times_s"].keys() == led["times_s"].keys()
    assert sum(own["times_s"].values()) == pytest.approx(own["figures"]["in_grid"]["denominator"] / 1e6)
    assert own["ways_m"] == led["ways_m"]
    for login in ("boss2", "w2", "desk", "planner"):
        assert browse(login).get(f"/v1/people/w1/coverage?on={computed}").status_code == 404
    listed = boss.get(f"/v1/coverage/people?unit=S1&on={computed}").json()
    assert [one["code"] for one in listed["people"]] == ["w1"]
    assert listed["median_in_grid"] is None
    assert worker.get("/v1/me/looks").json()[0]["why"] == f"coverage by person {computed}"


def test_a_note_is_told_by_the_worker_and_answered_once_by_whoever_leads_them(
    browse: Browser, computed: str
) -> None:
    worker, boss = browse("w1"), browse("boss1")
    until = utc_now() - timedelta(minutes=1)
    told = {"kind": "indoor", "told": "入户走访", "until": until.isoformat()}
    note = worker.post(
        "/v1/me/notes", json={**told, "since": (until - timedelta(hours=2)).isoformat()}
    ).json()
    url = f"/v1/coverage/notes/{note['id']}/answer"
    for login, status in (("w1", 403), ("boss2", 404), ("boss1", 200), ("command", 409)):
        assert browse(login).post(url, json={"answer": "accepted"}).status_code == status
    days = f"from={until.date() - timedelta(days=1)}&to={until.date() + timedelta(days=1)}"
    (kept,) = [
        one
        for one in boss.get(f"/v1/coverage/notes?unit=S1&{days}").json()["notes"]
        if one["id"] == note["id"]
    ]
    assert (kept["answer"], kept["answered_by"]) == ("accepted", "boss1")
    assert kept["credited_s"] > 0
    assert worker.get("/v1/me/looks").json()[0]["why"].startswith("notes of ")
    assert browse("boss2").get(f"/v1/coverage/notes?unit=S2&{days}").json()["notes"] == []
    day = worker.get(f"/v1/people/w1/coverage?on={computed}").json()
    assert day["credited"]["numerator"] >= day["figures"]["in_grid"]["numerator"]
    assert day["credited"]["definition"] == "in_grid_credited"


def test_what_is_beside_the_figures_is_for_whoever_leads_and_each_look_and_export_is_seen_by_the_person(
    browse: Browser, computed: str
) -> None:
    worker, boss, other = browse("w1"), browse("boss1"), browse("boss2")
    here = {"lon": 121.005, "lat": 31.005, "accuracy_m": 8}
    (said,) = worker.post("/v1/me/checkins", json=here).json()["checkins"]
    assert (said["network"], said["unit_code"]) == ("governance", "G1")
    assert worker.post("/v1/me/checkins", json={**here, "accuracy_m": 500}).status_code == 422
    week = f"from={computed}&to={computed}"
    counted = boss.get(f"/v1/coverage/checkins?unit=S1&{week}").json()["units"]
    assert {(one["checkins"], one["people"]) for one in counted} == {(1, 1)}
    assert other.get(f"/v1/coverage/checkins?unit=S2&{week}").json() == {"units": []}
    assert len(boss.get(f"/v1/coverage/trend?unit=S1&{week}").json()["weeks"]) == 12
    for ask, why in (
        (f"/v1/coverage/responses?unit=S1&{week}", f"responses {computed} – {computed}"),
        (f"/v1/people/w1/responses?on={computed}", f"coverage of {computed}"),
        (f"/v1/coverage/report?unit=S1&{week}&kind=csv", f"coverage csv {computed} – {computed}"),
    ):
        assert boss.get(ask).status_code == 200
        newest = worker.get("/v1/me/looks").json()[0]
        assert (newest["who"], newest["why"]) == ("boss1", why)
        assert other.get(ask).status_code in (403, 404)
    looks = worker.get("/v1/me/looks").json()
    own = worker.get(f"/v1/people/w1/responses?on={computed}")
    assert own.status_code == 200
    assert {one["person_code"] for one in own.json()["responses"]} <= {"w1"}
    assert worker.get("/v1/me/looks").json() == looks, "looking at oneself is no look"


def test_every_kind_of_export_is_written_down_before_it_is_given(
    browse: Browser, computed: str, town_engine: Engine
) -> None:
    boss = browse("boss1")
    for kind in ("xlsx", "pdf", "csv", "geojson"):
        given = boss.get(f"/v1/coverage/report?unit=S1&from={computed}&to={computed}&kind={kind}")
        assert given.status_code == 200
        with town_engine.begin() as conn:
            last = conn.execute(
                select(look.c.who, look.c.what, look.c.why).order_by(look.c.id.desc()).limit(1)
            )
            assert tuple(last.one()) == ("boss1", "export", f"coverage {kind} {computed} – {computed}")
    asked = f"/v1/coverage/report?unit=S1&from={computed}&to={computed}&kind=geojson"
    assert [boss.get(asked + lang).json()["language"] for lang in ("", "&lang=zh", "&lang=en")] == [
        "zh",
        "zh",
        "en",
    ]
    assert boss.get(f"{asked}&lang=de").status_code == 422
