"""What concerns the caller alone: the account, the notice, duty, who looked, the browser as a device, tokens."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Connection

from api.callers import CallerDep, Conn, Now, SettingsDep, signed_in
from api.errors import Problem, refusals
from api.pages.sign_in import count_attempt
from core.errors import Conflict, NotFound
from people.accounts import check_password, forget_attempts, set_password
from people.looks import list_looks
from people.notices import accept_notice, accepted_periods, current_notice, withdraw_acceptance
from people.persons import get_person, tracked_periods
from people.shifts import duty_at, switch_duty_off, switch_duty_on
from people.tokens import issue_bearer, list_tokens, revoke_token
from tracking.devices import add_device, renew_token

router = APIRouter(prefix="/v1/me", tags=["me"])


def read_own_person(caller: CallerDep) -> int:
    """The person whose account this is; 404 for an account of no person."""
    if caller.person_id is None:
        raise NotFound("this account belongs to no person, so nothing is recorded of one")
    return caller.person_id


OwnPerson = Annotated[int, Depends(read_own_person)]


class OwnGrant(BaseModel):
    role: str
    unit_id: str | None = Field(description="root of the subtree it holds for; null: everywhere")


class PersonName(BaseModel):
    code: str
    name: str


class Me(BaseModel):
    login: str
    person: PersonName | None
    grants: list[OwnGrant]


class NoticeText(BaseModel):
    version: str
    text_zh: str
    text_en: str
    published_at: datetime


class NoticeState(BaseModel):
    """The notice in force, and since when this person's acceptance stands."""

    notice: NoticeText | None
    accepted: bool
    accepted_at: datetime | None


class Acceptance(BaseModel):
    version: str = Field(max_length=100, description="the version that was read")


class Duty(BaseModel):
    """Whether movement is recorded now, and until when. `tracked`: whether the person's role is tracked at all."""

    on: bool
    since: datetime | None
    until: datetime | None
    tracked: bool


class DutySwitch(BaseModel):
    on: bool


class LookSeen(BaseModel):
    at: datetime
    who: str
    what: str
    why: str
    of_unit: bool = Field(description="a view of a whole unit's people, not of this person alone")


class OwnDevice(BaseModel):
    """What POST /v1/fixes asks for. It stands until the page is opened anew."""

    token: str = Field(description="bearer token of this browser as a device of the caller; shown this once")


class TokenListed(BaseModel):
    id: int
    kind: str
    name: str
    created_at: datetime
    expires_at: datetime | None


