"""Open cases, in all and in each unit right below."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, true

from cases.tallies import Asked, Tally, count_open_cases
from cases.views import visible
from core.errors import NotFound
from geo.lookup import Lookup
from tests.cases.town import IN_G1, IN_G2, NOW, OUTSIDE, REPORT, Town, bring_to, caller_of, new_case


@pytest.fixture
def some(conn: Connection, town: Town) -> Connection:
    """Two in G1 and one in G2 are open, one in G1 is closed, one lies outside and one nowhere."""
    for ref, where in (("a", IN_G1), ("b", IN_G1), ("c", IN_G2), ("d", OUTSIDE), ("e", (None, None))):
        new_case(conn, ref, lon=where[0], lat=where[1])
    bring_to(conn, town, "closed", "f")
    return conn


@pytest.mark.parametrize(
    ("unit", "total", "below"),
    [
        (None, 3, {"T": 3}),
        ("T", 3, {"S1": 2, "S2": 1}),
        ("S1", 2, {"G1": 2}),
        ("G1", 2, {}),
    ],
)
def test_open_cases_are_counted_by_the_unit_right_below(
    some: Connection, town: Town, unit: str | None, total: int, below: dict[str, int]
) -> None:
    found = count_open_cases(some, Lookup(some), Asked("governance", unit), true())
    assert found == Tally(total, {town.units[code].hex: count for code, count in below.items()})


def test_only_cases_that_are_seen_are_counted(some: Connection, town: Town) -> None:
    boss = caller_of(some, town, "boss2", "supervisor", "S2")
    assert count_open_cases(some, Lookup(some), Asked("governance"), visible(some, boss)).total == 1


def test_unknown_networks_and_units_are_no_zero(some: Connection) -> None:
    with pytest.raises(NotFound, match="X9"):
        count_open_cases(some, Lookup(some), Asked("governance", "X9"), true())
    with pytest.raises(NotFound, match="party"):
        count_open_cases(some, Lookup(some), Asked("party"), true())


def test_an_instant_has_the_cases_that_were_open_then(some: Connection, town: Town) -> None:
    """`f` was reported the day before, was closed in the sixth minute, and lay in G1; the others came later."""

    def open_at(at: datetime, unit: str | None = "S1") -> Tally:
        return count_open_cases(some, Lookup(some), Asked("governance", unit, at), true())

    new_case(some, "late", lon=IN_G1[0], lat=IN_G1[1], reported_at=NOW + timedelta(minutes=3))
    own = town.units["G1"].hex
    reported = REPORT.reported_at or NOW
    assert open_at(reported - timedelta(seconds=1)) == Tally(0, {})
    counts = [open_at(NOW + timedelta(minutes=n)) for n in (2, 4, 30)]
    assert counts == [Tally(3, {own: 3}), Tally(4, {own: 4}), Tally(3, {own: 3})]
    assert open_at(NOW + timedelta(minutes=2), None) == Tally(4, {town.units["T"].hex: 4})
    assert open_at(NOW + timedelta(minutes=2), "G1") == Tally(3, {})
    with pytest.raises(NotFound, match="X9"):
        open_at(NOW, "X9")
