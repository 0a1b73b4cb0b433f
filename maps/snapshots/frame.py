"""The frame of a one-file map: folium without a network, the panel with legend, facts and table, and the writing.

folium links its scripts to other hosts. `OfflineMap` names files of the installed npm packages instead, and
`render_snapshot` puts their text into the page, so that nothing is loaded from anywhere; a content security policy
in the page keeps it so.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import folium
from branca.element import Element, Figure, MacroElement
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from core.errors import Unavailable

STATIC = Path(__file__).parent.parent / "static"
LIBRARIES = Path(__file__).parent.parent.parent / "node_modules"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"

_TEMPLATE_MARK = re.compile(r"\{(?=[{%#])")
_PANEL_PLACE = "<!-- panel -->"

Bounds = tuple[float, float, float, float]
"""west, south, east, north, WGS-84."""


class OfflineMap(folium.Map):
    """A map without tiles whose only library is Leaflet, from a file."""

    default_js = [("leaflet", "leaflet/dist/leaflet.js")]  # noqa: RUF012  (folium's own way)
    default_css = [("leaflet_css", "leaflet/dist/leaflet.css")]  # noqa: RUF012


class Script(MacroElement):
    """JavaScript run after the map is made; `code` may name it by `{map}`."""

    _template = Template("{% macro script(this, kwargs) %}{{ this.code }}{% endmacro %}")

    def __init__(self, code: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Script"
        self.code = code


@dataclass(frozen=True)
class LegendEntry:
    """One line of the legend. `mark` is a shape of snapshot.css, `color` a token's name, `layer` makes it a switch."""

    mark: str
    color: str
    zh: str
    en: str
    width: float = 1
    layer: str | None = None
    zoom: float = 0
    """The zoom from which the layer is shown."""


@dataclass(frozen=True)
class Frame:
    """What stands around the map. `facts` are (label, value) for people; `source` and `as_of` are never empty."""

    title_zh: str
    title_en: str
    facts: Sequence[tuple[str, str]]
    legend: Sequence[LegendEntry]
    source: str
    as_of: str
    table_head: Sequence[str] = ()
    table_rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()


def make_map() -> OfflineMap:
    """An empty map whose panes draw on canvas."""
    made = OfflineMap(
        location=(35, 105),
        zoom_start=4,
        tiles=None,
        prefer_canvas=True,
        control_scale=False,
        zoom_control="topright",
        max_zoom=20,
        attributionControl=False,
        zoomSnap=0.25,
        wheelPxPerZoomLevel=120,
    )
    made.options["max_zoom"] = 20
    return made


def add_script(made: OfflineMap, code: str, **values: object) -> None:
    """Run `code` on the map; `{map}` and `{name}` of `values` (as JSON) are filled in."""
    blanks = {"map": made.get_name()} | {name: as_script_data(value) for name, value in values.items()}
    made.add_child(Script(re.sub(r"\{(\w+)\}", lambda match: blanks.get(match[1], match[0]), code)))


def as_script_data(value: object) -> str:
    """JSON that may stand inside a script element, whatever the names in it.

    branca takes every finished script for a template once more, so no name may look like one either.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = _TEMPLATE_MARK.sub("\\\\u007b", text)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def render_snapshot(made: OfflineMap, frame: Frame, bounds: Bounds) -> str:
    """The whole page as one text."""
    figure = made.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("a folium map stands in a Figure")
    figure.html.add_child(Element(_PANEL_PLACE), name="snapshot_panel")
    layers = ((entry.layer, entry.zoom) for entry in frame.legend if entry.layer)
    names = ",".join(f"{name}: {{layer: {name}, zoom: {zoom:g}}}" for name, zoom in layers)
    add_script(
        made,
        f"{_read(STATIC / 'snapshot' / 'frame.js')};wanggeFrame({{map}}, {{{names}}}, {{bounds}});",
        bounds=bounds,
    )
    page = figure.render()
    page = re.sub(r'<script src="([^"]+)"></script>', lambda match: _script(match[1]), page)
    page = re.sub(r'<link rel="stylesheet" href="([^"]+)"\s*/?>', lambda match: _sheet(match[1]), page)
    page = page.replace(_PANEL_PLACE, _panel(frame), 1)
    page = page.replace("<html>", '<html lang="zh-CN">', 1)
    head = f'<head>\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{_escape(frame.title_zh)}</title>'
    page = page.replace("<head>", head, 1)
    return page.replace("</head>", f"{_style()}\n</head>", 1)  # after Leaflet's own style, to win over it


def _panel(frame: Frame) -> str:
    return _templates().get_template("snapshot.html").render(frame=frame)


def _style() -> str:
    sheets = (STATIC / "tokens.css", STATIC / "snapshot" / "snapshot.css")
    return "<style>" + "\n".join(map(_read, sheets)) + "</style>"


def _script(name: str) -> str:
    return (
        "<script>"
        + _library(name).replace("</script", "<\\/script").replace("//# sourceMappingURL", "//")
        + "</script>"
    )


def _sheet(name: str) -> str:
    folder = (LIBRARIES / name).parent

    def inline(match: re.Match[str]) -> str:
        content = base64.b64encode((folder / match[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{content})"

    return "<style>" + re.sub(r"url\((images/[\w.-]+\.png)\)", inline, _library(name)) + "</style>"


def _library(name: str) -> str:
    try:
        return _read(LIBRARIES / name)
    except FileNotFoundError as error:
        raise Unavailable(f"the browser library {name} is not installed; run ./wangge setup") from error


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def tokens() -> Mapping[str, str]:
    """Colours of the light theme by name, as tokens.css has them."""
    light = _read(STATIC / "tokens.css").split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", light))


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("maps", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def count(number: float) -> str:
    """A whole number for people: 12,345."""
    return f"{round(number):,}"
