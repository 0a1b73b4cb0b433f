"""What went wrong, told over HTTP: one status table, one problem document, no secrets and no stack in an answer."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from core.errors import Conflict, Invalid, NotFound, Refused, Unavailable, WanggeError
from core.log import frames_of, request_id
from geo.editions import FindingsRefused
from geo.findings import findings_geojson
from geo.operations import Impossible
from tracking.formats import UnknownFormat

logger = logging.getLogger(__name__)

PROBLEM_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "It fights with what is stored",
    413: "The request is too large",
    415: "This kind of content is not understood",
    422: "The input makes no sense",
    429: "Too many attempts",
    500: "Something broke here",
    503: "Not available now",
}
STATUSES: Final[Mapping[type[WanggeError], int]] = {
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    UnknownFormat: 415,
    Refused: 403,
    Unavailable: 503,
}
_TAKEN = ("23505", "23P01", "23503")  # unique, exclusion and foreign-key violations: two writers met


class Problem(JSONResponse):
    """An application/problem+json answer (RFC 9457)."""

    media_type = PROBLEM_TYPE

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        body = {
            "type": "about:blank",
            "title": TITLES.get(status, "Problem"),
            "status": status,
            "detail": detail,
        }
        if (current := request_id.get()) is not None:
            body["request_id"] = current
        super().__init__(body | more, status_code=status, headers=dict(headers or {}))


class NotSignedIn(HTTPException):
    """Nobody is known to be asking: 401 for programs, the way to the sign-in page for people."""

    def __init__(self, detail: str = "sign in, or send a bearer token") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "Bearer"})


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may refuse beyond what all have in common, for its `responses`."""
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def tell_domain_error(_request: Request, error: Exception) -> Response:
    """A domain error by the status table; its text is meant for people."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 422)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return Problem(status, str(error), headers=headers, **_said(error))


def _said(error: Exception) -> dict[str, Any]:
    """What a page says in its own language: the template and what fills its blanks."""
    text = error.said if isinstance(error, WanggeError) else None
    return {} if text is None else {"said": text.parts}


def tell_impossible(_request: Request, error: Exception) -> Response:
    """An operation that the ground does not allow: `where` is lon and lat of the place."""
    return Problem(422, str(error), where=getattr(error, "where", None), **_said(error))


def tell_findings(_request: Request, error: Exception) -> Response:
    """A draft that its findings hold up: all of them, as GeoJSON."""
    return Problem(409, str(error), findings=findings_geojson(getattr(error, "findings", [])), **_said(error))


def tell_http_error(_request: Request, error: Exception) -> Response:
    """What the framework or a route refused, as a problem document."""
    if not isinstance(error, HTTPException):
        raise error
    return Problem(error.status_code, str(error.detail), headers=error.headers)


def tell_not_signed_in(request: Request, error: Exception) -> Response:
    """People who open a page are led to sign in and back; programs get 401."""
    wants_page = "text/html" in request.headers.get("accept", "") and request.method == "GET"
    if wants_page and not request.url.path.startswith("/v1/"):
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)
    return tell_http_error(request, error)


def tell_invalid_request(_request: Request, error: Exception) -> Response:
    """Which field of the request is wrong and why; the value itself is not repeated, it may be a secret."""
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [
        {"where": ".".join(str(part) for part in found["loc"]), "reason": str(found["msg"])}
        for found in error.errors()
    ]
    detail = "; ".join(f"{item['where']}: {item['reason']}" for item in errors[:5])
    return Problem(422, detail, errors=errors)


def tell_database_error(_request: Request, error: Exception) -> Response:
    """The database's refusals that are the request's fault or the hour's; the rest is a fault of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)
    if isinstance(cause, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        log_fault(error)
        return Problem(
            503, "the database does not answer now; try again", headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    if isinstance(cause, psycopg.DataError):
        return Problem(
            422,
            "a value in the request cannot be stored: out of range, or a character that text may not hold",
        )
    if sqlstate in _TAKEN:
        return Problem(
            409, "somebody else stored the same thing, or what it refers to is gone; look and try again"
        )
    return tell_fault(error)


def tell_unstorable_text(_request: Request, _error: Exception) -> Response:
    """Half a surrogate pair in a JSON string is no text."""
    return Problem(422, "a text in the request is not valid Unicode")


def tell_fault(error: BaseException) -> Problem:
    """A fixed text and the request id; what happened is in the log."""
    log_fault(error)
    return Problem(500, "this is a fault of the service; tell its operator the request id")


def log_fault(error: BaseException) -> None:
    """What broke and where, never with what values: any message, the database's or a library's, may quote a position, a
    name or a token. The names of tables and constraints are ours and tell enough.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    diagnostic = getattr(cause, "diag", None)
    named = {name: getattr(diagnostic, name, None) for name in ("sqlstate", "table_name", "constraint_name")}
    told = {name: value for name, value in named.items() if value}
    logger.error("fault", extra={"kind": type(cause).__name__, **told, "frames": frames_of(error)})


HANDLERS: Final[Mapping[type[Exception], Callable[[Request, Exception], Response]]] = {
    WanggeError: tell_domain_error,
    Impossible: tell_impossible,
    FindingsRefused: tell_findings,
    HTTPException: tell_http_error,
    NotSignedIn: tell_not_signed_in,
    RequestValidationError: tell_invalid_request,
    DBAPIError: tell_database_error,
    PoolTimeout: tell_database_error,
    psycopg.Error: tell_database_error,
    UnicodeEncodeError: tell_unstorable_text,
}
"""Every error the app may meet, to its teller."""


def add_error_handlers(app: FastAPI) -> None:
    for kind, teller in HANDLERS.items():
        app.add_exception_handler(kind, teller)


def tell_error(request: Request, error: Exception) -> Response:
    """What the app would answer, for those who answer without it."""
    teller = next((HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS), None)
    return tell_fault(error) if teller is None else teller(request, error)
