"""A town of two streets, for the tests of people and of the API's doors.

+---------+---------+
|   G1    |   G2    |     G1 in street S1, G2 in street S2, both in town T
+---------+---------+
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import shapely
from sqlalchemy import Connection, insert
from sqlalchemy.dialects.postgresql import Range

from geo.tables import edition, network, unit, unit_version
from people.accounts import hash_password
from people.grants import add_grant
from people.notices import Notice, accept_notice, publish_notice
from people.persons import Post, add_person, assign
from people.shifts import Shift, add_shift
from people.tables import account

NOW = datetime(2026, 6, 10, 1, 0, tzinfo=UTC)
EVER = datetime(2020, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
LEVELS = [
    {"code": "town", "name": "镇", "name_en": "town", "parent": None, "origin": "drawn"},
    {"code": "street", "name": "街道", "name_en": "street", "parent": "town", "origin": "drawn"},
    {"code": "grid", "name": "网格", "name_en": "grid", "parent": "street", "origin": "drawn"},
]
BOXES = {
    "T": ("town", None, (0.00, 0.00, 0.02, 0.01)),
    "S1": ("street", "T", (0.00, 0.00, 0.01, 0.01)),
    "S2": ("street", "T", (0.01, 0.00, 0.02, 0.01)),
    "G1": ("grid", "S1", (0.00, 0.00, 0.01, 0.01)),
    "G2": ("grid", "S2", (0.01, 0.00, 0.02, 0.01)),
}
LON, LAT = 121.0, 31.0


@dataclass(frozen=True)
class Town:
    units: dict[str, uuid.UUID]
    persons: dict[str, int]
    accounts: dict[str, int]


def lay_ground(conn: Connection) -> dict[str, uuid.UUID]:
    """The units, valid since ever; returns their ids by code."""
    network_id = conn.execute(
        insert(network)
        .values(code="governance", name="综治网格", coverage="full", levels=LEVELS)
        .returning(network.c.id)
    ).scalar_one()
    edition_id = conn.execute(
        insert(edition)
        .values(
            network_id=network_id,
            seq=1,
            published_by="test",
            published_at=EVER,
            sha256=b"",
            counts={"town": 1, "street": 2, "grid": 2},
        )
        .returning(edition.c.id)
    ).scalar_one()
    ids: dict[str, uuid.UUID] = {}
    paths: dict[str, str] = {}
    for code, (level, parent, (west, south, east, north)) in BOXES.items():
        ids[code] = uuid.uuid5(uuid.NAMESPACE_OID, code)
        paths[code] = ".".join([*([paths[parent]] if parent else []), ids[code].hex])
        area = shapely.MultiPolygon([shapely.box(LON + west, LAT + south, LON + east, LAT + north)])
        conn.execute(
            insert(unit).values(
                id=ids[code],
                network_id=network_id,
                level=level,
                kind="territorial",
                origin="drawn",
                born_edition_id=edition_id,
            )
        )
        conn.execute(
            insert(unit_version).values(
                unit_id=ids[code],
                network_id=network_id,
                level=level,
                parent_unit_id=ids[parent] if parent else None,
                path=paths[code],
                code=code,
                name=f"{code} 号",
                geom=shapely.to_wkt(area),
                area_m2=1e6,
                valid=Range(None, None),
                recorded=Range(EVER, None),
                edition_id=edition_id,
                geom_sha=hashlib.sha256(code.encode()).digest(),
            )
        )
    return ids


@cache
def hashed() -> str:
    """Hashing is slow on purpose; once a run is enough for the tests."""
    return hash_password("", PASSWORD)


def make_account(conn: Connection, login: str, person_id: int | None = None) -> int:
    """An account with the password of everybody."""
    values = {"login": login, "password_hash": hashed(), "person_id": person_id}
    return int(conn.execute(insert(account).values(values).returning(account.c.id)).scalar_one())


def build_town(conn: Connection, now: datetime = NOW) -> Town:
    """Ground, people and accounts.

    w1 walks G1 and has an account; w2 walks G2. boss1 supervises S1, boss2 supervises S2; one account holds
    each other role everywhere, named after it; `plain` is signed in without any grant.
    """
    units = lay_ground(conn)
    persons = {}
    publish_notice(conn, Notice("v1", "告知", "Notice", EVER, renews=False))
    for code, grid in (("w1", "G1"), ("w2", "G2")):
        persons[code] = add_person(conn, code, f"{code} 李四", phone="13800000000")
        assign(conn, persons[code], Post(units[grid], "grid_worker", EVER))
        accept_notice(conn, persons[code], "v1", at=EVER, how="paper: test")
        add_shift(conn, Shift(persons[code], now - timedelta(hours=8), now + timedelta(hours=8)))
    accounts = {"plain": make_account(conn, "plain")}
    for login, person, role, code in (
        ("w1", "w1", "worker", "G1"),
        ("w2", "w2", "worker", "G2"),
        ("boss1", None, "supervisor", "S1"),
        ("boss2", None, "supervisor", "S2"),
        ("command", None, "command", None),
        ("planner", None, "planner", None),
        ("desk", None, "desk", None),
        ("administrator", None, "administrator", None),
        ("auditor", None, "auditor", None),
        ("approver", None, "approver", None),
    ):
        accounts[login] = make_account(conn, login, persons[person] if person else None)
        add_grant(conn, accounts[login], role, unit_id=units[code] if code else None, now=EVER)
    return Town(units, persons, accounts)
