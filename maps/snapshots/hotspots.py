"""`map hotspots`: cells by class with the cases behind them, in one file; the legend says what a class means."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import folium
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from analysis.hotspots import CLASS_NAMES, CLASSES, Facts, Hotspots, Question, compute_hotspots
from geo.cells import cell_name, cell_polygons
from geo.lookup import Lookup
from maps.snapshots.frame import (
    STATIC,
    Bounds,
    Frame,
    LegendEntry,
    OfflineMap,
    add_script,
    count,
    make_map,
    render_snapshot,
    tokens,
)
from maps.snapshots.ground import add_outlines, add_shapes

CALLED = tuple(name for name in CLASSES if name not in ("none", "few"))
"""The classes whose cells are drawn one by one."""
CASES_ZOOM = 14
LEFT_OUT = {
    "pile_up": "默认坐标堆积",
    "outside": "在范围外",
    "no_coordinates": "无坐标",
    "rejected": "不予受理",
    "duplicate": "重复",
}
"""Why a case is not counted."""
EXPECTED_BY = {"households": "户数 households", "even": "均匀分布 even spread"}
MEANING = (
    "每格连同相邻格的案件数与预期相比；p 值由条件置换检验得出，并作多重检验校正（FDR）。"
    "“热点（99%）”：判为此类的格子中，预计误报不超过 1%。"
    "Cases of a cell and its neighbours against expectation; permutation p, corrected for many tests: "
    "of the cells called “hot 99 %”, at most 1 % are expected to be false."
)


def draw_hotspots(
    conn: Connection, lookup: Lookup, question: Question, *, zone: ZoneInfo, now: datetime
) -> str:
    """The page. NotFound and Invalid as `compute_hotspots` has them."""
    found = compute_hotspots(conn, question, now=now)
    made = make_map()
    west, south, east, north = shapely.total_bounds(found.study_area).tolist()
    bounds: Bounds = (west, south, east, north)
    quiet = list(_add_quiet_cells(made, found))
    _add_ground(made, lookup, found, bounds)
    called = list(_add_called_cells(made, found))
    facts = found.facts
    frame = Frame(
        title_zh=f"{facts.unit_name} · 热点图",
        title_en="Hotspots",
        facts=_facts(found, zone),
        legend=[*called, *quiet, _add_cases(made, found), *_pile_up_entry(facts)],
        source=f"案件登记与{'户数' if facts.households else '网格'}（{facts.network_code}）",
        as_of=f"{facts.as_of.astimezone(zone):%Y-%m-%d %H:%M}",
        table_head=("类别 Class", "格内 Cases", "含相邻 Around", "预期 Expected", "Gi*", "q", "格 Cell"),
        table_rows=list(_table(found)),
        notes=(MEANING, *_warnings(facts), *facts.notes),
    )
    return render_snapshot(made, frame, bounds)


def _add_ground(made: OfflineMap, lookup: Lookup, found: Hotspots, bounds: Bounds) -> None:
    snapshot = lookup.snapshot(found.facts.network_code, found.facts.borders_at)
    if snapshot is not None:
        add_outlines(made, snapshot, bounds, filled=False)


def _add_quiet_cells(made: OfflineMap, found: Hotspots) -> Iterator[LegendEntry]:
    """What is neither hot nor cold, as one shape a class: tinted where judged, only outlined where it cannot be."""
    colors = tokens()
    looks = {
        "none": ("pale", "muted", {"stroke": False, "fillColor": colors["muted"], "fillOpacity": 0.12}),
        "few": (
            "tint",
            "muted",
            {"color": colors["muted"], "weight": 0.75, "dashArray": "3 3", "fill": False},
        ),
    }
    for name, (mark, color, style) in looks.items():
        cells = found.cells[found.classes == name]
        if len(cells):
            shape = np.array([shapely.union_all(cell_polygons(cells), grid_size=1e-7)], dtype=object)
            layer = add_shapes(made, shape, None, style=style)
            yield _entry(mark, color, name, len(cells), layer)


def _add_called_cells(made: OfflineMap, found: Hotspots) -> Iterator[LegendEntry]:
    for name in CALLED:
        rows = np.flatnonzero(found.classes == name)
        color = name.replace("_", "-")
        if not len(rows):
            yield LegendEntry("fill", color, f"{CLASS_NAMES[name][0]} 0", CLASS_NAMES[name][1])
            continue
        style = {"color": tokens()[color], "weight": 0.75, "opacity": 1.0}
        style |= {"fillColor": tokens()[color], "fillOpacity": 0.78}
        tips = [_tip(found, int(row)) for row in rows]
        layer = add_shapes(
            made,
            cell_polygons(found.cells[rows]),
            tips,
            style=style,
            hover=style | {"weight": 2.5, "color": tokens()["text"]},
        )
        yield _entry("fill", color, name, len(rows), layer)


def _entry(mark: str, color: str, name: str, cells: int, layer: folium.GeoJson) -> LegendEntry:
    zh, en = CLASS_NAMES[name]
    return LegendEntry(mark, color, f"{zh} {count(cells)}", en, layer=layer.get_name())


def _tip(found: Hotspots, row: int) -> list[str]:
    lines = [
        CLASS_NAMES[str(found.classes[row])][0],
        f"本格 {found.cases[row]} 件；连同相邻格 {found.around[row]} 件，预期 {found.expected[row]:.1f} 件",
        f"Gi* {found.gi_star[row]:.2f} · q {found.q_value[row]:.4f}",
    ]
    if found.stacked[row] >= max(3, found.cases[row] / 2):
        lines.append(f"其中 {found.stacked[row]} 件在同一坐标")
    return lines


def _add_cases(made: OfflineMap, found: Hotspots) -> LegendEntry:
    """A dot a case, from the zoom at which they do not hide the cells; a ring round each pile-up."""
    look = {"color": tokens()["text"]}
    xy = np.round(found.points, 6).ravel().tolist()
    code = (STATIC / "snapshot" / "dots.js").read_text("utf-8")
    add_script(made, code + "\nconst wangge_cases = new WanggeDots({xy}, {look});", xy=xy, look=look)
    for pile in found.facts.pile_ups:
        words = f"{pile.cases:,} 件堆在一个默认坐标（{pile.lon:g}, {pile.lat:g}），不算热点"
        ring = folium.CircleMarker(
            (pile.lat, pile.lon), radius=9, tooltip=words, color=tokens()["warn-ink"], weight=3, fill=False
        )
        ring.add_to(made)
    words = f"案件 {count(found.facts.cases_used)}"
    return LegendEntry("dot", "text", words, "case", 5, layer="wangge_cases", zoom=CASES_ZOOM)


def _pile_up_entry(facts: Facts) -> list[LegendEntry]:
    if not facts.pile_ups:
        return []
    words = f"默认坐标堆积 {len(facts.pile_ups)} 处，已剔除"
    return [LegendEntry("ring", "warn-ink", words, "pile-up of truncated coordinates, left out", 14)]


def _facts(found: Hotspots, zone: ZoneInfo) -> list[tuple[str, str]]:
    facts, question = found.facts, found.question
    last = question.until.astimezone(zone) - timedelta(microseconds=1)
    enough = "" if facts.permutations_enough else "（不足以达到校正后的显著）"
    lines = [
        ("期间 Period", f"{question.since.astimezone(zone):%Y-%m-%d} – {last:%Y-%m-%d}"),
        ("案件 Cases", f"{count(facts.cases_used)} / {count(facts.cases_seen)}"),
        ("格 Cells", f"{count(facts.study_cells)}（H3 {question.resolution} 级）"),
        ("预期按 Expected by", EXPECTED_BY.get(facts.expected_by, facts.expected_by)),
        ("置换 Permutations", f"{count(facts.permutations)}{enough}"),
    ]
    if question.at is not None:
        lines.append(("边界 Borders", f"{question.at.astimezone(zone):%Y-%m-%d %H:%M}"))
    left_out = [
        (f"剔除 {LEFT_OUT.get(reason, '')} {reason.replace('_', ' ')}", count(cases))
        for reason, cases in facts.left_out.items()
        if cases
    ]
    return [*lines, *left_out, *([("类别 Category", question.category)] if question.category else [])]


def _warnings(facts: Facts) -> list[str]:
    """The notes of `facts` that need saying in Chinese."""
    warnings = []
    if facts.expected_by != "households":
        warnings.append("登记的户数不足，预期按均匀分布计：人口稠密处可能只因稠密而显为热点。")
    if not facts.permutations_enough:
        warnings.append(f"{count(facts.permutations)} 次置换不足以支撑校正，可能漏判。")
    return warnings


def _table(found: Hotspots) -> Iterator[tuple[str, ...]]:
    """Called cells, the surest and strongest first."""
    rows: NDArray[np.intp] = np.flatnonzero(np.isin(found.classes, CALLED))
    order = np.lexsort((-np.abs(found.gi_star[rows]), found.q_value[rows]))
    for row in rows[order][:2_000].tolist():
        yield (
            CLASS_NAMES[str(found.classes[row])][0],
            str(found.cases[row]),
            str(found.around[row]),
            f"{found.expected[row]:.1f}",
            f"{found.gi_star[row]:.2f}",
            f"{found.q_value[row]:.4f}",
            cell_name(int(found.cells[row])),
        )
