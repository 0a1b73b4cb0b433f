"""--clean mends up to its width and lists what it did; wider defects stay."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.metric import GRID_DEG
from geo.plans import UnitDraft
from geo.validation import check_units
from geo.validation.arrange import arrange
from geo.validation.mend import mend_units
from tests.geo.sketch import areas, network, noded, square, units

M = 1 / 86_500 / 0.001
"""One metre east, in squares of a sketch."""


def mended(
    drafts: list[UnitDraft], width_m: float, levels: tuple[str, ...] = ("grid",)
) -> tuple[list[str], list[str]]:
    """Rules of the changes listed, and of the findings left."""
    result = mend_units(network(*levels), drafts, width_m=width_m)
    left = check_units(network(*levels), result.drafts).findings
    return sorted({each.rule for each in result.changes}), sorted({each.rule for each in left})


def pair(gap_m: float) -> list[UnitDraft]:
    """Two units in a frame of a third, apart (or, negative, over each other) by so many metres."""
    frame = shapely.difference(square(-1, -1, 4, 3), square(0, 0, 2, 1))
    return [
        UnitDraft("grid", "F", "f", frame),
        UnitDraft("grid", "A", "a", square(0, 0)),
        UnitDraft("grid", "B", "b", square(1 + gap_m * M, 0, 1 - gap_m * M, 1)),
    ]


def test_a_clean_cover_stays_as_it_is() -> None:
    drafts = units("AABB\nAACB\nDDCC")
    result = mend_units(network("grid"), drafts, width_m=1)
    assert result.changes == []
    assert all(new.geom.equals(old.geom) for new, old in zip(result.drafts, drafts, strict=True))


@pytest.mark.parametrize(("apart_m", "rule"), [(0.5, "mended_gap"), (-0.5, "mended_overlap")])
def test_a_narrow_defect_is_mended_and_listed_with_its_area(apart_m: float, rule: str) -> None:
    result = mend_units(network("grid"), pair(apart_m), width_m=1)
    change = next(each for each in result.changes if each.rule == rule)
    assert change.measure == pytest.approx(0.5 * 111, rel=0.02)
    assert "mended" in change.text
    assert check_units(network("grid"), result.drafts).findings == []


@pytest.mark.parametrize(("apart_m", "rule"), [(3, "gap"), (-3, "overlap")])
def test_a_wider_defect_stays_an_error(apart_m: float, rule: str) -> None:
    changes, left = mended(pair(apart_m), 1)
    assert f"mended_{rule}" not in changes
    assert rule in left


def test_an_unmatched_edge_gets_its_vertex() -> None:
    left = shapely.Polygon([*square(0, 0, 1, 2).exterior.coords])
    drafts = [
        UnitDraft("grid", "A", "a", left),
        UnitDraft("grid", "B", "b", square(1, 0)),
        UnitDraft("grid", "C", "c", square(1, 1)),
    ]
    assert mended(drafts, 0.1) == (["mended_unmatched_edge"], [])


def test_a_drawn_outline_gives_way_to_its_units_and_is_listed() -> None:
    city = UnitDraft("city", "1", "市", square(0, 0, 2 + 0.2 * M, 1))
    assert mended([city, *units("AB")], 0.5, ("city", "grid")) == (["mended_outline"], [])


def test_an_outline_that_is_far_from_its_units_stays() -> None:
    city = UnitDraft("city", "1", "市", square(0, 0, 2 + 5 * M, 1))
    _, left = mended([city, *units("AB")], 0.5, ("city", "grid"))
    assert "gap" in left


def jittered(xy: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each place moved once, so that rings stay closed."""
    places, which = np.unique(np.round(xy, 7), axis=0, return_inverse=True)
    return (places + random.uniform(-3e-6, 3e-6, places.shape))[which.ravel()]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_jittered_borders_become_a_cover_on_the_grid_with_the_same_ground(data: st.DataObject) -> None:
    """Every vertex of every unit moved by itself, up to 0.3 m: a law of the arrangement."""
    rows = [data.draw(st.text("ABCD", min_size=4, max_size=4)) for _ in range(4)]
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    shapes = np.array(list(areas("\n".join(rows)).values()), dtype=object)
    moved = [shapely.transform(each, lambda xy: jittered(xy, random)) for each in shapes]
    moved = np.array([shapely.make_valid(each) for each in moved], dtype=object)
    arranged = arrange(moved, width_m=1.5).shapes
    assert shapely.coverage_is_valid(arranged)
    assert shapely.is_valid(arranged).all()
    steps = shapely.get_coordinates(arranged) / GRID_DEG
    assert np.abs(steps - np.round(steps)).max() < 1e-4
    union = shapely.coverage_union_all(arranged)
    assert not any(part.interiors for part in shapely.get_parts(union))
    whole = noded([square(x, y) for x in range(4) for y in range(4)])
    assert shapely.symmetric_difference(union, whole).area < whole.length * 2e-5
