from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from core.errors import Conflict, Invalid, NotFound
from people.notices import (
    Notice,
    accept_notice,
    accepted_periods,
    accepted_persons,
    current_notice,
    list_acceptances,
    publish_notice,
    withdraw_acceptance,
)
from people.persons import Post, add_person, assign, tracked_periods
from people.roles import Role, add_role, find_role, list_roles
from people.shifts import Shift, add_shift, duty_at, shifts_covering, switch_duty_off, switch_duty_on
from tests.people.town import EVER, NOW, Town

HOUR = timedelta(hours=1)
MOST = timedelta(hours=12)


@pytest.fixture
def walker(conn: Connection, town: Town) -> int:
    """A person without a shift and without a notice."""
    person_id = add_person(conn, "w9", "王 九")
    assign(conn, person_id, Post(town.units["G1"], "grid_worker", EVER))
    return person_id


def hours(conn: Connection, person_id: int) -> list[tuple[float, float, str]]:
    """The shifts around NOW as hours from NOW."""
    found = shifts_covering(conn, [person_id], NOW - 48 * HOUR, NOW + 48 * HOUR).get(person_id, [])
    return [((one.starts_at - NOW) / HOUR, (one.ends_at - NOW) / HOUR, one.source) for one in found]


def test_duty_switched_on_ends_by_itself(conn: Connection, walker: int) -> None:
    begun = switch_duty_on(conn, walker, NOW, most=MOST)
    assert (begun.starts_at, begun.ends_at, begun.source) == (NOW, NOW + MOST, "self")
    assert switch_duty_on(conn, walker, NOW + HOUR, most=MOST) == begun
    assert duty_at(conn, walker, NOW + MOST - timedelta(microseconds=1)) == begun
    assert duty_at(conn, walker, NOW + MOST) is None
    assert duty_at(conn, walker, NOW - timedelta(microseconds=1)) is None


def test_duty_switched_on_early_stops_where_the_roster_begins(conn: Connection, walker: int) -> None:
    add_shift(conn, Shift(walker, NOW + 2 * HOUR, NOW + 10 * HOUR))
    switch_duty_on(conn, walker, NOW, most=MOST)
    assert hours(conn, walker) == [(0, 2, "self"), (2, 10, "roster")]


def test_off_means_off_whatever_the_roster_said(conn: Connection, walker: int) -> None:
    add_shift(conn, Shift(walker, NOW - HOUR, NOW + 8 * HOUR))
    switch_duty_off(conn, walker, NOW)
    assert duty_at(conn, walker, NOW) is None
    assert hours(conn, walker) == [(-1, 0, "roster")]
    switch_duty_on(conn, walker, NOW + HOUR, most=MOST)
    switch_duty_off(conn, walker, NOW + HOUR)
    assert hours(conn, walker) == [(-1, 0, "roster")]
    switch_duty_off(conn, walker, NOW + HOUR)


def test_off_leaves_the_shifts_to_come(conn: Connection, walker: int) -> None:
    add_shift(conn, Shift(walker, NOW - HOUR, NOW + HOUR))
    add_shift(conn, Shift(walker, NOW + 20 * HOUR, NOW + 28 * HOUR))
    switch_duty_off(conn, walker, NOW)
    assert hours(conn, walker) == [(-1, 0, "roster"), (20, 28, "roster")]


def test_the_same_shift_twice_is_one_and_overlapping_ones_are_refused(conn: Connection, walker: int) -> None:
    assert add_shift(conn, Shift(walker, NOW, NOW + 8 * HOUR)) is True
    assert add_shift(conn, Shift(walker, NOW, NOW + 8 * HOUR)) is False
    with pytest.raises(Conflict):
        add_shift(conn, Shift(walker, NOW + HOUR, NOW + 2 * HOUR))
    assert add_shift(conn, Shift(walker, NOW + 8 * HOUR, NOW + 9 * HOUR)) is True
    for wrong in (
        Shift(walker, NOW, NOW),
        Shift(walker, NOW, NOW - HOUR),
        Shift(walker, NOW, NOW + 25 * HOUR),
    ):
        with pytest.raises(Invalid, match="up to 24 hours"):
            add_shift(conn, wrong)


