"""The watch: what is raised, who is asked first, and when it is over."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from analysis.alerts import acknowledge_alert, answer_question, open_question, watch
from analysis.alerts.working_time import is_at_work
from core.errors import NotFound
from people.access import Scope
from people.notices import withdraw_acceptance
from people.shifts import switch_duty_off
from tests.analysis.alerts.rail import IN_G2, RULES, beat, look, report, seen_by
from tests.cases.town import caller_of, desk, new_case, step
from tests.people.town import NOW, Town
from tracking.devices import Device

Phones = dict[str, Device]
EVERYWHERE = Scope(everywhere=True)


@pytest.fixture
def w1_alone(conn: Connection, town: Town, phones: Phones) -> Town:
    """Only w1 is on shift: heard at NOW, by ten past nine in Shanghai on a Wednesday."""
    conn.execute(text("DELETE FROM shift WHERE person_id = :p"), {"p": town.persons["w2"]})
    conn.execute(text("DELETE FROM assignment WHERE person_id = :p"), {"p": town.persons["w2"]})
    report(conn, phones["w1"], 0, battery_pct=80)
    return town


def test_the_worker_is_asked_first_and_the_rail_tells_when_and_why(
    conn: Connection, w1_alone: Town, phones: Phones
) -> None:
    me = w1_alone.persons["w1"]
    assert look(conn, 14) == []
    assert open_question(conn, me) is None
    assert look(conn, 16) == []
    assert open_question(conn, me).asked_at == NOW + timedelta(minutes=16)  # type: ignore[union-attr]
    assert look(conn, 17.5) == []
    (alert,) = look(conn, 18.5)
    assert (alert.kind, alert.person_code, alert.unit_code, alert.reason) == ("silent", "w1", "G1", "unknown")
    assert (alert.asked_at, alert.raised_at) == (NOW + timedelta(minutes=16), NOW + timedelta(minutes=18.5))
    assert seen_by(conn, w1_alone, "S1", 19) == ["silent"]
    assert seen_by(conn, w1_alone, "S2", 19) == []
    report(conn, phones["w1"], 20)
    assert look(conn, 20.1) == []
    assert open_question(conn, me) is None


def test_an_answer_in_time_is_told_to_nobody_and_a_later_one_stands_beside_the_alert(
    conn: Connection, w1_alone: Town
) -> None:
    me = w1_alone.persons["w1"]
    look(conn, 16)
    answer_question(conn, me, "in a cellar", NOW + timedelta(minutes=17))
    assert look(conn, 30) == []
    assert look(conn, 76) == []
    assert look(conn, 78) == [], "asked again an hour after the answer"
    assert open_question(conn, me).answer is None  # type: ignore[union-attr]
    (alert,) = look(conn, 81)
    answer_question(conn, me, "lunch", NOW + timedelta(minutes=82))
    (alert,) = look(conn, 83)
    assert (alert.answered, alert.answered_at) == ("lunch", NOW + timedelta(minutes=82))


def test_nobody_answers_what_was_not_asked(conn: Connection, w1_alone: Town) -> None:
    with pytest.raises(NotFound):
        answer_question(conn, w1_alone.persons["w1"], "well", NOW)


def test_standing_still_is_never_a_reason(conn: Connection, w1_alone: Town, phones: Phones) -> None:
    for minute in range(1, 120):
        report(conn, phones["w1"], minute)  # on one spot for two hours
    assert [one for one in look(conn, 120) if one.kind == "silent"] == []
    for minute in range(121, 150, 5):
        beat(conn, phones["w1"], minute)  # a heartbeat is as good
    assert look(conn, 150) == []
    assert open_question(conn, w1_alone.persons["w1"]) is None


@pytest.mark.parametrize(
    ("status", "battery_pct", "reason"),
    [
        ({"android": {"loc": -2, "ps": 1}}, 5, "permission"),
        ({"android": {"loc": 0, "ps": 1}}, 80, "power_saving"),
        ({"android": {"loc": 0, "ps": 0}}, 80, "network"),
        (None, 4, "battery"),
    ],
)
def test_the_likely_reason_is_what_the_phone_told_last(
    conn: Connection,
    w1_alone: Town,
    phones: Phones,
    status: dict[str, object] | None,
    battery_pct: int,
    reason: str,
) -> None:
    report(conn, phones["w1"], 1, battery_pct=battery_pct)
    if status is not None:
        beat(conn, phones["w1"], 2, status)
    look(conn, 18)
    (alert,) = look(conn, 21)
    assert alert.reason == reason


def test_a_phone_that_sleeps_while_still_has_twice_its_heartbeat(
    conn: Connection, w1_alone: Town, phones: Phones
) -> None:
    conn.execute(text("UPDATE device SET heartbeat_s = 1200"))
    look(conn, 39)
    assert open_question(conn, w1_alone.persons["w1"]) is None
    look(conn, 41)
    assert open_question(conn, w1_alone.persons["w1"]) is not None


@pytest.mark.parametrize("change", ["off", "withdrawn", "no device", "untracked", "just begun"])
def test_who_need_not_be_heard_is_not_asked(conn: Connection, w1_alone: Town, change: str) -> None:
    me = w1_alone.persons["w1"]
    match change:
        case "off":
            switch_duty_off(conn, me, NOW + timedelta(minutes=1))
        case "withdrawn":
            withdraw_acceptance(conn, me, NOW + timedelta(minutes=1))
        case "no device":
            conn.execute(text("DELETE FROM device_holder"))
        case "untracked":
            conn.execute(text("UPDATE assignment SET role = 'volunteer'"))
        case _:
            conn.execute(text("UPDATE shift SET starts_at = :at"), {"at": NOW + timedelta(minutes=10)})
    look(conn, 20)
    assert open_question(conn, me) is None


def test_an_urgent_case_alerts_until_it_is_taken_up(conn: Connection, town: Town) -> None:
    view = new_case(conn, "urgent", level=3, reported_at=NOW - timedelta(minutes=1))
    new_case(conn, "mild", level=2, reported_at=NOW - timedelta(minutes=1))
    new_case(conn, "past", level=5, reported_at=NOW - timedelta(days=2))
    urgent = [one for one in look(conn, 0) if one.kind == "urgent_case"]
    assert [(one.case_number, one.unit_code) for one in urgent] == [(view.number, "S1")]
    assert "urgent_case" in seen_by(conn, town, "S1")
    assert "urgent_case" not in seen_by(conn, town, "S2")
    boss = caller_of(conn, town, "boss1", "supervisor", "S1")
    acknowledge_alert(conn, boss, EVERYWHERE, urgent[0].id, note="", now=NOW)
    still = [one for one in look(conn, 60 * 30) if one.kind == "urgent_case"]
    assert [one.acknowledged_by for one in still] == ["boss1"], "thirty hours later it waits all the same"
    step(conn, desk(conn, town), view, "accept")
    assert [one for one in look(conn, 60 * 30 + 1) if one.kind == "urgent_case"] == []


def test_a_unit_with_nobody_on_shift_is_told_after_a_quarter_of_an_hour_at_work(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0)
    switch_duty_off(conn, town.persons["w2"], NOW)
    assert look(conn, 1) == []
    report(conn, phones["w1"], 16)
    (alert,) = look(conn, 17)
    assert (alert.kind, alert.unit_code, alert.unit_level) == ("unit_empty", "G2", "grid")
    assert seen_by(conn, town, "S1", 17) == []
    assert seen_by(conn, town, "S2", 17) == ["unit_empty"]
    conn.execute(
        text("INSERT INTO shift (person_id, starts_at, ends_at) VALUES (:p, :since, :until)"),
        {"p": town.persons["w2"], "since": NOW + timedelta(minutes=18), "until": NOW + timedelta(hours=2)},
    )
    report(conn, phones["w1"], 19)
    report(conn, phones["w2"], 19, at=IN_G2)
    assert look(conn, 20) == []


def test_a_network_where_nobody_is_on_shift_rests(conn: Connection, town: Town) -> None:
    conn.execute(text("DELETE FROM shift"))
    look(conn, 0)
    assert look(conn, 30) == []


def test_a_unit_is_not_empty_while_somebody_below_it_is_on_shift(
    conn: Connection, town: Town, phones: Phones
) -> None:
    conn.execute(
        text("UPDATE assignment SET unit_id = :unit WHERE person_id = :p"),
        {"unit": town.units["T"], "p": town.persons["w2"]},
    )
    switch_duty_off(conn, town.persons["w2"], NOW)
    report(conn, phones["w1"], 0)
    look(conn, 1)
    report(conn, phones["w1"], 16)
    assert look(conn, 20) == []


def test_one_watch_is_at_work_at_a_time_and_changes_nothing_twice(
    conn: Connection, town: Town, session_engine: object
) -> None:
    new_case(conn, "urgent", level=4, reported_at=NOW)
    assert watch(conn, NOW, RULES) is True
    assert watch(conn, NOW, RULES) is False
    with session_engine.connect() as other:  # type: ignore[attr-defined]
        assert watch(other, NOW, RULES) is None
        other.rollback()


SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = {"working_time": {"days": [5], "from": "20:00", "to": "06:00", "off": ["2026-06-19"]}}


@pytest.mark.parametrize(
    ("rules", "at", "works"),
    [
        ({}, "2026-06-10T09:00", True),
        ({}, "2026-06-10T08:59", False),
        ({}, "2026-06-10T17:00", False),
        ({}, "2026-06-13T12:00", False),  # Saturday
        ({"working_time": {"days": [6], "from": "10:00"}}, "2026-06-13T12:00", True),
        ({"working_time": {"off": ["2026-06-10"]}}, "2026-06-10T12:00", False),
        ({"working_time": "always"}, "2026-06-10T12:00", True),
        (NIGHT, "2026-06-12T23:00", True),
        (NIGHT, "2026-06-13T05:59", True),  # the night from Friday
        (NIGHT, "2026-06-13T23:00", False),
        (NIGHT, "2026-06-20T05:00", False),  # that Friday was off
    ],
)
def test_when_a_network_is_at_work(rules: dict[str, object], at: str, works: bool) -> None:
    assert is_at_work(rules, datetime.fromisoformat(at).replace(tzinfo=SHANGHAI), SHANGHAI) is works
