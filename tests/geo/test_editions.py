"""Publishing: what stands, what changes, what is refused; a reader sees the old edition or the new one."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, func, select

from core.db import make_engine
from core.errors import Conflict, NotFound
from geo.editions import FindingsRefused, Published, list_editions, publish_plan
from geo.editions.standing import read_standing
from geo.metric import GRID_DEG
from geo.networks import Level, create_network, get_network
from geo.plans import UnitDraft, add_units_to_plan, find_draft, withdraw_draft
from geo.tables import edition, unit, unit_version
from tests.geo.sketch import noded, square, units

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
SKETCH = "AABB\nAACB\nDDCC"


def new_network(
    conn: Connection, coverage: str = "full", *, code: str = "net", natural: bool = False
) -> None:
    levels = (
        Level("city", "市", origin="natural" if natural else "drawn"),
        Level("grid", "网格", parent="city"),
    )
    create_network(conn, code, coverage="full" if coverage == "full" else "partial", levels=levels)


def publish(conn: Connection, drafts: list[UnitDraft], *, now: datetime = NOW, **options: Any) -> Published:
    add_units_to_plan(conn, "net", drafts)
    return publish_plan(conn, "net", by="test", now=now, **options)


def city(sketch: str = SKETCH) -> list[UnitDraft]:
    return [UnitDraft("city", "1", "市", None), *units(sketch, parent="1")]


def at(conn: Connection, instant: str | datetime) -> dict[str, tuple[int, Any]]:
    """Code → version id and unit id of what holds at an instant, as known now."""
    columns = (unit_version.c.code, unit_version.c.id, unit_version.c.unit_id)
    held = unit_version.c.valid.op("@>")(func.cast(instant, edition.c.published_at.type))
    known = func.upper_inf(unit_version.c.recorded)
    return {row.code: (row.id, row.unit_id) for row in conn.execute(select(*columns).where(held, known))}


def test_the_first_edition_holds_since_ever(conn: Connection) -> None:
    new_network(conn)
    published = publish(conn, city())
    assert (published.seq, published.effective_from) == (1, None)
    assert published.counts == {"city": 1, "grid": 4}
    assert at(conn, "-infinity").keys() == at(conn, LATER).keys() == {"1", "A", "B", "C", "D"}
    assert find_draft(conn, get_network(conn, "net")) is None


def test_unchanged_units_keep_their_version(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    before = at(conn, NOW)
    published = publish(conn, [replace(u, name="新") if u.code == "A" else u for u in city()], now=LATER)
    after = at(conn, LATER)
    assert published.changes == {"born": 0, "changed": 1, "kept": 4, "retired": 0}
    assert {code for code in after if after[code][0] != before[code][0]} == {"A"}
    assert {code: ids[1] for code, ids in after.items()} == {code: ids[1] for code, ids in before.items()}
    assert at(conn, NOW) == before


def test_a_moved_border_changes_its_two_units_alone(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    publish(conn, city("AABB\nAAAB\nDDCC"), now=LATER)
    kinds = select(unit_version.c.code, unit_version.c.change_kinds)
    changed = {row.code: row.change_kinds for row in conn.execute(kinds) if row.change_kinds != ["born"]}
    assert changed == {"A": ["geometry"], "C": ["geometry"]}


def test_a_missing_unit_is_retired_and_history_stays(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    before = at(conn, NOW)
    publish(conn, city("AABB\nAABB\nDDBB"), now=LATER)
    assert at(conn, LATER).keys() == {"1", "A", "B", "D"}
    assert at(conn, LATER - timedelta(microseconds=1)) == before
    retired = select(func.count()).where(unit.c.retired_edition_id.is_not(None))
    assert conn.scalar(retired) == 1


def test_a_retired_code_is_not_given_to_a_unit_elsewhere(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city("AC"))
    publish(conn, city("AA"), now=LATER)
    elsewhere = [*city("AA"), UnitDraft("grid", "C", "c", square(-1, 0), "1")]
    with pytest.raises(FindingsRefused) as refused:
        publish(conn, elsewhere, now=LATER + timedelta(days=1))
    assert [finding.rule for finding in refused.value.findings] == ["retired_code"]


def test_a_retired_unit_that_comes_back_is_the_same_unit(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city("AC"))
    first = at(conn, NOW)["C"][1]
    publish(conn, city("AA"), now=LATER)
    publish(conn, city("AC"), now=LATER + timedelta(days=1))
    assert at(conn, LATER + timedelta(days=1))["C"][1] == first


def test_a_level_the_draft_is_silent_of_is_taken_over(conn: Connection) -> None:
    new_network(conn)
    publish(conn, [*city(), UnitDraft("grid", "S", "学校", square(0, 0), "1", kind="dedicated")])
    published = publish(conn, units("AABB\nAAAB\nDDCC", parent="1"), now=LATER)
    assert published.counts == {"city": 1, "grid": 4, "grid (dedicated)": 1}
    assert published.changes["retired"] == 0


def test_parents_are_the_union_of_their_children_exactly(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    standing = {key[1]: row for key, row in read_standing(conn, get_network(conn, "net")).items()}
    children = np.array([standing[code].geom for code in "ABCD"], dtype=object)
    union = shapely.coverage_union_all(children)
    assert standing["1"].geom.equals(union)
    assert abs(shapely.area(children).sum() - union.area) <= 1e-14 * union.area
    assert all(
        row.path == f"{standing['1'].unit_id.hex}.{row.unit_id.hex}"
        for code, row in standing.items()
        if code != "1"
    )


def test_what_is_stored_lies_on_the_grid_and_is_a_cover(conn: Connection) -> None:
    new_network(conn)
    drafts = [replace(u, geom=None if u.geom is None else _off_grid(u.geom)) for u in city()]
    publish(conn, drafts)
    shapes = np.array(
        [r.geom for key, r in read_standing(conn, get_network(conn, "net")).items() if key[0] == "grid"]
    )
    steps = shapely.get_coordinates(shapes) / GRID_DEG
    assert np.abs(steps - np.round(steps)).max() < 1e-4
    assert shapely.coverage_is_valid(shapes)


def _off_grid(shape: shapely.Geometry) -> shapely.Geometry:
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    return shapely.transform(shape, lambda xy: (xy - [116, 39]) @ turn + [116, 39])


def test_a_full_network_with_errors_is_refused_and_nothing_is_written(conn: Connection) -> None:
    new_network(conn)
    overlapping = [*city("AAB"), UnitDraft("grid", "X", "x", square(1.5, 0), "1")]
    with pytest.raises(FindingsRefused) as refused:
        publish(conn, overlapping)
    assert {finding.rule for finding in refused.value.findings} >= {"overlap"}
    assert conn.scalar(select(func.count()).select_from(edition)) == 0
    assert find_draft(conn, get_network(conn, "net")) is not None


def test_a_partial_network_is_published_and_says_what_overlaps(conn: Connection) -> None:
    new_network(conn, "partial")
    published = publish(conn, [*units("AAB"), UnitDraft("grid", "X", "x", square(1.5, 0))])
    assert [f.units for f in published.findings if f.rule == "overlap"] == [("A", "X"), ("B", "X")]
    assert at(conn, NOW).keys() == {"A", "B", "X"}


def test_a_partial_network_leaves_out_what_has_no_area_and_joins_equal_codes(conn: Connection) -> None:
    new_network(conn, "partial")
    drafts = [UnitDraft("grid", "A", "a", square(0, 0)), UnitDraft("grid", "A", "a", square(5, 5))]
    tie = shapely.Polygon([(117, 39), (117.01, 39.01), (117.01, 39), (117, 39.01)])
    publish(conn, [*drafts, UnitDraft("grid", "E", "e", shapely.Polygon()), UnitDraft("grid", "T", "t", tie)])
    standing = read_standing(conn, get_network(conn, "net"))
    assert {key[1] for key in standing} == {"A", "T"}
    assert shapely.get_num_geometries(standing["grid", "A"].geom) == 2
    assert all(row.geom.is_valid for row in standing.values())


def test_a_locked_outline_that_its_units_leave_by_two_centimetres_is_refused(conn: Connection) -> None:
    new_network(conn, natural=True)
    outline = noded([square(x, 0) for x in range(4)])
    publish(conn, [UnitDraft("city", "1", "市", outline), *units("AABB", parent="1")])
    notch = 2 / 86_500 / 10  # degrees: two centimetres and a third
    moved = shapely.Polygon(
        [
            (116, 39.01),
            (116.002, 39.01),
            (116.004, 39.01),
            (116.004 + notch, 39.0095),
            (116.004, 39.009),
            (116, 39.009),
        ]
    )
    with pytest.raises(FindingsRefused) as refused:
        publish(conn, [UnitDraft("city", "1", "市", moved), *units("AABB", parent="1")], now=LATER)
    assert {finding.rule for finding in refused.value.findings} >= {"gap"}


def test_units_that_follow_a_locked_outline_within_a_centimetre_become_its_border(conn: Connection) -> None:
    """The outline runs aslant, so that the units' nodes on it are off it by the grid's rounding."""
    new_network(conn, natural=True)
    corners = np.array([(116, 39), (116.0171234567, 39.0071234567), (116.0123, 39.0213), (116, 39.02)])
    node = np.round(corners[0] + 0.37123 * (corners[1] - corners[0]), 7)
    top = np.round(corners[3] + 0.4 * (corners[2] - corners[3]), 7)
    west = shapely.Polygon([corners[0], node, top, corners[3]])
    east = shapely.Polygon([node, corners[1], corners[2], top])
    outline = UnitDraft("city", "1", "市", shapely.Polygon(corners))
    grids = [UnitDraft("grid", "W", "w", west, "1"), UnitDraft("grid", "E", "e", east, "1")]
    assert not shapely.Polygon(corners).equals(shapely.union(west, east))
    assert publish(conn, [outline, *grids]).findings == []
    standing = {key[1]: row.geom for key, row in read_standing(conn, get_network(conn, "net")).items()}
    assert standing["1"].equals(shapely.coverage_union_all([standing["W"], standing["E"]]))


def test_the_same_content_has_the_same_digest(conn: Connection) -> None:
    new_network(conn)
    first = publish(conn, city()).sha256
    other = publish(conn, city("AABB\nAAAB\nDDCC"), now=LATER).sha256
    again = publish(conn, list(reversed(city())), now=LATER + timedelta(days=1)).sha256
    assert first == again != other


def test_editions_follow_each_other_in_time(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city(), effective_from=NOW)
    with pytest.raises(Conflict, match="later instant"):
        publish(conn, city("AABB\nAAAB\nDDCC"), effective_from=NOW)
    assert at(conn, NOW - timedelta(seconds=1)) == {}


def test_an_edition_may_take_effect_in_the_future(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    before = at(conn, NOW)
    publish(conn, city("AABB\nAABB\nDDBB"), effective_from=LATER)
    assert at(conn, LATER - timedelta(seconds=1)) == before
    assert "C" not in at(conn, LATER)


def test_a_back_dated_edition_keeps_what_was_believed(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    publish(conn, city("AABB\nAABB\nDDBB"), now=LATER, effective_from=NOW)
    believed = select(unit_version.c.code).where(unit_version.c.valid.op("@>")(LATER))
    then = believed.where(unit_version.c.recorded.op("@>")(NOW + timedelta(days=1)))
    assert set(conn.scalars(then)) == {"1", "A", "B", "C", "D"}
    assert at(conn, LATER).keys() == {"1", "A", "B", "D"}


def test_a_draft_on_an_older_edition_is_a_conflict(conn: Connection) -> None:
    new_network(conn)
    publish(conn, city())
    add_units_to_plan(conn, "net", city())
    values = select(edition).subquery()
    conn.execute(
        edition.insert().from_select(
            ["network_id", "seq", "published_by", "published_at", "sha256", "counts"],
            select(
                values.c.network_id,
                values.c.seq + 1,
                values.c.published_by,
                values.c.published_at,
                values.c.sha256,
                values.c.counts,
            ),
        )
    )
    with pytest.raises(Conflict, match="since this draft was opened"):
        publish_plan(conn, "net", by="test", now=LATER)


def test_a_withdrawn_draft_is_gone(conn: Connection) -> None:
    new_network(conn)
    add_units_to_plan(conn, "net", city())
    withdraw_draft(conn, "net")
    with pytest.raises(NotFound, match="has no draft"):
        publish_plan(conn, "net", by="test", now=NOW)


def test_levels_are_a_tree_and_siblings_need_not_nest(conn: Connection) -> None:
    levels = (
        Level("city", "市"),
        Level("village", "村", parent="city", origin="natural"),
        Level("grid", "网格", parent="city"),
    )
    create_network(conn, "net", coverage="full", levels=levels)
    drawn = [UnitDraft("city", "1", "市", None)]
    drawn += units("VVWW\nVVWW", "village", "1") + units("AAAA\nBBBB", "grid", "1")
    published = publish(conn, drawn)
    assert published.counts == {"city": 1, "village": 2, "grid": 2}


def test_readers_see_the_old_edition_or_the_new_one(own_database: str) -> None:
    """Two sketches are published in turn while another connection counts: never a mixture."""
    engine = make_engine(own_database)
    with engine.begin() as conn:
        new_network(conn)
        publish(conn, city("AB"))
    seen: set[tuple[str, ...]] = set()
    stop = threading.Event()

    def read() -> None:
        current = select(unit_version.c.code).where(func.upper_inf(unit_version.c.valid))
        with engine.connect() as conn:
            while not stop.is_set():
                seen.add(tuple(sorted(conn.scalars(current))))
                conn.rollback()

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(6):
        with engine.begin() as conn:
            publish(conn, city("AB" if turn % 2 else "AC"), now=NOW + timedelta(days=turn + 1))
    stop.set()
    reader.join()
    engine.dispose()
    assert seen
    assert seen <= {("1", "A", "B"), ("1", "A", "C")}


def test_two_publishers_wait_for_each_other(own_database: str) -> None:
    engine = make_engine(own_database)
    with engine.begin() as conn:
        new_network(conn)
        add_units_to_plan(conn, "net", city())
    outcomes: list[str] = []

    def run() -> None:
        try:
            with engine.begin() as conn:
                publish_plan(conn, "net", by="test", now=NOW)
            outcomes.append("published")
        except NotFound:
            outcomes.append("no draft any more")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as conn:
        editions = list_editions(conn, "net")
    engine.dispose()
    assert sorted(outcomes) == ["no draft any more", "published"]
    assert len(editions) == 1
