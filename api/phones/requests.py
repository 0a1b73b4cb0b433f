"""Requests of devices: the credential in any of the ways phones can send one, and the message as a value."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tracking.formats import Message


class UnknownDevice(HTTPException):
    """No device has this credential: 401, in the way that makes phones ask their owner for a password."""

    def __init__(self) -> None:
        detail = "no device has this credential; ask for a new one, or set the phone up again"
        super().__init__(401, detail, headers={"WWW-Authenticate": 'Basic realm="wangge", charset="UTF-8"'})


class DirectRoute(APIRoute):
    """A route whose function takes the request and gives the response, with nothing in between."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self.endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


def read_credential(headers: Mapping[str, str], token: str | None = None) -> str:
    """The token in the path, as a bearer, or as the password of Basic; whatever else a request says of itself is ignored."""
    if token:
        return token
    scheme, _, told = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and told.strip():
        return told.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(told.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise UnknownDevice from None
    raise UnknownDevice


async def read_message(request: Request) -> tuple[str, Message]:
    """The credential of a request, and the rest of it as formats see it."""
    scope = request.scope
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    credential = read_credential(headers, scope.get("path_params", {}).get("token"))
    return credential, Message(
        scope["method"], scope["query_string"].decode("latin-1"), headers, await _read_body(request.receive)
    )


async def _read_body(receive: Receive) -> bytes:
    """As `Request.body`, which asks through a generator; nearly every phone's body comes in one piece."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
