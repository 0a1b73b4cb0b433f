"""`map coverage`: units by class of their coverage in one file, hatched where nobody tracked serves."""

import pytest
from sqlalchemy import Connection

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.compute import compute_day
from analysis.coverage.kept.reading import find_network_id
from core.errors import NotFound
from geo.lookup import Lookup
from maps.snapshots.coverage import draw_coverage
from tests.analysis.coverage.town import JOB, NOW, ON, ZONE, add_fixes, build


def test_the_page_holds_classes_a_table_and_what_is_not_observed(conn: Connection) -> None:
    add_fixes(conn, build(conn), [(0.0, 0.0), (1.0, 0.0)])
    compute_day(conn, Lookup(conn), JOB, on=ON, now=NOW)
    asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
    page = draw_coverage(conn, asked, network="governance", zone=ZONE)
    assert "巡查覆盖" in page
    assert "未观测" in page
    assert "area 1" in page
    assert "wanggeHatch(geo_json_" in page
    assert page.count("new WanggeLabels(") == 1
    assert "3101" in page
    assert 'src="http' not in page


def test_a_period_without_a_computed_day_is_told(conn: Connection) -> None:
    build(conn)
    asked = CoverageAsked(find_network_id(conn, "governance"), None, ON, ON)
    with pytest.raises(NotFound, match="coverage compute"):
        draw_coverage(conn, asked, network="governance", zone=ZONE)