def test_acceptance_counts_from_its_hour_until_it_is_taken_back(
    conn: Connection, town: Town, walker: int
) -> None:
    accept_notice(conn, walker, "v1", at=NOW, how="self")
    accept_notice(conn, walker, "v1", at=NOW + HOUR, how="self")
    assert withdraw_acceptance(conn, walker, NOW + 2 * HOUR) == 1
    accept_notice(conn, walker, "v1", at=NOW + 4 * HOUR, how="self")
    assert accepted_periods(conn, [walker]) == {walker: [(NOW, NOW + 2 * HOUR), (NOW + 4 * HOUR, None)]}
    stands = {h: walker in accepted_persons(conn, [walker], NOW + h * HOUR) for h in (-1, 0, 1, 2, 3, 4)}
    assert stands == {-1: False, 0: True, 1: True, 2: False, 3: False, 4: True}
    assert [one.withdrawn_at for one in list_acceptances(conn, walker)] == [NOW + 2 * HOUR, None]


def test_a_renewing_notice_ends_what_was_accepted_before(conn: Connection, town: Town, walker: int) -> None:
    accept_notice(conn, walker, "v1", at=NOW - HOUR, how="self")
    publish_notice(conn, Notice("v2", "勘误", "Errata", NOW, renews=False))
    assert accepted_persons(conn, [walker], NOW) == {walker}
    publish_notice(conn, Notice("v3", "新", "New", NOW + HOUR, renews=True))
    assert accepted_periods(conn, [walker])[walker] == [(NOW - HOUR, NOW + HOUR)]
    accept_notice(conn, walker, "v3", at=NOW + 2 * HOUR, how="self")
    assert accepted_persons(conn, [walker], NOW + 2 * HOUR) == {walker}
    newest = current_notice(conn, NOW + HOUR)
    assert newest is not None
    assert newest.version == "v3"


@pytest.mark.parametrize(
    ("notice", "error"),
    [
        (Notice("v1", "改", "Changed", NOW, False), Conflict),
        (Notice("v0", "旧", "Old", EVER - HOUR, False), Conflict),
        (Notice("v2", " ", "New", NOW, False), Invalid),
    ],
)
def test_a_published_notice_stays_as_it_is(
    conn: Connection, town: Town, notice: Notice, error: type[Exception]
) -> None:
    with pytest.raises(error):
        publish_notice(conn, notice)


def test_only_what_is_published_can_be_accepted(conn: Connection, town: Town, walker: int) -> None:
    with pytest.raises(NotFound):
        accept_notice(conn, walker, "v7", at=NOW, how="self")
    with pytest.raises(Invalid, match="cannot be accepted before"):
        accept_notice(conn, walker, "v1", at=EVER - HOUR, how="paper: 1")


def test_the_catalogue_of_roles_says_who_is_tracked(conn: Connection, town: Town) -> None:
    tracked = {one.name: one.tracked for one in list_roles(conn)}
    assert {
        "网格长",
        "专职网格员",
        "兼职网格员",
        "微网格员",
        "楼栋长",
        "指导员",
        "民警",
        "辅警",
        "座席员",
    } <= tracked.keys()
    assert [tracked[name] for name in ("专职网格员", "民警", "兼职网格员", "楼栋长", "座席员")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert find_role(conn, "楼栋长").code == find_role(conn, "Building head").code == "building_head"
    with pytest.raises(NotFound, match="no role “皇帝”"):
        find_role(conn, "皇帝")
    add_role(conn, Role("river_chief", "河长", "river chief", tracked=False))
    with pytest.raises(Conflict):
        add_role(conn, Role("river_chief", "河长2", "river chief", tracked=False))


def test_a_volunteer_is_not_tracked_and_a_change_of_role_is_dated(conn: Connection, town: Town) -> None:
    person_id = add_person(conn, "v1", "志愿者")
    assign(conn, person_id, Post(town.units["G1"], "volunteer", EVER, NOW))
    assign(conn, person_id, Post(town.units["G1"], "grid_worker", NOW))
    expected: list[tuple[datetime, datetime | None]] = [(NOW, None)]
    assert tracked_periods(conn, [person_id]) == {person_id: expected}
