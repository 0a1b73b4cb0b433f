"""Coverage at the door: figures that add up, for those whose ground it is."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, insert

from analysis.coverage.kept.compute import CoverageJob, compute_day
from analysis.coverage.kept.tables import coverage_day
from analysis.coverage.rules import CoverageRules
from core.clock import day_bounds, day_of, utc_now
from core.settings import Settings
from geo.lookup import Lookup
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
