"""One point, in every network, at any instant."""

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection

from core.errors import Invalid, NotFound
from geo.lookup import Lookup
from geo.lookup.answers import Placement
from tests.geo.ground import Drawn, make_network, publish

JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
WEST, EAST, TOP, BOTTOM = 116.0, 116.02, 40.02, 40.0


def block(column: int, row: int, columns: int = 1, rows: int = 1) -> shapely.Polygon:
    """Cells of 0.01° from the south-west corner of a small ground.

    row 1   0,1  1,1
    row 0   0,0  1,0
    """
    west, south = WEST + column / 100, BOTTOM + row / 100
    corners = (west, south, west + columns / 100, south + rows / 100)
    return shapely.box(*(round(value, 7) for value in corners))


FOUR = (
    Drawn("10", block(0, 0)),
    Drawn("9", block(1, 0)),
    Drawn("11", block(0, 1)),
    Drawn("a1", block(1, 1)),
)


def only(placements: list[Placement]) -> Placement:
    assert len(placements) == 1
    return placements[0]


def test_a_point_is_placed_in_its_unit_with_its_distance_to_the_border(conn: Connection) -> None:
    make_network(conn, "governance")
    edition_id = publish(conn, "governance", FOUR)
    found = only(Lookup(conn).place(116.001, 40.005))
    assert (found.status, found.edition_id) == ("inside", edition_id)
    assert found.unit is not None
    assert (found.unit.code, found.unit.level, found.unit.kind) == ("10", "grid", "territorial")
    assert found.border_m == pytest.approx(85.39, abs=0.1)
    assert found.nearest is None


@pytest.mark.parametrize(
    ("lon", "lat", "owner"),
    [
        (116.01, 40.005, "9"),  # the border of 10 and 9: 9 comes before 10
        (116.005, 40.01, "10"),
        (116.01, 40.01, "9"),  # the corner all four share
        (116.02, 40.015, "a1"),  # the outer border
        (116.01, 40.02, "11"),  # digits come before letters
    ],
)
def test_on_a_border_the_lowest_code_in_natural_order_owns_the_point(
    conn: Connection, lon: float, lat: float, owner: str
) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    found = only(Lookup(conn).place(lon, lat))
    assert found.unit is not None
    assert (found.unit.code, found.border_m, found.status) == (owner, 0.0, "inside")


def test_the_owner_is_decided_at_the_deepest_level_and_its_parents_follow(conn: Connection) -> None:
    make_network(conn, "governance", ("street", "grid"))
    streets = [Drawn("1", block(0, 0, rows=2), "street"), Drawn("2", block(1, 0, rows=2), "street")]
    grids = [
        Drawn("g2", block(0, 0, rows=2), parent="1"),
        Drawn("g1", block(1, 0, rows=2), parent="2"),
    ]
    publish(conn, "governance", [*streets, *grids])
    found = only(Lookup(conn).place(116.01, 40.015))
    assert [unit.code for unit in found.units] == ["g1", "2"]


