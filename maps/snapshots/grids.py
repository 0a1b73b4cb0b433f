"""`map grids`: the units of a network, level by level, in one file."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from core.errors import NotFound
from geo.lookup import Lookup, Snapshot
from geo.tables import edition
from maps.snapshots.frame import (
    Bounds,
    Frame,
    LegendEntry,
    OfflineMap,
    count,
    make_map,
    render_snapshot,
    tokens,
)
from maps.snapshots.ground import (
    VISIBLE_PX,
    UnitFacts,
    add_labels,
    add_shapes,
    area_text,
    chain_of,
    households_text,
    read_unit_facts,
    rows_of,
    rows_under,
    simplify_for_file,
    zoom_of_width,
)

MOST_ROWS = 2_000
"""A table in the page holds the upper levels and goes down as far as it stays this short."""
LINES = (("unit-label", 3.0, 0.9), ("unit-label", 1.6, 0.8), ("unit-line", 1.0, 0.9), ("unit-line", 0.6, 0.6))
"""Colour, weight and opacity of the levels from the root down."""
DEDICATED = ("info", 1.5, 0.9)
_FINE_M = 1.0


@dataclass(frozen=True)
class _Layer:
    """A level and kind of units, and how it is drawn."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    rows: NDArray[np.intp]
    color: str
    weight: float
    opacity: float = 0.9


def draw_grids(
    conn: Connection,
    lookup: Lookup,
    network_code: str,
    *,
    at: datetime,
    zone: ZoneInfo,
    unit_code: str | None = None,
) -> str:
    """The page. NotFound where the network has no edition at `at`, or no such unit."""
    snapshot = lookup.snapshot(network_code, at)
    when = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    if snapshot is None or not len(snapshot.units):
        raise NotFound(f"network {network_code} has no units at {when}")
    inside = rows_under(snapshot, unit_code)
    if not inside.any():
        raise NotFound(f"network {network_code} has no unit {unit_code} at {when}")
    facts = read_unit_facts(conn, snapshot.units.version_id[inside].tolist())
    layers = _layers(snapshot, inside)
    made = make_map()
    legend = [_add_layer(made, snapshot, layer, facts, top=layers[0]) for layer in layers]
    add_labels(made, snapshot, inside)
    west, south, east, north = shapely.total_bounds(snapshot.units.geom[inside]).tolist()
    bounds: Bounds = (west, south, east, north)
    frame = Frame(
        title_zh=f"{snapshot.network.name} · 网格图",
        title_en="Grids",
        facts=_facts(snapshot, layers, inside, facts),
        legend=legend,
        source=_source(conn, snapshot, zone),
        as_of=when,
        table_head=("名称 Name", "代码 Code", "层级 Level", "户 Households", "面积 Area"),
        table_rows=_table(snapshot, layers, facts),
        notes=("指向任一处，可读该处单元的名称、代码与上级。Point at a place to read its unit.",),
    )
    return render_snapshot(made, frame, bounds)


def _layers(snapshot: Snapshot, inside: NDArray[np.bool_]) -> list[_Layer]:
    """Territorial levels from the root down, then dedicated ones, which lie on top."""
    found = []
    for kind in ("territorial", "dedicated"):
        for depth, level in enumerate(snapshot.network.levels):
            rows = rows_of(snapshot, level["code"], kind, inside)
            if not len(rows):
                continue
            name_zh, name_en = level["name"] or level["code"], level.get("name_en") or level["code"]
            look = LINES[min(depth, len(LINES) - 1)] if kind == "territorial" else DEDICATED
            found.append(_Layer(level["code"], name_zh, name_en, kind, rows, *look))
    return found


def _add_layer(
    made: OfflineMap, snapshot: Snapshot, layer: _Layer, facts: dict[int, UnitFacts], *, top: _Layer
) -> LegendEntry:
    color = tokens()[layer.color]
    dedicated = layer.kind == "dedicated"
    style = {
        "color": color,
        "weight": layer.weight,
        "opacity": layer.opacity,
        "fillColor": color if dedicated else tokens()["unit-fill"],
        "fillOpacity": 0.14 if dedicated else float(layer is top),
        "dashArray": "4 3" if dedicated else None,
    }
    hover = {**style, "color": tokens()["unit-hover"], "weight": layer.weight + 1.5}
    hover |= {"fillColor": tokens()["unit-hover"], "fillOpacity": 0.14}
    shapes = simplify_for_file(snapshot.units.geom[layer.rows], _FINE_M)
    tips = [_tip(snapshot, int(row), layer, facts) for row in layer.rows]
    drawn = add_shapes(made, shapes, tips, style=style, hover=hover)
    return LegendEntry(
        mark="tint" if dedicated else "line",
        color=layer.color,
        zh=f"{layer.name_zh} {count(len(layer.rows))}",
        en=layer.name_en,
        width=layer.weight,
        layer=drawn.get_name(),
        zoom=0 if dedicated or layer is top else zoom_of_width(snapshot.units.geom[layer.rows], VISIBLE_PX),
    )


def _tip(snapshot: Snapshot, row: int, layer: _Layer, facts: dict[int, UnitFacts]) -> list[str]:
    known = facts[int(snapshot.units.version_id[row])]
    above = " › ".join(chain_of(snapshot, row)[:-1])
    lines = [str(snapshot.units.name[row]), f"{layer.name_zh} {snapshot.units.code[row]}"]
    lines += [above] if above else []
    sizes = [f"{households_text(known.households)} 户"] if known.households is not None else []
    return [*lines, " · ".join([*sizes, area_text(known.area_m2)])]


def _facts(
    snapshot: Snapshot, layers: list[_Layer], inside: NDArray[np.bool_], facts: dict[int, UnitFacts]
) -> list[tuple[str, str]]:
    territorial = [layer for layer in layers if layer.kind == "territorial"]
    top = territorial[0] if territorial else layers[0]
    known = [facts[int(version)] for version in snapshot.units.version_id[top.rows]]
    households = [each.households for each in known if each.households is not None]
    names = {"full": "全覆盖 full", "partial": "部分覆盖 partial"}
    lines = [
        ("网络 Network", f"{snapshot.network.name}（{names[snapshot.network.coverage]}）"),
        ("单元 Units", count(int(inside.sum()))),
        ("面积 Area", area_text(sum(each.area_m2 for each in known))),
    ]
    return [*lines, ("户 Households", count(sum(households)))] if households else lines


def _table(snapshot: Snapshot, layers: list[_Layer], facts: dict[int, UnitFacts]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for layer in layers:
        if len(rows) + len(layer.rows) > MOST_ROWS:
            continue
        for row in layer.rows:
            known = facts[int(snapshot.units.version_id[row])]
            name, code = str(snapshot.units.name[row]), str(snapshot.units.code[row])
            rows.append(
                (name, code, layer.name_zh, households_text(known.households), area_text(known.area_m2))
            )
    return rows


def _source(conn: Connection, snapshot: Snapshot, zone: ZoneInfo) -> str:
    query = select(edition.c.seq, edition.c.effective_from).where(edition.c.id == snapshot.edition_id)
    row = conn.execute(query).one()
    since = f"，{row.effective_from.astimezone(zone):%Y-%m-%d} 起" if row.effective_from else ""
    return f"{snapshot.network.name}第 {row.seq} 版{since}"
