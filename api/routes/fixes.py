"""The phones' doors: /v1/fixes for the project's own format and GeoJSON, /v1/ingest for any known client.

Both hand the message to the inbox and are answered after its commit.
"""

from typing import Any

import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from api.callers import device
from api.devices import DirectRoute, read_message
from api.errors import refusals
from api.inbox import Answer, Inbox
from tracking.formats import UnknownFormat

router = APIRouter(prefix="/v1", tags=["movement"], route_class=DirectRoute)


class FixCounts(BaseModel):
    """What became of the fixes of this request. None of them needs to be sent again."""

    accepted: int = Field(description="stored, and on the map")
    flagged: int = Field(description="stored with a reason to keep them off the map")
    known: int = Field(description="changed nothing: sent before, or another one of that instant stands")
    dropped: int = Field(description="not stored: off shift, or without a notice accepted")


_NUMBER = {"type": "number"}
_FIX_SCHEMA = {
    "type": "object",
    "required": ["fixed_at", "lon", "lat"],
    "properties": {
        "fixed_at": {"type": "string", "format": "date-time", "description": "with an offset from UTC"},
        "lon": _NUMBER,
        "lat": _NUMBER,
        "accuracy_m": _NUMBER,
        "altitude_m": _NUMBER,
        "speed_mps": _NUMBER,
        "heading_deg": _NUMBER,
        "battery_pct": _NUMBER,
        "charging": {"type": "boolean"},
        "mock": {"type": "boolean", "description": "made by another program, not by the positioning system"},
        "sos": {"type": "boolean", "description": "a call for help: kept whatever the shift says"},
    },
}
_FIXES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["fixes"],
                    "properties": {"fixes": {"type": "array", "items": _FIX_SCHEMA}},
                }
            },
            "application/geo+json": {
                "schema": {"type": "object", "description": "a Feature or FeatureCollection of points"}
            },
        },
    }
}
_ANY = {"schema": {}, "description": "what the client sends; recognised by its form, not by its content type"}
_ANY_BODY = {
    "requestBody": {"content": {"application/json": _ANY, "application/x-www-form-urlencoded": _ANY}}
}
_TOKEN = {"parameters": [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}]}
_DOOR: Any = {"dependencies": [device], "responses": refusals(415, 422)}


async def deliver(request: Request, *, own: bool = False) -> Answer:
    """Hand the request's message in and wait for its commit; 415 when no format knows it."""
    inbox: Inbox = request.app.state.inbox
    credential, message = await read_message(request)
    try:
        return await inbox.deliver(credential, message, own=own)
    except UnknownFormat as error:
        raise HTTPException(415, str(error)) from error


@router.post("/fixes", dependencies=[device], openapi_extra=_FIXES, response_model=FixCounts)
async def post_fixes(request: Request) -> Response:
    """Store fixes of the device whose credential this is; answered after the commit. A bad fix is kept with a reason."""
    counts = (await deliver(request, own=True)).counts
    return Response(orjson.dumps(counts), media_type="application/json")


@router.post("/ingest", openapi_extra=_ANY_BODY, operation_id="ingest", **_DOOR)
@router.get("/ingest", operation_id="ingest_query", **_DOOR)
@router.post("/ingest/{token}", openapi_extra=_ANY_BODY | _TOKEN, operation_id="ingest_with_token", **_DOOR)
@router.get("/ingest/{token}", openapi_extra=_TOKEN, operation_id="ingest_query_with_token", **_DOOR)
async def ingest(request: Request) -> Response:
    """Store what a phone sends; the credential says whose it is, never the body. Answered after the commit."""
    report = (await deliver(request)).report
    return Response(report.reply, media_type=report.media_type)
