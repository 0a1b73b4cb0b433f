"""People as their leaders and desks see them, and the record of looks as the auditor sees it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api.callers import CallerDep, Conn, Now, require, signed_in
from core.errors import NotFound
from people.access import MAY_SEE_ALL_LOOKS, MAY_SEE_PEOPLE, may_see_person, visible_units
from people.looks import list_looks
from people.persons import Assignment, Person, find_person, list_assignments, list_people

router = APIRouter(prefix="/v1", tags=["people"])

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
