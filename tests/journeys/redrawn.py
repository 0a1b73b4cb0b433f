"""A city of many grids in an installation, plans that redraw all of it, and everything a publication writes, side by side."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from analysis.handover import Wanted, decide_handover, read_handover, refuse_undecided, take_effect
from cases.events import Actor
from cases.intake import take_in_cases
from cases.reports import CaseReport
from core.db import make_engine
from geo.editions import publish_plan
from geo.editions.standing import read_standing
from geo.lookup import Lookup
from geo.networks import Level, create_network
from geo.operations import Merge, ReplaceFromFile, SplitByLine
from geo.operations.returned import Incoming
from geo.plans import UnitDraft, add_units_to_plan
from geo.plans.redraw import do_operation, get_redraw, open_redraw
from geo.plans.steps import publish_redraw, take_step
from people.accounts import add_account
from people.grants import add_grant
from people.persons import Post, add_person, assign
from people.tokens import issue_bearer
from tests.geo.redrawing import line
from tests.geo.sketch import NORTH, STEP_DEG, WEST, square
from tests.journeys.installation import Installation

DAY = timedelta(days=1)
LEVELS = (Level("city", "市"), Level("street", "街道", parent="city"), Level("grid", "网格", parent="street"))
Picture = dict[str, list[tuple[object, ...]]]
WRITTEN = {
    "editions": """SELECT seq, plan_id, published_by, encode(sha256, 'hex'), counts::text, effective_from, published_at,
        taken_back_at FROM edition""",
    "plans": "SELECT id, state, effective_from, reason FROM plan",
    "steps": "SELECT plan_id, seq, step, state, by, at FROM plan_step",
    "units": """SELECT unit.id, born.seq, retired.seq FROM unit JOIN edition born ON born.id = born_edition_id
        LEFT JOIN edition retired ON retired.id = retired_edition_id""",
    "versions": """SELECT unit_id, v.code, v.name, parent_unit_id, path::text, households, lower(valid), upper(valid),
        lower(recorded), upper(recorded), seq, encode(geom_sha, 'hex'), change_kinds::text, md5(ST_AsBinary(geom)),
        area_m2 FROM unit_version v JOIN edition ON edition.id = edition_id""",
    "lineage": """SELECT a.unit_id, b.unit_id, seq, kind, l.area_m2, area_share, households_share FROM lineage l
        JOIN unit_version a ON a.id = from_version JOIN unit_version b ON b.id = to_version
        JOIN edition ON edition.id = l.edition_id""",
    "rehoming": "SELECT plan_id, case_id, from_unit_id, to_unit_id, done_at FROM case_rehoming",
    "cases": """SELECT number, owner_unit_id, seq, (SELECT array_agg(kind ORDER BY e.seq)::text FROM case_event e
        WHERE e.case_id = "case".id) FROM "case" """,
    "posts": "SELECT plan_id, assignment_id, unit_ids::text, done_at FROM post_decision",
    "service": "SELECT person_id, unit_id, role, lower(valid), upper(valid) FROM assignment",
}
"""All that a publication writes, without the numbers that the database gives to rows."""


@dataclass
class City:
    """`side` × `side` grids in an installation; cases and people are in the merged two and the split one."""

    installation: Installation
    engine: Engine
    side: int
    token: str
    began: datetime
    plans: int = 0

    def picture(self, conn: Connection | None = None) -> Picture:
        """What is written down now. Instants since the test began are told apart from each other, and from none, alone."""
        if conn is None:
            with self.engine.connect() as own:
                return self.picture(own)
        return {name: self._rows(conn, query) for name, query in WRITTEN.items()}

    def _rows(self, conn: Connection, query: str) -> list[tuple[object, ...]]:
        rows = conn.execute(text(query)).all()
        return sorted((tuple(map(self._told, row)) for row in rows), key=str)

    def _told(self, value: object) -> object:
        return "now" if isinstance(value, datetime) and value >= self.began else value

    def approved(self) -> int:
        """A plan that names every grid anew, merges two and splits one, with what follows for cases and people decided."""
        self.plans += 1
        with self.engine.begin() as conn:
            found = open_redraw(conn, "governance", name=f"第{self.plans}次", by="planner")
            units = {each.code: each.unit_id for each in read_standing(conn, found.network).values()}
            row, now = 2 * self.plans, self.began - DAY
            named = tuple(
                Incoming(unit_id, name=f"第{self.plans}次{code}")
                for code, unit_id in units.items()
                if "-" in code
            )
            cut = line((4.4, row - 1), (4.4, row + 1.2))
            operations = (
                ReplaceFromFile(named),
                Merge((units[f"{row}-0"], units[f"{row}-1"])),
                SplitByLine(units[f"{row}-4"], cut),
            )
            self._settle(conn, {code: units[code] for code in (f"{row}-0", f"{row}-1", f"{row}-4")})
            for operation in operations:
                do_operation(conn, found.id, operation, by="planner", now=now)
            for step, by in (("check", "planner"), ("submit", "planner"), ("approve", "approver")):
                take_step(conn, found.id, step, by=by, now=now)
            found = get_redraw(conn, found.id)
            listed = read_handover(conn, found, now)
            wanted = Wanted(
                {each.number: each.choices[0] for each in listed.cases},
                {each.assignment_id: each.choices[:1] for each in listed.posts},
            )
            assert wanted.cases
            assert wanted.posts
            decide_handover(conn, found, wanted, by="approver", now=now)
            refuse_undecided(conn, found, now)
        return found.id

    def _settle(self, conn: Connection, units: dict[str, Any]) -> None:
        """An open case in the west of each, and somebody who serves there."""
        at = self.began - 2 * DAY
        reports = []
        for code, unit_id in units.items():
            down, right = map(int, code.split("-"))
            lon, lat = WEST + (right + 0.3) * STEP_DEG, NORTH - (down + 0.5) * STEP_DEG
            reports.append(
                CaseReport("test", f"{self.plans} {code}", "noise", lon=lon, lat=lat, reported_at=at)
            )
            person = add_person(conn, f"w{self.plans}-{code}", "李四")
            assign(conn, person, Post(unit_id, "grid_worker", at))
        take_in_cases(conn, Lookup(conn), reports, actor=Actor("desk", "desk"), now=at)

    def rehearse(self, plan_id: int) -> tuple[Picture, float]:
        """What is written once the plan is published, and how long that takes; all of it is rolled back."""
        with self.engine.connect() as conn, conn.begin() as transaction:
            now, start = datetime.now(UTC), time.monotonic()
            publish_redraw(conn, plan_id, by="approver", now=now)
            take_effect(conn, now)
            spent_s = time.monotonic() - start
            picture = self.picture(conn)
            transaction.rollback()
        return picture, spent_s

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer; 0 where there was none."""
        url = f"http://127.0.0.1:{self.installation.port}{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)
        except (OSError, ValueError):
            return 0, {}

    def publish(self, plan_id: int, **more: Any) -> tuple[int, dict[str, Any]]:
        return self.ask(f"/v1/plans/{plan_id}/publish", more)


