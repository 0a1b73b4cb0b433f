"""People as their leaders and desks see them, and the record of looks as the auditor sees it."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from analysis.today import Today, read_today
from api.callers import CallerDep, Conn, Now, SettingsDep, Zone, require, signed_in
from core.errors import NotFound
from people.access import MAY_SEE_ALL_LOOKS, MAY_SEE_PEOPLE, may_see_person, visible_units
from people.looks import Look, is_recorded, list_looks, record_look
from people.persons import Assignment, Person, find_person, list_assignments, list_people
from tracking.live import Dot, dots_of
from tracking.trails import trail_rules_of

router = APIRouter(prefix="/v1", tags=["people"])

REMEMBERED: Final = timedelta(minutes=10)
"""A page that looks again within this time writes no second look."""
Code = Annotated[str, Path(max_length=64, description="the person's code")]


class PostSeen(BaseModel):
    unit_id: str
    unit_code: str | None = Field(description="null: the unit is no longer on the ground")
    unit_name: str | None
    role: str
    role_name: str
    tracked: bool
    since: datetime | None
    until: datetime | None


class PersonSeen(BaseModel):
    code: str
    name: str
    phone: str | None
    posts: list[PostSeen]


class PeoplePage(BaseModel):
    people: list[PersonSeen]
    next: str | None = Field(description="send it as `after` for the next page; null: this was the last")


class TodayOut(BaseModel):
    """A worker now, and their day so far: `moved_m` along the trail, never across a gap; `in_own_s` of `on_shift_s`, of
    which `observed_s` is known; the rest is in gaps.
    """

    as_of: datetime
    code: str
    name: str
    role: str | None
    role_name: str | None
    unit_code: str | None
    unit_name: str | None
    state: str = Field(description="off_shift: no position is told")
    reason: str | None = Field(description="why the phone is quiet, where it told")
    at_unit_code: str | None
    lon: float | None
    lat: float | None
    fixed_at: datetime | None
    age_s: float | None = Field(description="since the last sign of life")
    accuracy_m: float | None
    battery_pct: float | None
    on: date
    fixes: int = Field(description="accepted today")
    moved_m: float
    in_own_s: float
    observed_s: float
    on_shift_s: float


class LookRead(BaseModel):
    at: datetime
    who: str
    what: str
    why: str
    unit_id: str | None = Field(description="the subtree looked at, where it was not one person")
    of_unit: bool


@router.get("/people", dependencies=[require(*MAY_SEE_PEOPLE)])
def read_people(
    caller: CallerDep,
    conn: Conn,
    now: Now,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> PeoplePage:
    """Those who serve now within the caller's subtree, by code."""
    found = list_people(conn, visible_units(conn, caller, MAY_SEE_PEOPLE), now, after=after, limit=limit)
    posts = list_assignments(conn, [one.id for one in found], now)
    return PeoplePage(
        people=[_seen(one, posts.get(one.id, [])) for one in found],
        next=found[-1].code if len(found) == limit else None,
    )


@router.get("/people/{code}", dependencies=[signed_in])
def read_person(caller: CallerDep, code: Code, conn: Conn, now: Now) -> PersonSeen:
    """One person with all their posts: for themselves, and where the caller may see people."""
    person = find_person(conn, code)
    if not may_see_person(conn, caller, person.id, now, roles=MAY_SEE_PEOPLE):
        raise NotFound(f"there is no person {code}")
    return _seen(person, list_assignments(conn, [person.id], now, past=True).get(person.id, []))


@router.get("/people/{code}/today", dependencies=[signed_in])
def read_day(
    caller: CallerDep, code: Code, conn: Conn, now: Now, settings: SettingsDep, zone: Zone
) -> TodayOut:
    """One worker now and their day so far: for themselves and for those who lead them; every other look is written down."""
    person = find_person(conn, code)
    if not may_see_person(conn, caller, person.id, now):
        raise NotFound(f"there is no person {code}")
    if caller.person_id != person.id:
        seen = Look(now, caller.login, "trail", "today", account_id=caller.account_id, person_id=person.id)
        if not is_recorded(conn, seen, now - REMEMBERED):
            record_look(conn, seen)
    day = read_today(conn, person.id, now, zone=zone, rules=trail_rules_of(settings))
    return _told(person, dots_of(conn, [person.id], now).get(person.id), day)


def _told(person: Person, dot: Dot | None, day: Today) -> TodayOut:
    where = None if dot is None else dot.position
    who = None if dot is None else dot.standing
    return TodayOut(
        code=person.code,
        name=person.name,
        role=who and who.role,
        role_name=who and who.role_name,
        unit_code=who and who.unit_code,
        unit_name=who and who.unit_name,
        state="off_shift" if dot is None else dot.state,
        reason=dot and dot.reason,
        at_unit_code=where and where.at_unit_code,
        lon=where and where.lon,
        lat=where and where.lat,
        fixed_at=where and where.fixed_at,
        age_s=dot.age_s if dot is not None and where is not None else None,
        accuracy_m=where and where.accuracy_m,
        battery_pct=dot.battery_pct if dot is not None and where is not None else None,
        **{name: round(value, 1) if isinstance(value, float) else value for name, value in vars(day).items()},
    )


@router.get("/people/{code}/looks", dependencies=[require(*MAY_SEE_ALL_LOOKS)])
def read_looks_at(
    caller: CallerDep, code: Code, conn: Conn, now: Now, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[LookRead]:
    """Who looked at a person's movement, newest first: for the auditor."""
    person = find_person(conn, code)
    if not may_see_person(conn, caller, person.id, now, roles=MAY_SEE_ALL_LOOKS):
        raise NotFound(f"there is no person {code}")
    return [
        LookRead(
            at=one.at,
            who=one.who,
            what=one.what,
            why=one.why,
            unit_id=str(one.unit_id) if one.unit_id else None,
            of_unit=one.person_id is None,
        )
        for one in list_looks(conn, person.id, limit=limit)
    ]


def _seen(person: Person, posts: list[Assignment]) -> PersonSeen:
    return PersonSeen(
        code=person.code,
        name=person.name,
        phone=person.phone,
        posts=[
            PostSeen(
                unit_id=str(post.unit_id),
                unit_code=post.unit_code,
                unit_name=post.unit_name,
                role=post.role,
                role_name=post.role_name,
                tracked=post.tracked,
                since=post.since,
                until=post.until,
            )
            for post in posts
        ],
    )
