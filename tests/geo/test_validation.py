"""Each defect is found where it is; a clean cover has none."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.findings import Finding, findings_geojson
from geo.plans import UnitDraft
from geo.validation import check_units
from tests.geo.sketch import STEP_DEG, areas, network, noded, square, units

CLEAN = """
    AABB
    AACB
    DDCC
"""


def found(levels: tuple[str, ...], drafts: list[UnitDraft], coverage: str = "full") -> list[Finding]:
    return check_units(network(*levels, coverage=coverage), drafts).findings


def rules(findings: list[Finding]) -> list[str]:
    return sorted({finding.rule for finding in findings})


def one(findings: list[Finding], rule: str) -> Finding:
    (finding,) = [each for each in findings if each.rule == rule]
    return finding


def square_m2() -> float:
    """The area of one square of a sketch, by another way: degrees times metres a degree at 39°."""
    return STEP_DEG**2 * 111_030 * 86_500


def test_a_clean_cover_has_no_findings() -> None:
    assert found(("grid",), units(CLEAN)) == []


def test_a_clean_cover_in_its_parent_has_no_findings() -> None:
    city = UnitDraft("city", "1", "市", noded([square(x, y) for x in range(4) for y in range(3)]))
    assert found(("city", "grid"), [city, *units(CLEAN)]) == []


def test_an_overlap_is_found_with_its_area_and_place() -> None:
    drafts = [*units("AAB"), UnitDraft("grid", "X", "x", square(1.5, 0))]
    overlaps = [each for each in found(("grid",), drafts) if each.rule == "overlap"]
    assert sorted(each.units for each in overlaps) == [("A", "X"), ("B", "X")]
    for finding in overlaps:
        assert finding.severity == "error"
        assert finding.measure == pytest.approx(square_m2() / 2, rel=0.02)
        assert shapely.intersects(finding.geometry, shapely.Point(finding.where))


def test_an_overlap_is_a_warning_in_a_partial_network() -> None:
    drafts = [*units("AAB"), UnitDraft("grid", "X", "x", square(1.5, 0))]
    assert {each.severity for each in found(("grid",), drafts, "partial")} == {"warning"}


def test_a_unit_twice_under_two_codes_overlaps_itself() -> None:
    drafts = [*units("AB"), UnitDraft("grid", "A2", "x", areas("AB")["A"])]
    assert ("A", "A2") in [each.units for each in found(("grid",), drafts) if each.rule == "overlap"]


def test_a_unit_inside_another_overlaps_it() -> None:
    drafts = [UnitDraft("grid", "A", "a", square(0, 0, 3, 3)), UnitDraft("grid", "B", "b", square(1, 1))]
    assert one(found(("grid",), drafts), "overlap").units == ("A", "B")


def test_a_hole_between_units_is_a_gap_even_without_an_outline() -> None:
    finding = one(found(("grid",), units("AAB\nA.B\nCCB")), "gap")
    assert finding.measure == pytest.approx(square_m2(), rel=0.02)
    assert square(1, 1).buffer(1e-9).contains(finding.geometry)


@pytest.mark.parametrize("wide", [0.0001, 0.001, 0.01, 0.1, 0.5])
def test_a_gap_of_any_width_is_found(wide: float) -> None:
    """Unlike shapely.coverage_is_valid(gap_width=…), which misses gaps narrower than its width."""
    drafts = [
        UnitDraft("grid", "A", "a", square(0, 0, 1, 1)),
        UnitDraft("grid", "B", "b", square(1 + wide, 0, 1, 1)),
        UnitDraft("grid", "C", "c", shapely.Polygon([*square(0, 1, 2 + wide, 1).exterior.coords])),
    ]
    city = UnitDraft("city", "1", "市", square(0, 0, 2 + wide, 2))
    gap = one(found(("city", "grid"), [city, *drafts]), "gap")
    assert gap.measure == pytest.approx(square_m2() * wide, rel=0.05)


def test_what_the_children_leave_of_their_parent_is_a_gap() -> None:
    city = UnitDraft("city", "1", "市", noded([square(x, 0) for x in range(4)]))
    finding = one(found(("city", "grid"), [city, *units("AABB"[:3])]), "gap")
    assert finding.units[0] == "1"
    assert finding.measure == pytest.approx(square_m2(), rel=0.02)


def test_a_gap_is_reported_once_where_it_is() -> None:
    city = UnitDraft("city", "1", "市", noded([square(x, 0) for x in range(4)]))
    streets = [UnitDraft("street", code, code, area) for code, area in areas("LLRR").items()]
    grids = [UnitDraft("grid", code, code, area) for code, area in areas("ABC").items()]
    finding = one(found(("city", "street", "grid"), [city, *streets, *grids]), "gap")
    assert finding.units[0] == "R"


def test_an_enclave_of_the_outline_is_no_gap() -> None:
    ring = noded([square(x, y) for x in range(3) for y in range(3) if (x, y) != (1, 1)])
    city = UnitDraft("city", "1", "市", ring)
    assert found(("city", "grid"), [city, *units("AAB\nA.B\nCCB")]) == []


def test_a_child_outside_its_parent_is_found() -> None:
    streets = [UnitDraft("street", code, code, area) for code, area in areas("LLRR").items()]
    grids = [replace(unit, parent_code=parent) for unit, parent in zip(units("AABC"), "LRR", strict=True)]
    grids[0] = replace(grids[0], geom=square(0, 0, 2.25, 1))
    finding = one(found(("street", "grid"), [*streets, *grids], "partial"), "outside_parent")
    assert finding.units == ("A", "L")
    assert finding.measure == pytest.approx(square_m2() / 4, rel=0.02)


def test_a_cut_into_another_parent_names_both() -> None:
    streets = [UnitDraft("street", code, code, area) for code, area in areas("LLRR").items()]
    grid = UnitDraft("grid", "A", "a", square(0, 0, 2.25, 1), "L")
    finding = one(found(("street", "grid"), [*streets, grid], "partial"), "cuts_other_parent")
    assert finding.units == ("A", "R")


def test_a_vertex_the_neighbour_lacks_is_an_unmatched_edge() -> None:
    left = shapely.Polygon([*square(0, 0, 1, 2).exterior.coords])
    right = [UnitDraft("grid", "B", "b", square(1, 0)), UnitDraft("grid", "C", "c", square(1, 1))]
    findings = found(("grid",), [UnitDraft("grid", "A", "a", left), *right])
    assert rules(findings) == ["unmatched_edge"]
    assert "A" in [each.units[0] for each in findings]
    assert all(each.measure > 0 for each in findings)


def test_a_bow_tie_is_invalid_and_located_at_its_crossing() -> None:
    tie = shapely.Polygon([(116, 39), (116.01, 39.01), (116.01, 39), (116, 39.01)])
    finding = one(found(("grid",), [UnitDraft("grid", "A", "a", tie)]), "invalid_geometry")
    assert finding.where == pytest.approx((116.005, 39.005))


@pytest.mark.parametrize(
    "shape", [shapely.Polygon(), shapely.Point(116, 39), shapely.LineString([(0, 0), (1, 1)])]
)
def test_a_unit_without_an_area_is_found(shape: shapely.Geometry) -> None:
    findings = found(("grid",), [*units("A"), UnitDraft("grid", "Z", "z", shape)])
    assert one(findings, "empty_geometry").units == ("Z",)


def test_a_derived_unit_without_children_is_found() -> None:
    findings = found(
        ("city", "grid"),
        [UnitDraft("city", "1", "市", None), UnitDraft("city", "2", "空", None), *units("A", parent="1")],
    )
    assert one(findings, "empty_geometry").units == ("2",)


def test_a_code_that_stands_three_times_is_one_finding() -> None:
    drafts = [replace(unit, code="7") for unit in units("ABC")]
    finding = one(found(("grid",), drafts), "duplicate_code")
    assert finding.measure == 3
    assert "3 times" in finding.text


def test_the_same_code_at_two_levels_is_fine() -> None:
    city = UnitDraft("city", "A", "市", areas("A")["A"])
    assert found(("city", "grid"), [city, *units("A", parent="A")]) == []


def test_a_parent_that_is_not_there_is_missing() -> None:
    city = UnitDraft("city", "1", "市", areas("AB")["A"])
    findings = found(
        ("city", "grid"), [city, *units("A", parent="1"), UnitDraft("grid", "B", "b", areas("AB")["B"], "2")]
    )
    assert one(findings, "missing_parent").units == ("B",)


def test_a_unit_in_no_parent_is_missing_one() -> None:
    city = UnitDraft("city", "1", "市", areas("AB")["A"])
    findings = found(("city", "grid"), [city, *units("AB")])
    assert one(findings, "missing_parent").units == ("B",)


def test_a_unit_across_two_parents_has_a_second_one() -> None:
    cities = [UnitDraft("city", code, code, area) for code, area in areas("AB").items()]
    findings = found(("city", "grid"), [*cities, UnitDraft("grid", "X", "x", square(0.25, 0))])
    finding = one(findings, "second_parent")
    assert finding.units == ("X", "A", "B")
    assert finding.measure == pytest.approx(75, abs=0.1)


def test_five_thousand_units_that_name_a_wrong_parent_are_judged_at_once() -> None:
    side = range(71)
    grids = [UnitDraft("grid", f"{x}.{y}", "", square(x, y), "nobody") for x in side for y in side]
    findings = found(("city", "grid"), [UnitDraft("city", "1", "市", square(0, 0, 71, 71)), *grids])
    assert sum(each.rule == "missing_parent" for each in findings) == 71 * 71


def test_units_above_each_other_are_a_cycle() -> None:
    shapes = areas("AB")
    drafts = [UnitDraft("grid", "A", "a", shapes["A"], "B"), UnitDraft("grid", "B", "b", shapes["B"], "A")]
    findings = found(("grid",), drafts)
    assert sorted(each.units[0] for each in findings if each.rule == "cycle") == ["A", "B"]


def test_leading_zeros_in_the_parents_code_are_said_and_understood() -> None:
    city = UnitDraft("city", "7", "市", areas("A")["A"])
    findings = found(("city", "grid"), [city, *units("A", parent="07")])
    assert [(each.rule, each.severity) for each in findings] == [("padded_code", "warning")]


def test_dedicated_units_may_lie_over_others() -> None:
    drafts = [*units("AB"), UnitDraft("grid", "S1", "学校", square(0.5, 0.2, 1, 0.2), kind="dedicated")]
    assert found(("grid",), drafts) == []


def test_a_dedicated_unit_belongs_to_the_parent_that_holds_most_of_it() -> None:
    cities = [UnitDraft("city", code, code, area) for code, area in areas("AB").items()]
    grids = [UnitDraft("grid", f"g{code}", code, area, code) for code, area in areas("AB").items()]
    school = UnitDraft("grid", "S", "学校", square(0.3, 0.2, 1, 0.2), kind="dedicated")
    checked = check_units(network("city", "grid"), [*cities, *grids, school])
    assert checked.findings == []
    assert checked.ground.code(checked.ground.parent[-1]) == "A"


def test_a_dedicated_unit_without_a_parent_is_found() -> None:
    city = UnitDraft("city", "A", "市", areas("A")["A"])
    school = UnitDraft("grid", "S", "学校", square(5, 5), kind="dedicated")
    assert one(found(("city", "grid"), [city, *units("A", parent="A"), school]), "missing_parent").units == (
        "S",
    )


def test_a_unit_that_nothing_subdivides_is_a_neighbour_of_subdivided_ones() -> None:
    streets = [UnitDraft("street", code, code, area) for code, area in areas("LLRR").items()]
    grids = [UnitDraft("grid", code, code, area, "L") for code, area in areas("AB").items()]
    assert found(("street", "grid"), [*streets, *grids]) == []
    moved = [*streets[:1], replace(streets[1], geom=square(1.5, 0, 2.5, 1)), *grids]
    assert ("R", "B") in [each.units for each in found(("street", "grid"), moved) if each.rule == "overlap"]


def test_findings_become_geojson() -> None:
    drafts = [*units("AB"), UnitDraft("grid", "A2", "x", areas("AB")["A"])]
    document = findings_geojson(found(("grid",), drafts))
    assert {feature["properties"]["rule"] for feature in document["features"]} >= {"overlap"}
    assert all(feature["geometry"] for feature in document["features"])


@given(st.data())
def test_a_random_partition_is_clean_and_any_moved_unit_is_noticed(data: st.DataObject) -> None:
    rows = [data.draw(st.text("ABCD", min_size=5, max_size=5)) for _ in range(4)]
    outline = noded([square(x, y) for x in range(5) for y in range(4)])
    drafts = [UnitDraft("city", "1", "市", outline), *units("\n".join(rows), parent="1")]
    assert found(("city", "grid"), drafts) == []
    index = data.draw(st.integers(1, len(drafts) - 1))
    shift = data.draw(st.sampled_from([0.0003, 0.01, 0.2]))
    moved = shapely.transform(drafts[index].geom, lambda xy: xy + np.array([shift * STEP_DEG, 0]))
    changed = [*drafts[:index], replace(drafts[index], geom=moved), *drafts[index + 1 :]]
    assert {"gap", "outside_parent"} & set(rules(found(("city", "grid"), changed)))
