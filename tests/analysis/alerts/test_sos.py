"""Calls for help: on top until somebody answers by name, told to those who lead the person and those of the place."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from analysis.alerts import acknowledge_alert, open_alerts
from core.errors import NotFound
from people.access import MAY_SEE_MOVEMENT, Caller, Scope, visible_units
from tests.analysis.alerts.rail import IN_G1, IN_G2, look, report, seen_by
from tests.cases.town import caller_of
from tests.people.town import NOW, Town
from tracking.devices import Device
from tracking.sos import forget_places, newest_call

Phones = dict[str, Device]
EVERYWHERE = Scope(everywhere=True)


def boss_of(conn: Connection, town: Town, unit: str) -> tuple[Caller, Scope]:
    caller = caller_of(conn, town, "boss1" if unit == "S1" else "boss2", "supervisor", unit)
    return caller, visible_units(conn, caller, MAY_SEE_MOVEMENT)


def test_a_call_is_told_to_those_who_lead_the_person_and_to_those_of_the_place(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0, at=IN_G1, sos=True)
    assert seen_by(conn, town, "S1") == ["sos"]
    assert seen_by(conn, town, "G1") == ["sos"]
    assert seen_by(conn, town, "S2") == []
    report(conn, phones["w1"], 1, at=IN_G2, sos=True)  # w1 of S1 went over to S2
    assert seen_by(conn, town, "S2", 1) == ["sos"]
    assert seen_by(conn, town, "S1", 1) == ["sos"]
    assert seen_by(conn, town, None, 1) == ["sos"]


def test_many_calls_of_one_person_are_one_alert_with_the_newest_place(
    conn: Connection, town: Town, phones: Phones
) -> None:
    for n in range(5):
        report(conn, phones["w1"], n, at=(IN_G1[0] + n * 1e-4, IN_G1[1]), sos=True)
    (alert,) = open_alerts(conn, NOW + timedelta(minutes=5))
    assert (alert.person_code, alert.phone, alert.unit_code) == ("w1", "13800000000", "G1")
    assert alert.raised_at == NOW
    assert (alert.lon, alert.lat) == pytest.approx((IN_G1[0] + 4e-4, IN_G1[1]))


def test_the_first_to_acknowledge_stays_written_and_the_call_is_told_for_an_hour_more(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0, sos=True)
    report(conn, phones["w1"], 1, sos=True)
    (alert,) = open_alerts(conn, NOW)
    boss, scope = boss_of(conn, town, "S1")
    done = acknowledge_alert(conn, boss, scope, alert.id, note="on my way", now=NOW + timedelta(minutes=2))
    assert (done.acknowledged_by, done.note) == ("boss1", "on my way")
    again = acknowledge_alert(
        conn,
        caller_of(conn, town, "w2", "command", None),
        EVERYWHERE,
        alert.id,
        note="me",
        now=NOW + timedelta(minutes=3),
    )
    assert (again.acknowledged_by, again.note) == ("boss1", "on my way")
    rows = conn.execute(text("SELECT acknowledged_by, acknowledged_account_id FROM sos")).all()
    assert rows == [("boss1", town.accounts["boss1"])] * 2
    assert [one.id for one in open_alerts(conn, NOW + timedelta(minutes=61))] == [alert.id]
    assert open_alerts(conn, NOW + timedelta(minutes=63)) == []


def test_the_name_is_that_of_the_person_whose_account_it_is(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0, sos=True)
    (alert,) = open_alerts(conn, NOW)
    chief = caller_of(conn, town, "w2", "command", None)
    assert acknowledge_alert(conn, chief, EVERYWHERE, alert.id, note="", now=NOW).acknowledged_by == "w2 李四"


def test_a_call_after_the_answer_is_a_new_one_and_stands_before_the_answered(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0, sos=True)
    (alert,) = open_alerts(conn, NOW)
    boss, scope = boss_of(conn, town, "S1")
    acknowledge_alert(conn, boss, scope, alert.id, note="", now=NOW + timedelta(minutes=1))
    report(conn, phones["w1"], 2, sos=True)
    standing = open_alerts(conn, NOW + timedelta(minutes=2))
    assert [one.acknowledged_by for one in standing] == [None, "boss1"]
    assert standing[0].id != alert.id


@pytest.mark.parametrize(
    "forged",
    ["sos-{n}", "sos-0{n}", "silent-{n}", "sos-999999", "sos", "sos--1", "sos-1 OR 1=1", "sos-" + "9" * 30],
)
def test_a_strangers_or_forged_id_is_none_that_stands(
    conn: Connection, town: Town, phones: Phones, forged: str
) -> None:
    report(conn, phones["w1"], 0, sos=True)
    (alert,) = open_alerts(conn, NOW)
    stranger, scope = boss_of(conn, town, "S2")
    with pytest.raises(NotFound):
        acknowledge_alert(
            conn, stranger, scope, forged.format(n=alert.id.partition("-")[2]), note="", now=NOW
        )
    assert open_alerts(conn, NOW)[0].acknowledged_by is None


def test_a_call_stays_on_top_of_everything_else(conn: Connection, town: Town, phones: Phones) -> None:
    report(conn, phones["w1"], -1, sos=True)
    look(conn, 0)
    look(conn, 16)
    kinds = [one.kind for one in look(conn, 19)]
    assert kinds[0] == "sos"
    assert "silent" in kinds


def test_the_place_of_an_answered_call_is_forgotten_when_it_is_old_and_of_no_other(
    conn: Connection, town: Town, phones: Phones
) -> None:
    report(conn, phones["w1"], 0, sos=True)
    report(conn, phones["w2"], 0, at=IN_G2, sos=True)
    alert = next(one for one in open_alerts(conn, NOW) if one.person_code == "w1")
    boss, scope = boss_of(conn, town, "S1")
    acknowledge_alert(conn, boss, scope, alert.id, note="", now=NOW)
    assert forget_places(conn, NOW - timedelta(seconds=1)) == 0
    assert forget_places(conn, NOW + timedelta(days=31)) == 1
    kept = conn.execute(text("SELECT count(point), count(*) FROM sos")).one()
    assert tuple(kept) == (1, 2)
    assert newest_call(conn, town.persons["w1"], NOW - timedelta(hours=1)).acknowledged_by == "boss1"  # type: ignore[union-attr]
