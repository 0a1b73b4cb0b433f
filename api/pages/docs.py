"""The OpenAPI document and its reader, from this machine."""

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from api.callers import public
from core.errors import NotFound

router = APIRouter(include_in_schema=False)

ASSETS: Final = Path(__file__).parent.parent.parent / "node_modules" / "swagger-ui-dist"
SERVED: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
PAGE: Final = """<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<title>Wangge 网格 · API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
<div id="reader"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
START: Final = (
    'SwaggerUIBundle({url: "/openapi.json", dom_id: "#reader", deepLinking: true, validatorUrl: null});\n'
)


@router.get("/openapi.json", dependencies=[public])
def give_document(request: Request) -> JSONResponse:
    """The document itself."""
    document: dict[str, Any] = request.app.openapi()
    return JSONResponse(document)


@router.get("/docs", dependencies=[public])
def give_reader() -> HTMLResponse:
    """A page that reads it."""
    return HTMLResponse(PAGE)


@router.get("/docs/start.js", dependencies=[public])
def give_start() -> Response:
    return Response(START, media_type="text/javascript")


@router.get("/docs/{name}", dependencies=[public])
def give_asset(name: str) -> FileResponse:
    """One of the reader's own files."""
    if name not in SERVED or not (ASSETS / name).exists():
        raise NotFound(f"there is no file {name} here")
    return FileResponse(ASSETS / name, headers={"Cache-Control": "max-age=3600"})
