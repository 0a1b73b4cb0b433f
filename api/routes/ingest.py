"""/v1/ingest: any known phone client, recognised by its body, answered in its own way."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from api.callers import device
from api.devices import Credential, MessageDep
from api.inbox import Answer, Inbox
from tracking.formats import Message, UnknownFormat

router = APIRouter(prefix="/v1", tags=["movement"])

_ANY = {"schema": {}, "description": "what the client sends; recognised by its form, not by its content type"}
_BODY = {"requestBody": {"content": {"application/json": _ANY, "application/x-www-form-urlencoded": _ANY}}}


async def read_inbox(request: Request) -> Inbox:
    inbox: Inbox = request.app.state.inbox
    return inbox


InboxDep = Annotated[Inbox, Depends(read_inbox)]


async def deliver(inbox: Inbox, credential: str, message: Message, *, own: bool = False) -> Answer:
    """Hand a message in and wait for its commit; 415 when no format knows it."""
    try:
        return await asyncio.wrap_future(inbox.submit(credential, message, own=own))
    except UnknownFormat as error:
        raise HTTPException(415, str(error)) from error


@router.post("/ingest", dependencies=[device], openapi_extra=_BODY, operation_id="ingest")
@router.get("/ingest", dependencies=[device], operation_id="ingest_query")
@router.post("/ingest/{token}", dependencies=[device], openapi_extra=_BODY, operation_id="ingest_with_token")
@router.get("/ingest/{token}", dependencies=[device], operation_id="ingest_query_with_token")
async def ingest(message: MessageDep, credential: Credential, inbox: InboxDep) -> Response:
    """Store what a phone sends; the credential says whose it is, never the body. Answered after the commit."""
    report = (await deliver(inbox, credential, message)).report
    return Response(report.reply, media_type=report.media_type)
