"""What a planner sees of a plan is read in time that grows with the network, not with its square."""

import shapely
from sqlalchemy import Connection, func, select

from core.clock import utc_now
from geo.plans.redraw import open_redraw
from geo.plans.scene import extent_of, read_scene
from geo.plans.working import IS_DIVIDED
from geo.tables import unit_version
from tests.city import publish_small_city
from tests.plans import statements_of


def test_the_units_of_a_whole_network_are_found_without_comparing_each_with_each(conn: Connection) -> None:
    publish_small_city(conn)
    found = open_redraw(conn, "governance", name="x", by="planner", scope_unit_id=None)
    asked = [
        each
        for each in statements_of(conn, lambda: (read_scene(conn, found), extent_of(conn, found)))
        if "child" in each[0] and "IN (SELECT" in each[0]
    ]
    assert len(asked) == 3  # the units, and the box of all of them, twice
    for statement, parameters in asked:
        plan = "\n".join(conn.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
        assert ("hashed SubPlan" in plan, "Anti Join" in plan) == (True, False), plan


def test_they_are_those_that_stand_above_no_other_territorial_unit(conn: Connection) -> None:
    publish_small_city(conn)
    found = open_redraw(conn, "governance", name="x", by="planner", scope_unit_id=None)
    now = utc_now()
    lowest = select(unit_version.c.unit_id, func.ST_AsBinary(unit_version.c.geom).label("geom")).where(
        unit_version.c.network_id == found.network.id,
        unit_version.c.valid.contains(now),
        unit_version.c.recorded.contains(now),
        ~IS_DIVIDED,
    )
    rows = {row.unit_id: shapely.from_wkb(bytes(row.geom)) for row in conn.execute(lowest)}
    scene = read_scene(conn, found)
    assert {each.unit.id for each in scene.units} == set(rows)
    assert (scene.total, scene.complete) == (len(rows), True)
    assert scene.bbox == extent_of(conn, found) == tuple(shapely.total_bounds(list(rows.values())).tolist())
