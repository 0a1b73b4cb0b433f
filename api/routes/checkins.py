"""Check-ins: of one's own accord, beside what nobody tracked serves; in no figure."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from analysis.coverage.views.checkins import (
    Checkin,
    Position,
    count_checkins,
    list_own,
    tell_checkin,
)
from api.callers import Conn, LookupDep, Now, SettingsDep, require, signed_in
from api.routes.coverage import AskedDep
from api.routes.me import OwnPerson
from core.clock import day_bounds
from people.access import MAY_SEE_COVERAGE

router = APIRouter(prefix="/v1", tags=["coverage"])


class CheckinWanted(BaseModel):
    """Where the person is. The position is not kept: the unit and the time are."""

    model_config = ConfigDict(extra="forbid")

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    accuracy_m: float = Field(ge=0, lt=1e7, allow_inf_nan=False)


class CheckinOut(BaseModel):
    at: datetime
    network: str
    unit_code: str
    unit_name: str


class OwnCheckinsOut(BaseModel):
    checkins: list[CheckinOut]


class UnitCheckinsOut(BaseModel):
    unit_id: str
    checkins: int
    people: int
    last_at: datetime


class CheckinsOut(BaseModel):
    """Units that hold any, at every level of the one asked for; said by people themselves, in no figure."""

    units: list[UnitCheckinsOut]


@router.post("/me/checkins", dependencies=[signed_in], status_code=201)
def check_in(
    person_id: OwnPerson, wanted: CheckinWanted, conn: Conn, lookup: LookupDep, now: Now
) -> OwnCheckinsOut:
    """Say that one is here; within five minutes in the same unit it is the same check-in."""
    where = Position(wanted.lon, wanted.lat, wanted.accuracy_m)
    return _own(tell_checkin(conn, lookup, person_id, where, now=now))


@router.get("/me/checkins", dependencies=[signed_in])
def list_own_checkins(
    person_id: OwnPerson,
    conn: Conn,
    now: Now,
    days: Annotated[int, Query(ge=1, le=30)] = 1,
) -> OwnCheckinsOut:
    """One's own of the last days, newest first."""
    return _own(list_own(conn, person_id, since=now - timedelta(days=days), now=now))


@router.get("/coverage/checkins", dependencies=[require(*MAY_SEE_COVERAGE)])
def count_checkins_of_units(asked: AskedDep, conn: Conn, settings: SettingsDep) -> CheckinsOut:
    """How many there were in each unit, by how many people, and the last one. It names nobody."""
    since, until = day_bounds(asked.first, settings.zone)[0], day_bounds(asked.last, settings.zone)[1]
    found = count_checkins(conn, asked, since=since, until=until)
    units = [UnitCheckinsOut(unit_id=label, **vars(one)) for label, one in sorted(found.items())]
    return CheckinsOut(units=units)


def _own(found: list[Checkin]) -> OwnCheckinsOut:
    return OwnCheckinsOut(checkins=[CheckinOut(**vars(one)) for one in found])