def test_nearer_to_the_border_than_the_accuracy_is_ambiguous(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    lookup = Lookup(conn)
    assert only(lookup.place(116.009, 40.005, accuracy_m=80)).status == "inside"
    assert only(lookup.place(116.009, 40.005, accuracy_m=90)).status == "ambiguous"


def test_outside_names_the_nearest_unit_and_the_metres_to_it(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    found = only(Lookup(conn).place(116.03, 40.005))
    assert (found.status, found.unit, found.border_m) == ("outside", None, None)
    assert found.nearest is not None
    assert found.nearest.unit.code == "9"
    assert found.nearest.distance_m == pytest.approx(854.0, abs=0.5)


def test_as_near_to_two_units_the_lowest_code_is_the_nearest(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    found = only(Lookup(conn).place(116.01, 39.99))
    assert found.nearest is not None
    assert found.nearest.unit.code == "9"


def test_units_that_overlap_are_all_named_and_the_lowest_owns(conn: Connection) -> None:
    make_network(conn, "councils", coverage="partial")
    publish(
        conn, "councils", [Drawn("12", block(0, 0, 2)), Drawn("7", block(1, 0, 2)), Drawn("3", block(2, 0))]
    )
    lookup = Lookup(conn)
    found = only(lookup.place(116.015, 40.005))
    assert (found.status, found.unit_version_id) == ("several", found.several[0].unit_version_id)
    assert [unit.code for unit in found.several] == ["7", "12"]
    assert only(lookup.place(116.005, 40.005)).status == "inside"


def test_a_shared_border_without_an_overlap_is_not_several(conn: Connection) -> None:
    make_network(conn, "councils", coverage="partial")
    publish(conn, "councils", FOUR)
    assert only(Lookup(conn).place(116.01, 40.005)).status == "inside"


def test_dedicated_grids_come_first_and_the_territorial_one_too(conn: Connection) -> None:
    make_network(conn, "governance", ("community", "grid"))
    units = [
        Drawn("c", block(0, 0, 2), "community"),
        Drawn("g1", block(0, 0), parent="c"),
        Drawn("g2", block(1, 0), parent="c"),
        Drawn("school", shapely.box(116.008, 40.004, 116.012, 40.006), parent="c", kind="dedicated"),
    ]
    publish(conn, "governance", units)
    found = only(Lookup(conn).place(116.009, 40.005))
    assert [unit.code for unit in found.units] == ["school", "g1", "c"]
    assert found.unit is not None
    assert found.unit.code == "g1"
    assert [unit.code for unit in found.dedicated] == ["school"]


def test_levels_beside_each_other_each_give_their_own_unit(conn: Connection) -> None:
    """Natural villages and drawn grids under one street; they do not nest in one another."""
    make_network(conn, "governance", ("street", ("village", "street"), ("grid", "street")))
    units = [
        Drawn("s", block(0, 0, 2), "street"),
        Drawn("v1", shapely.box(116.0, 40.0, 116.004, 40.01), "village", parent="s"),
        Drawn("v2", shapely.box(116.004, 40.0, 116.02, 40.01), "village", parent="s"),
        Drawn("g1", block(0, 0), parent="s"),
        Drawn("g2", block(1, 0), parent="s"),
    ]
    publish(conn, "governance", units)
    found = only(Lookup(conn).place(116.006, 40.005))
    assert {unit.level: unit.code for unit in found.units} == {"street": "s", "village": "v2", "grid": "g1"}


def test_a_hole_of_the_deepest_level_is_outside_with_what_stands_above_still_named(conn: Connection) -> None:
    make_network(conn, "police", ("district", "beat"), coverage="partial")
    publish(
        conn, "police", [Drawn("d", block(0, 0, 2), "district"), Drawn("b", block(0, 0), "beat", parent="d")]
    )
    found = only(Lookup(conn).place(116.015, 40.005))
    assert (found.status, [unit.code for unit in found.units]) == ("outside", ["d"])
    assert found.nearest is not None
    assert found.nearest.unit.code == "b"


def test_a_hole_in_a_unit_is_not_the_unit(conn: Connection) -> None:
    make_network(conn, "police", coverage="partial")
    publish(conn, "police", [Drawn("d", block(0, 0, 3, 3).difference(block(1, 1)))])
    lookup = Lookup(conn)
    assert only(lookup.place(116.015, 40.015)).status == "outside"
    assert only(lookup.place(116.01, 40.015)).border_m == 0.0


def test_every_network_answers_and_one_without_an_edition_is_outside(conn: Connection) -> None:
    for code in ("governance", "police", "party"):
        make_network(conn, code)
    publish(conn, "governance", FOUR)
    publish(conn, "police", [Drawn("p", block(0, 0, 2, 2))], effective_from=JULY)
    answers = {each.network: each for each in Lookup(conn).place(116.005, 40.005, at=JUNE)}
    assert {code: each.status for code, each in answers.items()} == {
        "governance": "inside",
        "police": "outside",
        "party": "outside",
    }
    assert answers["police"].edition_id is None


def test_placing_at_an_instant_is_the_same_before_and_after_a_later_edition(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    lookup = Lookup(conn)
    before = lookup.place(116.005, 40.005, at=JUNE)
    publish(conn, "governance", [Drawn("whole", block(0, 0, 2, 2))], effective_from=JULY)
    assert lookup.place(116.005, 40.005, at=JUNE) == before
    assert Lookup(conn).place(116.005, 40.005, at=JUNE) == before
    after = only(lookup.place(116.005, 40.005, at=JULY))
    assert after.unit is not None
    assert after.unit.code == "whole"


def test_foreign_coordinates_are_converted_first(conn: Connection) -> None:
    make_network(conn, "governance")
    publish(conn, "governance", FOUR)
    lookup = Lookup(conn)
    shifted = only(lookup.place(116.0065, 40.0065, crs="gcj02"))
    plain = only(lookup.place(116.0065, 40.0065))
    assert shifted.border_m != plain.border_m


@pytest.mark.parametrize(("lon", "lat"), [(np.nan, 40.0), (116.0, 91.0), (181.0, 0.0), (np.inf, 0.0)])
def test_what_is_no_place_on_earth_is_refused(conn: Connection, lon: float, lat: float) -> None:
    with pytest.raises(Invalid, match="no place on earth"):
        Lookup(conn).place(lon, lat)


def test_an_unknown_network_is_told_with_those_there_are(conn: Connection) -> None:
    make_network(conn, "police")
    with pytest.raises(NotFound, match="the networks are: police"):
        Lookup(conn).place_many("governance", np.array([116.0]), np.array([40.0]))
