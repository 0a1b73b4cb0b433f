"""The report as PDF: set by typst from a template and JSON, with the pages' own Chinese font embedded; no network."""

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import typst
from fontTools.ttLib import TTFont
from sqlalchemy import Connection

from analysis.coverage.figures import DEFINITIONS, Figure
from analysis.coverage.kept.reading import UnitCoverage
from analysis.coverage.measures.meanings import explain
from core.errors import Unavailable
from reports.coverage.content import CoverageReport, age_of, told
from reports.coverage.drawing import COLOURS, draw_map

_FONTS: Final = Path(__file__).parents[2] / "node_modules" / "@fontsource" / "noto-sans-sc" / "files"
_TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "coverage.typ"
_SHOWN: Final = ("area", "streets", "doors")
_LARGE: Final = {"cm2": (1e8, "公顷"), "mm": (1e6, "公里")}
MOST_ROWS: Final = 300
_COLD: Final = 40


def write_pdf(conn: Connection, report: CoverageReport) -> bytes:
    """A4 pages. Unavailable where the browser libraries, which bring the font, are not installed."""
    with TemporaryDirectory(prefix="wangge-") as name:
        folder = Path(name)
        (folder / "content.json").write_bytes(orjson.dumps(_content(report)))
        (folder / "map.svg").write_text(draw_map(conn, report), "utf-8")
        (folder / "main.typ").write_bytes(_TEMPLATE.read_bytes())
        made: bytes = typst.compile(
            folder / "main.typ", root=folder, font_paths=[Path(_font_folder().name)], ignore_system_fonts=True
        )
        return made


@cache
def _font_folder() -> "TemporaryDirectory[str]":
    """The pages' font in a form that typst reads, made once a process."""
    folder = TemporaryDirectory(prefix="wangge-fonts-")
    for part in ("chinese-simplified", "latin"):
        for weight in (400, 600):
            file = _FONTS / f"noto-sans-sc-{part}-{weight}-normal.woff"
            if not file.is_file():
                raise Unavailable(f"the font {file.name} is not installed: run npm ci")
            with TTFont(file) as font:
                font.flavor = None
                font.save(Path(folder.name) / f"{file.stem}.ttf")
    return folder


def _content(report: CoverageReport) -> dict[str, Any]:
    found = report.coverage
    keys = [key for key in _SHOWN if found.whole.figures[key].denominator] or ["area"]
    cautions = [
        *([] if found.claimable else ["定位间隔或精度不足以支持这样小的格子，百分比仅供参考。"]),
        *(["期间换过版：逐日按当天边界计算后相加。"] if found.spans_editions else []),
    ]
    meanings = explain(found.rules)
    cold = report.cold
    steps = {row: str(step + 1) for step, row in enumerate(cold.round_)}
    return {
        "title": f"巡查覆盖 · {report.title}",
        "who": report.stamp.who,
        "stamp": report.stamp.text,
        "period": f"{report.period}，{len(found.days)} 天已计算，数据截至 {_clock(report, found.as_of)}",
        "figures": [_figure(found.whole.figures[key]) for key in keys]
        + ([_figure(found.required)] if found.required.denominator else []),
        "cautions": cautions,
        "map_of": DEFINITIONS["area"].zh,
        "legend": _legend(),
        "head": ["单元", *(DEFINITIONS[key].zh for key in keys), "已走 公顷", "应走 公顷", "最久未走访"],
        "rows": [_row(report, unit, keys) for unit in report.rows[:MOST_ROWS]],
        "cold": [
            [
                steps.get(row, ""),
                stop.leaf.name,
                "从未" if stop.leaf.last_at is None else _clock(report, stop.leaf.last_at),
                f"{stop.leaf.households:,}" if stop.leaf.households else "–",
                f"{stop.leaf.area_cm2 / 1e8:.1f}",
            ]
            for row, stop in enumerate(cold.stops[:_COLD])
        ],
        "cold_text": f"共 {cold.total:,} 个；另有 {cold.not_observed:,} 个未观测，不计。建议路线按直线共 "
        f"{cold.length_m / 1000:.1f} 公里。",
        "definitions": [
            {
                "name": DEFINITIONS[key].zh,
                "id": f"{key} {DEFINITIONS[key].version}",
                "text": f"{meanings[key].zh}（{DEFINITIONS[key].en}）",
            }
            for key in [*keys, "required"]
        ],
        "about": "“可能”指精度或间隔不足以证明的部分，不计入分子；只有不接受定位的人员服务的单元不计入分母，也不算作零；“–”是没有可计的对象。",
    }


def _figure(figure: Figure) -> dict[str, str]:
    """The share with what it stands on, and what may have been visited and is not proven."""
    by, unit = _LARGE.get(figure.definition.measure, (1, ""))
    part, whole, more = (f"{value / by:,.1f}" if unit else f"{value:,}" for value in _parts(figure))
    basis = f"{part} / {whole} {unit}".strip()
    possible = f"另有 {more} {unit}".strip() + "可能走到" if figure.possible else ""
    return {
        "name": figure.definition.zh,
        "share": _percent(figure),
        "basis": basis,
        "possible": possible,
    }


def _parts(figure: Figure) -> tuple[int, int, int]:
    return figure.numerator, figure.denominator, figure.possible


def _row(report: CoverageReport, unit: UnitCoverage, keys: list[str]) -> list[str]:
    area, age = unit.figures["area"], age_of(report, unit)
    last = (
        "–"
        if age is None or not age.leaves
        else "从未"
        if age.last_at is None
        else _clock(report, age.last_at)
    )
    return [
        unit.name or unit.code or "",
        *(_percent(unit.figures[key]) for key in keys),
        f"{told(area.numerator, area) / 1e4:,.1f}",
        f"{told(area.denominator, area) / 1e4:,.1f}",
        last,
    ]


def _legend() -> list[dict[str, str | None]]:
    texts = ("< 20 %", "20–40 %", "40–60 %", "60–80 %", "≥ 80 %")
    rows: list[dict[str, str | None]] = [
        {"colour": colour, "text": text} for colour, text in zip(COLOURS, texts, strict=True)
    ]
    return [*rows, {"colour": None, "text": "未观测（斜线）"}]


def _percent(figure: Figure) -> str:
    """Without a share: nobody tracked serves there, or there is nothing to be visited."""
    if figure.share is None:
        return "未观测" if figure.not_observed else "–"
    return f"{100 * figure.share:.1f} %"


def _clock(report: CoverageReport, instant: datetime) -> str:
    return f"{instant.astimezone(report.stamp.made_at.tzinfo):%m-%d %H:%M}"
