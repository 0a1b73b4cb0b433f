"""The pages' own files, and the browser libraries by a fixed list: nothing else of node_modules is reachable."""

import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles

from api.callers import public
from core.errors import NotFound
from maps.pages import STATIC

router = APIRouter(include_in_schema=False)

LIBRARIES: Final = Path(__file__).parent.parent.parent / "node_modules"
VENDOR: Final = {
    "maplibre-gl/maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl/maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "maplibre-gl/maplibre-gl-shared.mjs": "maplibre-gl/dist/maplibre-gl-shared.mjs",
    "maplibre-gl/maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "ol/ol.js": "ol/dist/ol.js",
    "ol/ol.css": "ol/ol.css",
    "noto-sans-sc/400.css": "@fontsource/noto-sans-sc/400.css",
    "noto-sans-sc/600.css": "@fontsource/noto-sans-sc/600.css",
}
FONT_FILE: Final = re.compile(r"noto-sans-sc/(files/noto-sans-sc-[a-z0-9-]+-(?:400|600)-normal\.woff2)")
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_sender = StaticFiles(check_dir=False)


@router.get("/static/vendor/{path:path}", dependencies=[public])
def give_library(request: Request, path: str) -> Response:
    """One listed file of a browser library."""
    font = FONT_FILE.fullmatch(path)
    inside = f"@fontsource/noto-sans-sc/{font[1]}" if font else VENDOR.get(path)
    if inside is None:
        raise NotFound(f"there is no library file {path} here")
    return _send(request, LIBRARIES / inside, keep_s=86400)


@router.get("/static/{path:path}", dependencies=[public])
def give_static(request: Request, path: str) -> Response:
    """One of the pages' own files."""
    file = (STATIC / path).resolve() if "\0" not in path else STATIC
    if not file.is_relative_to(STATIC.resolve()):
        raise NotFound(f"there is no file {path} here")
    return _send(request, file, keep_s=0)


def _send(request: Request, file: Path, *, keep_s: int) -> Response:
    """The file with its type and ETag, or 304; a browser asks again after `keep_s`."""
    if file.suffix not in MEDIA_TYPES or not _is_file(file):
        raise NotFound(f"there is no file {file.name} here; if it is a browser library, run npm ci")
    answer = _sender.file_response(file, file.stat(), request.scope)
    if answer.status_code == 200:
        answer.headers["Content-Type"] = MEDIA_TYPES[file.suffix]
    answer.headers["Cache-Control"] = f"max-age={keep_s}" if keep_s else "no-cache"
    return answer


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name longer than any file's
        return False
