"""A fix keeps the unit version of its own time; what a lookup cannot place has none."""

from datetime import timedelta

from sqlalchemy import Connection, text

from geo.lookup import Lookup
from tests.people.town import lay_ground
from tests.tracking.city import NOW, make_worker
from tracking.batches import Arrival
from tracking.checks import Rules
from tracking.formats.report import ParsedFix, Report
from tracking.ingest import ingest_reports


def test_a_fix_knows_the_grid_it_lies_in_and_the_dot_too(conn: Connection) -> None:
    lay_ground(conn)
    _, device = make_worker(conn)
    places = [(121.005, 31.005), (121.015, 31.005), (120.0, 31.0), (0.0, 0.0), (121.005, 131.0), (None, 31.0)]
    fixes = tuple(
        ParsedFix(NOW - timedelta(minutes=90 * n), lon, lat, item={}) for n, (lon, lat) in enumerate(places)
    )
    ingest_reports(conn, Lookup(conn), [Arrival(device, Report("native", fixes))], now=NOW, rules=Rules())
    found = conn.execute(
        text(
            "SELECT code FROM fix LEFT JOIN unit_version v ON v.id = fix.unit_version_id ORDER BY fixed_at DESC"
        )
    )
    assert found.scalars().all() == ["G1", "G2", None, None, None, None]
    assert (
        conn.execute(text("SELECT code FROM last_fix JOIN unit_version v ON v.id = unit_version_id")).scalar()
        == "G1"
    )


def test_without_a_network_fixes_are_stored_unplaced(conn: Connection) -> None:
    _, device = make_worker(conn)
    arrival = Arrival(device, Report("native", (ParsedFix(NOW, 121.0, 31.0, item={}),)))
    ingest_reports(conn, Lookup(conn), [arrival], now=NOW, rules=Rules())
    assert conn.execute(text("SELECT unit_version_id FROM fix")).scalars().all() == [None]
