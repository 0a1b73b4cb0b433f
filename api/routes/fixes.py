"""POST /v1/fixes: positions in the project's own format or GeoJSON, from a device."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.callers import device
from api.devices import Credential, MessageDep
from api.routes.ingest import InboxDep, deliver

router = APIRouter(prefix="/v1", tags=["movement"])


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
_BODY = {
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


@router.post("/fixes", dependencies=[device], openapi_extra=_BODY)
async def post_fixes(message: MessageDep, credential: Credential, inbox: InboxDep) -> FixCounts:
    """Store fixes of the device whose credential this is; answered after the commit. A bad fix is kept with a reason."""
    counts = (await deliver(inbox, credential, message, own=True)).counts
    return FixCounts(
        accepted=counts.accepted, flagged=counts.flagged, known=counts.known, dropped=counts.dropped
    )
