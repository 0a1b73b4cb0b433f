"""/v1/ingest: any known phone client, recognised by its body, answered in its own way."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from api.callers import Conn, LookupDep, Now, SettingsDep, device
from api.devices import Credential, MessageDep, known_device
from api.errors import refusals
from tracking.batches import Arrival
from tracking.checks import rules_of
from tracking.devices import Device, find_devices
from tracking.formats import Message, Report, UnknownFormat, read_report
from tracking.ingest import ingest_reports

router = APIRouter(prefix="/v1", tags=["movement"])

_ANY = {"schema": {}, "description": "what the client sends; recognised by its form, not by its content type"}
_BODY = {"requestBody": {"content": {"application/json": _ANY, "application/x-www-form-urlencoded": _ANY}}}
_TOKEN = {"parameters": [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}]}
_DOOR: Any = {"dependencies": [device], "responses": refusals(415, 422)}


def read_or_refuse(message: Message, sender: Device, *, own: bool = False) -> Report:
    """The report of a message; 415 when no format knows it, 422 when it is broken."""
    try:
        return read_report(message, sender.profile, own=own)
    except UnknownFormat as error:
        raise HTTPException(415, str(error)) from error


@router.post("/ingest", openapi_extra=_BODY, operation_id="ingest", **_DOOR)
@router.get("/ingest", operation_id="ingest_query", **_DOOR)
@router.post("/ingest/{token}", openapi_extra=_BODY | _TOKEN, operation_id="ingest_with_token", **_DOOR)
@router.get("/ingest/{token}", openapi_extra=_TOKEN, operation_id="ingest_query_with_token", **_DOOR)
def ingest(
    message: MessageDep,
    credential: Credential,
    conn: Conn,
    lookup: LookupDep,
    settings: SettingsDep,
    now: Now,
) -> Response:
    """Store what a phone sends; the credential says whose it is, never the body. Answered after the commit."""
    sender = known_device(find_devices(conn, [credential]).get(credential))
    report = read_or_refuse(message, sender)
    ingest_reports(conn, lookup, [Arrival(sender, report)], now=now, rules=rules_of(settings))
    return Response(report.reply, media_type=report.media_type)
