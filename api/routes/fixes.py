"""The phones' doors: /v1/fixes for the project's own format and GeoJSON, /v1/ingest for any known client.

Both hand the message to the inbox and are answered after its commit.
"""

from functools import lru_cache
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.callers import device
from api.errors import refusals
from api.phones.door import Entrance
from api.phones.inbox import Answer, Inbox
from api.phones.requests import DirectRoute, read_message
from tracking.ingest import Counts

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


def tell_counts(answer: Answer) -> tuple[bytes, str]:
    return _encoded(answer.counts), "application/json"


@lru_cache(maxsize=1000)
def _encoded(counts: Counts) -> bytes:
    return orjson.dumps(counts)


def tell_reply(answer: Answer) -> tuple[bytes, str]:
    return answer.report.reply, answer.report.media_type


OWN = Entrance("/v1/fixes", own=True, tell=tell_counts)
ANY = Entrance("/v1/ingest", own=False, tell=tell_reply)


async def enter(request: Request, entrance: Entrance) -> Response:
    """Hand the request's message in and tell of its commit; by the short way, `api.phones.door` does the same."""
    inbox: Inbox = request.app.state.inbox
    credential, message = await read_message(request)
    body, media_type = entrance.tell(await inbox.deliver(credential, message, own=entrance.own))
    return Response(body, headers={"Content-Type": media_type})


@router.post("/fixes", dependencies=[device], openapi_extra=_FIXES, response_model=FixCounts)
async def post_fixes(request: Request) -> Response:
    """Store fixes of the device whose credential this is; answered after the commit. A bad fix is kept with a reason."""
    return await enter(request, OWN)


@router.post("/ingest", openapi_extra=_ANY_BODY, operation_id="ingest", **_DOOR)
@router.get("/ingest", operation_id="ingest_query", **_DOOR)
@router.post("/ingest/{token}", openapi_extra=_ANY_BODY | _TOKEN, operation_id="ingest_with_token", **_DOOR)
@router.get("/ingest/{token}", openapi_extra=_TOKEN, operation_id="ingest_query_with_token", **_DOOR)
async def ingest(request: Request) -> Response:
    """Store what a phone sends; the credential says whose it is, never the body. Answered after the commit."""
    return await enter(request, ANY)
