"""Redrawing: every operation of a plan on the fictional city's 5,657 micro-grids, beside one clean of the whole cover."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Final
from uuid import UUID

import numpy as np
import shapely
from shapely import coverage_clean  # type: ignore[attr-defined]  # types-shapely knows 2.1
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, Engine

from analysis.redraw.blocks import Blocks
from analysis.redraw.impact import measure_impact
from analysis.redraw.suggest import Wanted, suggest, suggest_from
from bench.ground import CITY, SEED, city_units, own_database
from bench.report import Report, medians, seconds_of
from core.settings import Settings
from geo.editions import publish_plan
from geo.editions.standing import StandingUnit, read_standing
from geo.metric import metric_crs_of, snap, to_metres
from geo.networks import Level, Network
from geo.operations import (
    CreateDedicated,
    Dissolve,
    Doors,
    Drawing,
    Merge,
    Operation,
    Recode,
    RedrawPartition,
    Rename,
    Reparent,
    ReplaceFromFile,
    ReshapeVertex,
    ShiftBorder,
    SplitByLine,
    SplitEven,
    Transfer,
    Unit,
    apply,
)
from geo.operations.drawing import Impossible
from geo.operations.returned import Incoming
from geo.plans import as_multipolygons, geometry_column
from geo.plans.redraw import Redraw, do_operation, open_redraw, undo_operation
from geo.plans.steps import check_redraw, publish_redraw, take_step
from geo.received import import_received
from geo.received.folder import read_boundary_folder

NOW: Final = datetime(2026, 6, 10, tzinfo=UTC)
ROUNDS: Final = 11
WARMING: Final = 4
"""A connection knows its statements after these: a service keeps its connections."""
BLOCKS, GRIDS = 300, 6
SEEDS: Final = 20
AIM_OPERATION_S, AIM_CHECK_S, AIM_PUBLISH_S = 0.05, 0.5, 3.0


def run(report: Report, settings: Settings) -> None:
    """Headline: one whole-network `coverage_clean` over one split by a line with its local validation, committed."""
    cells = city_units()
    plane = to_metres(cells, metric_crs_of(cells))
    with own_database(settings) as engine:
        received = read_boundary_folder(CITY.parent)
        with engine.begin() as conn:
            import_received(conn, received, author="bench")
            publish_plan(conn, received.network, by="bench", now=NOW - timedelta(days=100))
        with engine.begin() as conn:
            found = open_redraw(conn, received.network, name="bench", by="bench")
            town = Town(conn, found)
        cleaned: list[float] = []

        def take_turn() -> None:
            cleaned.append(seconds_of(lambda: coverage_clean(plane, snapping_distance=0)))

        timed = {"split_by_line": _time(engine, found, town.split, take_turn)}
        clean_s = median(cleaned)
        timed |= {
            name: _time(engine, found, wanted) for name, wanted in town.operations() if name not in timed
        }
        baseline = f"coverage_clean of {len(cells):,} units"
        report.compare("split by a line, judged and stored", timed["split_by_line"], baseline, clean_s)
        for name, spent_s in timed.items():
            _beside(report, name, spent_s, AIM_OPERATION_S)
        (undo_s,) = _undo(engine, found, town)
        _beside(report, "undo", undo_s, AIM_OPERATION_S)
        _whole(report, engine, found, town)
    _suggestions(report)
    _even_cuts(report)


def _beside(report: Report, name: str, spent_s: float, aim_s: float) -> None:
    report.tell(name, spent_s * 1000, "ms", baseline=f"the aim of {aim_s * 1000:g} ms", ratio=aim_s / spent_s)


def _time(
    engine: Engine,
    found: Redraw,
    wanted: Callable[[int], Operation],
    take_turn: Callable[[], None] | None = None,
) -> float:
    """Median of the operation on different units, each committed; what the ground does not allow is tried elsewhere.

    `take_turn`: the work beside it, in turns, so that the machine's moods strike both alike.
    """
    spent: list[float] = []
    for turn in range(4 * ROUNDS):
        if len(spent) == WARMING + ROUNDS:
            break
        if take_turn is not None:
            take_turn()
        began = perf_counter()
        try:
            with engine.begin() as conn:
                done = do_operation(conn, found.id, wanted(turn), by="bench", now=NOW)
            done.judge()
            spent.append(perf_counter() - began)
        except Impossible:
            continue
        with engine.begin() as conn:
            undo_operation(conn, found.id)
    return median(spent[WARMING:])


def _undo(engine: Engine, found: Redraw, town: "Town") -> list[float]:
    spent = []
    for turn in range(ROUNDS):
        with engine.begin() as conn:
            do_operation(conn, found.id, town.split(turn), by="bench", now=NOW)

        def undo() -> None:
            with engine.begin() as conn:
                undo_operation(conn, found.id)

        spent.append(seconds_of(undo))
    return [median(spent)]


def _whole(report: Report, engine: Engine, found: Redraw, town: "Town") -> None:
    """What is done once a plan: suggestion, impact, full validation, publication."""
    with engine.begin() as conn:
        for turn in range(ROUNDS):
            do_operation(conn, found.id, town.split(turn), by="bench", now=NOW)
        wanted = Wanted(town.community, 5, time_limit_s=30.0)
        _tell_s(report, "suggestion for one community", lambda: suggest(conn, found, wanted, now=NOW))
        _tell_s(report, f"impact of {ROUNDS} splits", lambda: measure_impact(conn, found, now=NOW))
        (spent_s,) = medians([lambda: check_redraw(conn, found)], rounds=5)
        _beside(report, "full validation", spent_s, AIM_CHECK_S)
        for step, by in (("check", "bench"), ("submit", "bench"), ("approve", "other")):
            take_step(conn, found.id, step, by=by, now=NOW)

    def publish() -> None:
        with engine.begin() as conn:
            publish_redraw(conn, found.id, by="other", now=NOW)

    _beside(report, "publish", seconds_of(publish), AIM_PUBLISH_S)


def _tell_s(report: Report, name: str, work: Callable[[], object]) -> None:
    (spent_s,) = medians([work], rounds=5)
    report.tell(name, spent_s, "s")


def _suggestions(report: Report) -> None:
    spent, off, found = [], [], 0
    for seed in range(SEEDS):
        blocks = street_blocks(seed)
        wanted = Wanted(blocks.parent.id, GRIDS, seed=seed, time_limit_s=30.0)
        began = perf_counter()
        suggested = suggest_from(blocks, wanted, began)
        spent.append(perf_counter() - began)
        off += [each.balance.max_deviation for each in suggested.alternatives]
        found += len(suggested.alternatives) == wanted.alternatives and not suggested.unmet
    report.tell(f"4 divisions of {BLOCKS} blocks into {GRIDS} grids", median(spent), "s")
    report.tell("seeds with all that was asked for", found, f"of {SEEDS}")
    report.tell("largest deviation from even", 100 * max(off), "%")
    report.check_equal("suggestions within 5 % on every seed", SEEDS - found)


def _even_cuts(report: Report) -> None:
    """The same ground by straight cuts; all households of a block live at one spot."""
    network = Network(
        1, "bench", "bench", "full", (Level("community", "1"), Level("grid", "2", parent="community"))
    )
    spent, off = [], []
    for seed in range(SEEDS):
        blocks = street_blocks(seed)
        (ground,) = as_multipolygons(snap(geometry_column([shapely.coverage_union_all(blocks.shapes)])))
        spots = shapely.get_coordinates(shapely.point_on_surface(blocks.shapes))
        grid = Unit(UUID(int=2), "grid", "101", "101", blocks.parent.id, shapely.normalize(ground))
        units = {blocks.parent.id: blocks.parent, grid.id: grid}
        drawing = Drawing(network, units, doors=Doors(spots, blocks.households))
        began = perf_counter()
        applied = apply(drawing, SplitEven(grid.id, GRIDS), grid.id)
        spent.append(perf_counter() - began)
        parts = [each.geom for each in applied.changes.values() if each is not None]
        loads = np.array([blocks.households[shapely.contains_xy(each, spots)].sum() for each in parts])
        whole = len(parts) == GRIDS and all(shapely.get_num_geometries(each) == 1 for each in parts)
        off.append(float(np.abs(loads / loads.mean() - 1).max()) if whole else np.inf)
    report.tell(f"{GRIDS} even parts of {BLOCKS} blocks by straight cuts", median(spent) * 1000, "ms")
    report.tell("largest deviation from even", 100 * max(off), "%")
    report.check_equal("even splits whole and within 5 % on every seed", sum(each > 0.05 for each in off))


def street_blocks(seed: int) -> Blocks:
    """A community of 1.2 by 1.0 km, its blocks askew and unevenly lived in."""
    random = np.random.default_rng(SEED + seed)
    corner, size = np.array([116.0, 39.0]), np.array([0.01387, 0.00901])
    ground = shapely.box(*corner, *(corner + size))
    spots = shapely.MultiPoint(corner + random.random((BLOCKS, 2)) * size)
    cells = shapely.get_parts(shapely.voronoi_polygons(spots, extend_to=ground))
    shapes = np.asarray(shapely.intersection(cells, ground), dtype=object)
    households = random.lognormal(3.0, 0.7, BLOCKS).round()
    parent = Unit(UUID(int=1), "community", "1", "1", None, None)
    holder, none = np.zeros(BLOCKS, dtype=np.int64), np.zeros(BLOCKS)
    area = np.asarray(shapely.area(shapes)) * 9.6e9
    return Blocks(parent, "given", shapes, [parent], holder, households, none, none, area, [])


class Town:
    """Arguments for operations on units spread over the city, another one each turn."""

    def __init__(self, conn: Connection, found: Redraw) -> None:
        rows = list(read_standing(conn, found.network).values())
        self._by_id = {each.unit_id: each for each in rows}
        self.leaves: list[StandingUnit] = [
            each for each in rows if each.level == "microgrid" and each.kind == "territorial"
        ]
        self.tree = shapely.STRtree([each.geom for each in self.leaves])
        self._order: list[int] = np.random.default_rng(SEED).permutation(len(self.leaves)).tolist()
        self.community = next(each.unit_id for each in rows if each.level == "community")
        self.grids = [each for each in rows if each.level == "grid"]

    def operations(self) -> Iterator[tuple[str, Callable[[int], Operation]]]:
        yield "split_by_line", self.split
        yield "split_even", lambda turn: SplitEven(self.unit(turn).unit_id, 3, by="area")
        yield "merge", lambda turn: Merge((self.unit(turn).unit_id, self.beside(turn).unit_id))
        yield "shift_border", self._shift
        yield "transfer", self._transfer
        yield "reshape_vertex", self._vertex
        yield "redraw_partition", self._partition
        yield "reparent", self._reparent
        yield "rename", lambda turn: Rename(self.unit(turn).unit_id, f"新名{turn}")
        yield "recode", lambda turn: Recode(self.unit(turn).unit_id, f"9{turn:013d}")
        yield "create_dedicated", self._dedicated
        yield "dissolve", lambda turn: Dissolve(self.unit(turn).unit_id)
        yield "replace_from_file", self._replace

    def unit(self, turn: int) -> StandingUnit:
        return self.leaves[self._order[turn]]

    def beside(self, turn: int) -> StandingUnit:
        """The neighbour under the same parent with the longest common border."""
        unit = self.unit(turn)
        near = [self.leaves[row] for row in self.tree.query(unit.geom, predicate="touches")]
        same = [each for each in near if each.parent_unit_id == unit.parent_unit_id] or near
        longest: StandingUnit = max(same, key=lambda each: float(_common(unit, each).length))
        return longest

    def split(self, turn: int) -> SplitByLine:
        return SplitByLine(self.unit(turn).unit_id, _across(self.unit(turn).geom))

    def _shift(self, turn: int) -> Operation:
        unit, other = self.unit(turn), self.beside(turn)
        common = shapely.get_coordinates(_common(unit, other))
        bend = common.mean(axis=0) + 2e-5
        return ShiftBorder(unit.unit_id, other.unit_id, shapely.LineString([common[0], bend, common[-1]]))

    def _transfer(self, turn: int) -> Operation:
        unit, other = self.unit(turn), self.beside(turn)
        area = shapely.buffer(_middle_of(_common(unit, other)), 1e-4)
        return Transfer(unit.unit_id, other.unit_id, area)

    def _vertex(self, turn: int) -> Operation:
        unit = self.unit(turn)
        corner = shapely.get_coordinates(unit.geom)[0]
        return ReshapeVertex(shapely.Point(corner), shapely.Point(corner + 1e-5), (unit.unit_id,))

    def _partition(self, turn: int) -> Operation:
        grid = self.grids[turn * 7 % len(self.grids)]
        return RedrawPartition(grid.unit_id, lines=(_across(grid.geom),))

    def _reparent(self, turn: int) -> Operation:
        near = [self.leaves[row] for row in self.tree.query(self.unit(turn).geom, predicate="touches")]
        parents = {each.parent_unit_id for each in near} | {self.unit(turn).parent_unit_id}
        other = sorted(parents - {self.unit(turn).parent_unit_id, None}, key=str)
        if not other:
            raise Impossible("no other parent beside it")
        return Reparent((self.unit(turn).unit_id,), other[0])

    def _dedicated(self, turn: int) -> Operation:
        unit = self.unit(turn)
        place = shapely.buffer(shapely.point_on_surface(unit.geom), 1e-4)
        parent = self._by_id[unit.parent_unit_id] if unit.parent_unit_id else unit
        return CreateDedicated(parent.unit_id, unit.level, place, "专属", code=f"Z{turn:05d}")

    def _replace(self, turn: int) -> Operation:
        unit, other = self.unit(turn), self.beside(turn)
        area = shapely.buffer(_middle_of(_common(unit, other)), 1e-4)
        mine = shapely.union(unit.geom, shapely.intersection(other.geom, area))
        its = shapely.difference(other.geom, area)
        return ReplaceFromFile((Incoming(unit.unit_id, mine), Incoming(other.unit_id, its)))


def _common(one: StandingUnit, other: StandingUnit) -> BaseGeometry:
    shared: BaseGeometry = shapely.intersection(shapely.boundary(one.geom), shapely.boundary(other.geom))
    return shared


def _middle_of(common: BaseGeometry) -> shapely.Point:
    """Halfway along its longest connected part."""
    lines = [each for each in shapely.get_parts(shapely.line_merge(common)) if each.length > 0]
    longest: shapely.LineString = max(lines, key=lambda each: float(each.length))
    return longest.interpolate(0.5, normalized=True)


def _across(shape: BaseGeometry) -> shapely.LineString:
    """A line from west to east through the middle, a little askew."""
    west, _, east, _ = shape.bounds
    x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
    return shapely.LineString([(west - 1e-4, y - 2e-5), (x, y + 1e-5), (east + 1e-4, y + 3e-5)])
