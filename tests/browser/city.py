"""The city in front of which the browser stands: who lives in it for the whole package, and who is hired for one test."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import httpx
from sqlalchemy import Connection, Engine, func, select

from core.clock import utc_now
from people.accounts import add_account, find_account
from people.grants import add_grant, find_unit
from people.notices import Notice, accept_notice, publish_notice
from people.persons import Post, add_person, assign, find_person
from people.shifts import Shift, add_shift, switch_duty_off
from tests.city import FOUNDED, centre, code_at, publish_small_city
from tracking.devices import add_device
from tracking.sos import Answerer, acknowledge_sos
from tracking.tables import sos

PASSWORD = "correct horse battery"
NOTICE = "2026-1"
STEP_S = 10


@dataclass
class City:
    """The server's address, and the phones of the people who walk there: person code → device credential.

    Whoever lives here (`settle`) is only looked at: a test that moves or changes somebody hires them for itself.
    """

    url: str
    engine: Engine
    phones: dict[str, str] = field(default_factory=dict)
    walked_at: datetime = field(default_factory=utc_now)
    numbers: "count[int]" = field(default_factory=lambda: count(100))

    def send_fix(self, person: str, lon: float, lat: float, at: datetime | None = None) -> None:
        """A fix through the door of every phone."""
        fix = {
            "fixed_at": (at or utc_now()).isoformat(),
            "lon": lon,
            "lat": lat,
            "accuracy_m": 8,
            "speed_mps": 1.2,
        }
        bearer = {"Authorization": f"Bearer {self.phones[person]}"}
        httpx.post(f"{self.url}/v1/fixes", json={"fixes": [fix]}, headers=bearer).raise_for_status()

    def hire(self, name: str, square: tuple[int, int], *, accepts: bool = True, shift_h: float = 0) -> str:
        """Somebody with an account and a phone, on shift since so many hours; the code."""
        code, now = f"w{next(self.numbers)}", utc_now()
        with self.engine.begin() as conn:
            person_id = take_on(conn, code, name, square)
            self.phones[code] = add_device(conn, f"phone-{code}", code, now=FOUNDED)
            if accepts:
                accept_notice(conn, person_id, NOTICE, at=FOUNDED, how="paper: test")
            if shift_h:
                hours = timedelta(hours=shift_h)
                add_shift(conn, Shift(person_id, now - hours, now + timedelta(hours=6)))
        return code

    def dismiss(self, code: str) -> None:
        """They go off duty, and help that they called for has come."""
        with self.engine.begin() as conn:
            person_id = find_person(conn, code).id
            switch_duty_off(conn, person_id, utc_now())
            call = conn.scalar(select(func.max(sos.c.id)).where(sos.c.person_id == person_id))
            if call is not None:
                who = Answerer("command", find_account(conn, "command"))
                acknowledge_sos(conn, call, who, note="", now=utc_now())


def take_on(conn: Connection, code: str, name: str, square: tuple[int, int]) -> int:
    """A grid worker of the grid that holds the square, with an account; the person's id."""
    person_id = add_person(conn, code, name)
    assign(
        conn, person_id, Post(find_unit(conn, code_at(*square, "grid"), utc_now()), "grid_worker", FOUNDED)
    )
    add_account(conn, code, PASSWORD, person_id=person_id)
    return person_id


def settle(city: City) -> None:
    """w1 and w2 walk in two communities; w3 is new and has accepted nothing yet; `command` sees all."""
    now = utc_now()
    with city.engine.begin() as conn:
        publish_small_city(conn)
        publish_notice(
            conn, Notice(NOTICE, "在岗期间记录位置。", "Positions are recorded on duty.", FOUNDED, False)
        )
        for code, name, square in (("w1", "王芳", (0, 0)), ("w2", "李强", (5, 5)), ("w3", "新人", (0, 1))):
            person_id = take_on(conn, code, name, square)
            if code == "w3":
                continue
            accept_notice(conn, person_id, NOTICE, at=FOUNDED, how="paper: test")
            add_shift(conn, Shift(person_id, now - timedelta(hours=6), now + timedelta(hours=6)))
            city.phones[code] = add_device(conn, f"phone-{code}", code, now=FOUNDED)
        account_id = add_account(conn, "command", PASSWORD)
        add_grant(conn, account_id, "command", unit_id=None, now=FOUNDED)
    walk(city)


def walk(city: City) -> None:
    """Ten minutes of w1 and w2, with w2 silent in the middle."""
    for person, square in (("w1", (0, 0)), ("w2", (5, 5))):
        lon, lat = centre(*square)
        for step in range(60, 0, -3):
            if person == "w2" and 20 < step < 45:
                continue
            city.send_fix(person, lon + step * 1e-5, lat, city.walked_at - timedelta(seconds=step * STEP_S))
        city.send_fix(person, lon, lat, city.walked_at - timedelta(seconds=1))
