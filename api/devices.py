"""Requests of devices: the credential in any of the ways phones can send one, and the message as a value."""

import base64
import binascii
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from tracking.formats import Message


class UnknownDevice(HTTPException):
    """No device has this credential: 401, in the way that makes phones ask their owner for a password."""

    def __init__(self) -> None:
        detail = "no device has this credential; ask for a new one, or set the phone up again"
        super().__init__(401, detail, headers={"WWW-Authenticate": 'Basic realm="wangge", charset="UTF-8"'})


class DirectRoute(APIRoute):
    """A route whose function takes the request and gives the response, with nothing in between.

    It is declared, documented and guarded like any other; a phone's message just does not pass through the
    resolving of dependencies, which costs more than all the rest of the way to the inbox.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self.endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


def read_credential(request: Request) -> str:
    """The token in the path, as a bearer, or as the password of Basic; whatever else the request says of itself is ignored."""
    if token := request.path_params.get("token"):
        return str(token)
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and told.strip():
        return told.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(told.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise UnknownDevice from None
    raise UnknownDevice


async def read_message(request: Request) -> Message:
    """The request as formats see it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    query = request.scope["query_string"].decode("latin-1")
    return Message(request.method, query, headers, await request.body())