def found_city(installation: Installation, side: int) -> City:
    """Published since long ago, with an approver who publishes over HTTP."""
    engine = make_engine(installation.cluster.url, pool_size=3)
    began = datetime.now(UTC)
    founded = began - 300 * DAY
    half = side // 2
    grids = [
        UnitDraft("grid", f"{down}-{right}", f"格{down}-{right}", square(right, down), str(1 + (right >= half)), households=100)
        for down, right in np.ndindex(side, side)
    ]  # fmt: skip
    streets = [UnitDraft("street", code, f"{code}街", None, "0") for code in "12"]
    with engine.begin() as conn:
        create_network(conn, "governance", coverage="full", levels=LEVELS)
        add_units_to_plan(conn, "governance", [UnitDraft("city", "0", "市", None), *streets, *grids])
        publish_plan(conn, "governance", by="test", now=founded)
        account = add_account(conn, "approver", "correct horse battery")
        add_grant(conn, account, "approver", unit_id=None, now=founded)
        token = issue_bearer(conn, account, "test", now=began, expires_at=began + DAY)
    return City(installation, engine, side, token, began)


@contextmanager
def stopped_before(city: City, table: str) -> Iterator[None]:
    """A publication gets as far as its first change of this table, and waits there while the block runs."""
    with city.engine.connect() as conn:
        conn.execute(text(f'LOCK TABLE "{table}" IN SHARE ROW EXCLUSIVE MODE'))
        try:
            yield
        finally:
            conn.invalidate()  # the server may be gone


def someone_waits_for(city: City, table: str) -> bool:
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass(:table)")
    with city.engine.connect() as conn:
        return bool(conn.scalar(query, {"table": f'"{table}"'}))
