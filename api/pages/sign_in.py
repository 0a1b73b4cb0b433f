"""Signing in and out with a browser."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Connection, Engine
from starlette.exceptions import HTTPException

from api.callers import (
    CallerDep,
    Conn,
    Now,
    SettingsDep,
    is_foreign,
    is_secure,
    public,
    session_cookie,
    signed_in,
)
from api.errors import Problem, refusals
from core.errors import Refused
from core.settings import Settings
from people.accounts import Brake, normal_login, note_attempt, sign_in
from people.tokens import revoke_token

router = APIRouter(tags=["sign-in"])

JSON: Final = "application/json"
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
WRONG: Final = "login or password is wrong, or the account is disabled"


class Credentials(BaseModel):
    """What the form sends, as fields or as JSON."""

    login: str = Field(max_length=200)
    password: str = Field(max_length=200)
    next: str = Field(
        "/", max_length=2000, description="where a browser goes afterwards: a path of this service"
    )


class SignedIn(BaseModel):
    login: str


async def read_credentials(request: Request) -> Credentials:
    """The body as JSON or as a form; 415 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == JSON:
            return Credentials.model_validate_json(await request.body())
        if kind in FORMS:
            async with request.form(max_fields=20, max_files=0) as form:
                return Credentials.model_validate(dict(form))
    except ValidationError as error:
        errors = [found | {"loc": ("body", *found["loc"])} for found in error.errors(include_input=False)]
        raise RequestValidationError(errors) from error
    raise HTTPException(415, f"send {JSON} or a form ({FORMS[0]})")


CREDENTIALS: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": Credentials.model_json_schema()} for kind in (JSON, FORMS[0])},
    }
}


@router.post(
    "/login",
    dependencies=[public],
    responses={200: {"model": SignedIn}, 303: {"description": "a form's way on"}, **refusals(401, 429)},
    response_class=JSONResponse,
    openapi_extra=CREDENTIALS,
)
def open_door(
    request: Request,
    credentials: Annotated[Credentials, Depends(read_credentials)],
    settings: SettingsDep,
    now: Now,
) -> Response:
    """A session for login and password, kept in a cookie."""
    if is_foreign(request):
        raise Refused("this sign-in was asked for by another site's page; use Wangge's own")
    engine: Engine = request.app.state.engine
    with engine.begin() as conn:  # of its own, so that it counts whatever comes after
        throttled = count_attempt(conn, request, credentials.login, settings=settings, now=now)
    if throttled is not None:
        return _tell(request, credentials, throttled, "throttled")
    with engine.begin() as conn:
        lifetime = timedelta(hours=settings.session_hours)
        secret = sign_in(conn, credentials.login, credentials.password, now=now, lifetime=lifetime)
    if secret is None:
        return _tell(request, credentials, Problem(401, WRONG), "wrong")
    answer: Response = JSONResponse({"login": normal_login(credentials.login)})
    if _wants_page(request):
        answer = RedirectResponse(own_path(credentials.next), status_code=303)
    answer.set_cookie(
        session_cookie(settings),
        secret,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/logout", dependencies=[signed_in], status_code=204)
def close_door(caller: CallerDep, conn: Conn, settings: SettingsDep, now: Now) -> Response:
    """End this session (or this token) for good."""
    if caller.token_id is not None:
        revoke_token(conn, caller.account_id, caller.token_id, now)
    answer = Response(status_code=204)
    answer.delete_cookie(
        session_cookie(settings), path="/", secure=is_secure(settings), httponly=True, samesite="lax"
    )
    return answer


def count_attempt(
    conn: Connection, request: Request, login: str, *, settings: Settings, now: datetime
) -> Problem | None:
    """Count an attempt; a refusal when there were too many. The caller lets the transaction commit."""
    brake = Brake(settings.sign_in_attempts, timedelta(seconds=settings.sign_in_window_s))
    if note_attempt(conn, login, request.client.host if request.client else "unknown", now=now, brake=brake):
        return None
    minutes = max(1, round(settings.sign_in_window_s / 60))
    wait = {"Retry-After": str(settings.sign_in_window_s)}
    return Problem(429, f"too many attempts to sign in; try again in {minutes} min", headers=wait)


def own_path(path: str) -> str:
    """The path when it is one of this service, else the start page."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else "/"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _tell(request: Request, credentials: Credentials, problem: Problem, word: str) -> Response:
    """The refusal for a program; for a form without script, the page again with a word on what was wrong."""
    if not _wants_page(request):
        return problem
    query = urlencode({"problem": word, "next": own_path(credentials.next)})
    return RedirectResponse(f"/login?{query}", status_code=303)
