"""`map coverage`: the units of a level by the share of their ground that was visited, in one file."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from sqlalchemy import Connection, func

from analysis.coverage.kept.asked import CoverageAsked
from analysis.coverage.kept.reading import Coverage, UnitCoverage, read_coverage
from core.errors import NotFound
from geo.tables import unit_version
from geo.units import select_versions
from maps.pages import STATIC
from maps.snapshots.frame import (
    Bounds,
    Frame,
    LegendEntry,
    OfflineMap,
    add_script,
    make_map,
    render_snapshot,
    tokens,
)
from maps.snapshots.ground import add_names, add_shapes, simplify_for_file

_LIMITS: Final = (0.2, 0.4, 0.6, 0.8)
_CLASSES: Final = ("< 20 %", "20–40 %", "40–60 %", "60–80 %", "≥ 80 %")
_FINE_M: Final = 1.0


def draw_coverage(conn: Connection, asked: CoverageAsked, *, network: str, zone: ZoneInfo) -> str:
    """The page. NotFound where no day of the period has been computed."""
    found = read_coverage(conn, asked)
    units = found.below or (found.whole,)
    shapes = _shapes(conn, units, asked.at)
    if not shapes:
        raise NotFound(f"the network {network} has no unit to draw")
    made = make_map()
    legend = [
        *(_add_class(made, rank, units, shapes) for rank in reversed(range(len(_CLASSES)))),
        _add_class(made, None, units, shapes),
    ]
    named = [unit for unit in units if unit.unit_id in shapes]
    places = np.array([shapes[unit.unit_id] for unit in named], object)
    add_names(made, places, [unit.name or unit.code or "" for unit in named])
    west, south, east, north = shapely.total_bounds(np.array(list(shapes.values()), object)).tolist()
    bounds: Bounds = (west, south, east, north)
    area = found.whole.figures["area"]
    frame = Frame(
        title_zh=f"{found.whole.name or network} · 巡查覆盖",
        title_en="Patrol coverage",
        facts=[
            ("期间 Period", f"{asked.first} – {asked.last}（{len(found.days)} 天已计算 days）"),
            ("面积覆盖率 Area visited", _percent(area.share)),
            ("已走 / 应走 Of", f"{area.numerator / 1e10:,.1f} / {area.denominator / 1e10:,.1f} km²"),
            ("口径 Definition", f"{area.definition.id} {area.definition.version}"),
            *([] if asked.at is None else [("边界 Borders", f"{asked.at.astimezone(zone):%Y-%m-%d %H:%M}")]),
        ],
        legend=[entry for entry in legend if entry is not None],
        source=f"{network} · H3 {found.resolution}",
        as_of=f"{found.as_of.astimezone(zone):%Y-%m-%d %H:%M}",
        table_head=("单元 Unit", "代码 Code", "面积覆盖率 Area", "已走 km²", "应走 km²"),
        table_rows=[_row(unit) for unit in units],
        notes=_notes(found),
    )
    return render_snapshot(made, frame, bounds)


def _shapes(conn: Connection, units: tuple[UnitCoverage, ...], at: datetime | None) -> dict[object, object]:
    """Borders by unit id, of the instant, or as they are or were last."""
    ids = [unit.unit_id for unit in units if unit.unit_id is not None]
    rows = conn.execute(select_versions(ids, func.ST_AsBinary(unit_version.c.geom).label("wkb"), at=at))
    return {row.unit_id: shapely.from_wkb(bytes(row.wkb)) for row in rows}


def _rank(unit: UnitCoverage) -> int | None:
    share = unit.figures["area"].share
    return None if share is None else sum(share >= limit for limit in _LIMITS)


def _add_class(
    made: OfflineMap, rank: int | None, units: tuple[UnitCoverage, ...], shapes: dict[object, object]
) -> LegendEntry | None:
    own = [unit for unit in units if _rank(unit) == rank and unit.unit_id in shapes]
    if not own:
        return None
    colour = "line" if rank is None else f"cover-{rank}"
    style = {
        "color": tokens()["edge"],
        "weight": 1,
        "dashArray": "3 3" if rank is None else None,
        "fillColor": tokens()[colour],
        "fillOpacity": 0.35 if rank is None else 0.85,
    }
    hover: dict[str, object] = {"color": tokens()["unit-hover"], "weight": 2.5}
    drawn = simplify_for_file(np.array([shapes[unit.unit_id] for unit in own], object), _FINE_M)
    layer = add_shapes(made, drawn, [_tip(unit) for unit in own], style=style, hover=hover)
    if rank is None:
        code = (STATIC / "snapshot" / "hatch.js").read_text("utf-8")
        look = {"ink": tokens()["edge"], "paper": tokens()["panel"]}
        add_script(made, f"{code}\nwanggeHatch({layer.get_name()}, {{look}});", look=look)
    zh, en = ("未观测", "not observed") if rank is None else (_CLASSES[rank], f"{len(own)}")
    return LegendEntry("hatch" if rank is None else "fill", colour, zh, en, layer=layer.get_name())


def _tip(unit: UnitCoverage) -> list[str]:
    area = unit.figures["area"]
    return [
        unit.name or "",
        unit.code or "",
        _percent(area.share),
        f"{area.numerator / 1e8:,.1f} / {area.denominator / 1e8:,.1f} 公顷 ha",
        f"可能 possibly {area.possible / 1e8:,.1f}",
    ]


def _row(unit: UnitCoverage) -> tuple[str, ...]:
    area = unit.figures["area"]
    parts = (f"{part / 1e10:,.2f}" for part in (area.numerator, area.denominator))
    return (unit.name or "", unit.code or "", _percent(area.share), *parts)


def _notes(found: Coverage) -> list[str]:
    return [
        *(
            []
            if found.claimable
            else ["定位间隔或精度不足以支持这样小的格子。The sampling supports no such claim."]
        ),
        *(["期间换过版，逐日按当天边界相加。The period spans editions."] if found.spans_editions else []),
        "未观测：只有不接受定位的人员服务，不计入分母。Not observed: served by nobody tracked.",
    ]


def _percent(share: float | None) -> str:
    return "未观测 –" if share is None else f"{100 * share:.1f} %"
