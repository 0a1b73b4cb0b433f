"""The report as PDF: set by typst from a template and JSON, with the pages' own Chinese font embedded; no network."""

from collections.abc import Sequence
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
from reports.coverage.content import CoverageReport, age_of, cautions_of, told
from reports.coverage.drawing import COLOURS, draw_map
from reports.words import Words

_FONTS: Final = Path(__file__).parents[2] / "node_modules" / "@fontsource" / "noto-sans-sc" / "files"
_TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "coverage.typ"
_SHOWN: Final = ("area", "streets", "doors")
_LARGE: Final = {"cm2": 1e8, "mm": 1e6}
"""Hectares and kilometres: words tell which."""
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
            folder / "main.typ",
            root=folder,
            font_paths=[Path(_font_folder().name)],
            ignore_system_fonts=True,
            timestamp=int(report.stamp.made_at.timestamp()),  # the same content is the same file
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
    found, say = report.coverage, report.words
    keys = [key for key in _SHOWN if found.whole.figures[key].denominator] or ["area"]
    return {
        "lang": say.language,
        "title": say("title", of=report.title),
        "who": report.stamp.who,
        "stamp": report.stamp.text,
        "period": say("period", period=report.period, days=len(found.days), at=_clock(report, found.as_of)),
        "figures": [_figure(found.whole.figures[key], say) for key in keys]
        + ([_figure(found.required, say)] if found.required.denominator else []),
        "cautions": cautions_of(report),
        "heading": {
            "map": say("map", of=say("short.area")),
            **{key: say(key) for key in ("units", "cold", "definitions")},
        },
        "legend": _legend(say),
        "head": [
            say("head.unit"),
            *(say(f"short.{key}") for key in keys),
            *(say(f"head.{key}") for key in ("done_large", "due_large", "coldest")),
        ],
        "rows": [_row(report, unit, keys) for unit in report.rows[:MOST_ROWS]],
        "rows_text": say("units.first", n=MOST_ROWS, all=f"{len(report.rows):,}")
        if len(report.rows) > MOST_ROWS
        else "",
        **_cold(report),
        "colon": say("colon"),
        "definitions": _definitions(report, [*keys, "required"]),
        "about": say("about"),
    }


def _cold(report: CoverageReport) -> dict[str, Any]:
    cold, say = report.cold, report.words
    steps = {row: str(step + 1) for step, row in enumerate(cold.round_)}
    length = f"{cold.length_m / 1000:.1f}"
    texts = [say("cold.text", n=f"{cold.total:,}", unseen=f"{cold.not_observed:,}", km=length)]
    if cold.total > _COLD:
        texts.append(say("cold.first", n=_COLD))
    return {
        "cold_head": [say(f"head.{key}") for key in ("route", "unit", "last", "households", "large")],
        "cold": [
            [
                steps.get(row, ""),
                stop.leaf.name,
                say("never") if stop.leaf.last_at is None else _clock(report, stop.leaf.last_at),
                f"{stop.leaf.households:,}" if stop.leaf.households else "–",
                f"{stop.leaf.area_cm2 / 1e8:.1f}",
            ]
            for row, stop in enumerate(cold.stops[:_COLD])
        ],
        "cold_none": say("cold.none"),
        "cold_text": " ".join(texts),
    }


def _definitions(report: CoverageReport, keys: Sequence[str]) -> list[dict[str, str]]:
    meanings, words = explain(report.coverage.rules), report.words
    return [
        {
            "name": words(f"short.{key}"),
            "id": f"{key} {DEFINITIONS[key].version}",
            "text": words.text_of(meanings[key]),
        }
        for key in keys
    ]


def _figure(figure: Figure, say: Words) -> dict[str, str]:
    """The share with what it stands on, and what may have been visited and is not proven."""
    by, unit = _LARGE.get(figure.definition.measure, 1), ""
    if by > 1:
        unit = say(f"large.{figure.definition.measure}")
    part, whole, more = (f"{value / by:,.1f}" if unit else f"{value:,}" for value in _parts(figure))
    return {
        "name": say(f"short.{figure.definition.id}"),
        "share": _percent(figure, say),
        "basis": f"{part} / {whole} {unit}".strip(),
        "possible": say("possibly", more=f"{more} {unit}".strip()) if figure.possible else "",
    }


def _parts(figure: Figure) -> tuple[int, int, int]:
    return figure.numerator, figure.denominator, figure.possible


def _row(report: CoverageReport, unit: UnitCoverage, keys: list[str]) -> list[str]:
    area, age = unit.figures["area"], age_of(report, unit)
    last = (
        "–"
        if age is None or not age.leaves
        else report.words("never")
        if age.last_at is None
        else _clock(report, age.last_at)
    )
    return [
        unit.name or unit.code or "",
        *(_percent(unit.figures[key], report.words) for key in keys),
        f"{told(area.numerator, area) / 1e4:,.1f}",
        f"{told(area.denominator, area) / 1e4:,.1f}",
        last,
    ]


def _legend(say: Words) -> list[dict[str, str | None]]:
    texts = ("< 20 %", "20–40 %", "40–60 %", "60–80 %", "≥ 80 %")
    rows: list[dict[str, str | None]] = [
        {"colour": colour, "text": text} for colour, text in zip(COLOURS, texts, strict=True)
    ]
    return [*rows, {"colour": None, "text": say("legend.unseen")}]


def _percent(figure: Figure, say: Words) -> str:
    """Without a share: nobody tracked serves there, or there is nothing to be visited."""
    if figure.share is None:
        return say("unobserved.short") if figure.not_observed else "–"
    return f"{100 * figure.share:.1f} %"


def _clock(report: CoverageReport, instant: datetime) -> str:
    return f"{instant.astimezone(report.stamp.made_at.tzinfo):%m-%d %H:%M}"