class TokenWanted(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    expires_at: AwareDatetime | None = None


class TokenIssued(BaseModel):
    token: str = Field(description="shown this once")


class PasswordChange(BaseModel):
    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


@router.get("", dependencies=[signed_in])
def tell_me(caller: CallerDep, conn: Conn) -> Me:
    """Who is signed in, and with which grants."""
    person = get_person(conn, caller.person_id) if caller.person_id is not None else None
    return Me(
        login=caller.login,
        person=PersonName(code=person.code, name=person.name) if person else None,
        grants=[
            OwnGrant(role=one.role, unit_id=str(one.unit_id) if one.unit_id else None)
            for one in caller.grants
        ],
    )


@router.get("/notice", dependencies=[signed_in])
def read_notice(person_id: OwnPerson, conn: Conn, now: Now) -> NoticeState:
    """The notice on what is recorded, and whether this person accepted it."""
    return _notice_state(conn, person_id, now)


@router.post("/notice", dependencies=[signed_in])
def accept(person_id: OwnPerson, wanted: Acceptance, conn: Conn, now: Now) -> NoticeState:
    """Accept the version that was read; 409 when a newer one is in force."""
    newest = current_notice(conn, now)
    if newest is not None and newest.version != wanted.version:
        raise Conflict(f"notice {newest.version} is in force now; read that one")
    accept_notice(conn, person_id, wanted.version, at=now, how="self")
    return _notice_state(conn, person_id, now)


@router.delete("/notice", dependencies=[signed_in])
def withdraw(person_id: OwnPerson, conn: Conn, now: Now) -> NoticeState:
    """Take the acceptance back: duty ends, and nothing is recorded from now on."""
    withdraw_acceptance(conn, person_id, now)
    switch_duty_off(conn, person_id, now)
    return _notice_state(conn, person_id, now)


@router.get("/duty", dependencies=[signed_in])
def read_duty(person_id: OwnPerson, conn: Conn, now: Now) -> Duty:
    """Whether the person is on duty."""
    return _duty(conn, person_id, now)


@router.put("/duty", dependencies=[signed_in])
def switch_duty(
    person_id: OwnPerson, wanted: DutySwitch, conn: Conn, settings: SettingsDep, now: Now
) -> Duty:
    """Go on duty, or off; 409 without an accepted notice."""
    if not wanted.on:
        switch_duty_off(conn, person_id, now)
    elif not _notice_state(conn, person_id, now).accepted:
        raise Conflict("read and accept the notice first; without it nothing would be recorded")
    else:
        switch_duty_on(conn, person_id, now, most=timedelta(hours=settings.shift_hours_max))
    return _duty(conn, person_id, now)


@router.get("/looks", dependencies=[signed_in])
def read_looks(
    person_id: OwnPerson, conn: Conn, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[LookSeen]:
    """Who looked at this person's movement, newest first."""
    return [
        LookSeen(at=one.at, who=one.who, what=one.what, why=one.why, of_unit=one.person_id is None)
        for one in list_looks(conn, person_id, limit=limit)
    ]


@router.post("/device", dependencies=[signed_in], status_code=201)
def register_browser(person_id: OwnPerson, conn: Conn, now: Now) -> OwnDevice:
    """A credential for the caller's browser; the one given before ends."""
    person = get_person(conn, person_id)
    code = f"browser:{person.code}"
    try:
        return OwnDevice(token=add_device(conn, code, person.code, now=now))
    except Conflict:
        return OwnDevice(token=renew_token(conn, code))


@router.get("/tokens", dependencies=[signed_in])
def read_tokens(caller: CallerDep, conn: Conn, now: Now) -> list[TokenListed]:
    """The sessions and tokens of the account that work now."""
    return [TokenListed(**vars(one)) for one in list_tokens(conn, caller.account_id, now)]


@router.post("/tokens", dependencies=[signed_in], status_code=201)
def add_token(caller: CallerDep, wanted: TokenWanted, conn: Conn, now: Now) -> TokenIssued:
    """A bearer token with the account's grants, for a program."""
    secret = issue_bearer(conn, caller.account_id, wanted.name, now=now, expires_at=wanted.expires_at)
    return TokenIssued(token=secret)


@router.delete("/tokens/{token_id}", dependencies=[signed_in], status_code=204)
def end_token(caller: CallerDep, token_id: int, conn: Conn, now: Now) -> Response:
    """End a session or token of the account."""
    revoke_token(conn, caller.account_id, token_id, now)
    return Response(status_code=204)


@router.post("/password", dependencies=[signed_in], status_code=204, responses=refusals(429))
def change_password(
    request: Request, caller: CallerDep, wanted: PasswordChange, conn: Conn, settings: SettingsDep, now: Now
) -> Response:
    """A new password; every other session and every token of the account ends."""
    throttled = count_attempt(conn, request, caller.login, settings=settings, now=now)
    if throttled is not None:
        return throttled
    if not check_password(conn, caller.account_id, wanted.old):
        return Problem(403, "the old password is wrong")  # returned, not raised: the attempt stays counted
    set_password(conn, caller.account_id, wanted.new, now=now, keep=caller.token_id)
    forget_attempts(conn, caller.login)
    return Response(status_code=204)


def _notice_state(conn: Connection, person_id: int, now: datetime) -> NoticeState:
    newest = current_notice(conn, now)
    periods = accepted_periods(conn, [person_id]).get(person_id, [])
    standing = [since for since, until in periods if since <= now and (until is None or now < until)]
    text = None
    if newest is not None:
        text = NoticeText(
            version=newest.version,
            text_zh=newest.text_zh,
            text_en=newest.text_en,
            published_at=newest.published_at,
        )
    return NoticeState(notice=text, accepted=bool(standing), accepted_at=min(standing, default=None))


def _duty(conn: Connection, person_id: int, now: datetime) -> Duty:
    shift = duty_at(conn, person_id, now)
    periods = tracked_periods(conn, [person_id]).get(person_id, [])
    tracked = any(
        (since is None or since <= now) and (until is None or now < until) for since, until in periods
    )
    return Duty(
        on=shift is not None,
        since=shift.starts_at if shift else None,
        until=shift.ends_at if shift else None,
        tracked=tracked,
    )
