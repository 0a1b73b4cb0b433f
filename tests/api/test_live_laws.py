"""The law of the live feed: whoever watched with breaks ends with the screen of whoever never looked away.

Two processes read; viewers of three scopes come, go and come back to either. Transactions stay open while others
commit; people walk, end their shift, serve elsewhere. In the end every screen is what a first look would show.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import Range

from api.live.board import Board, Roots, read_cursor, roots_of
from api.live.feed import LONGEST_SWEEP_S
from bench.screen import Screen
from core.db import make_engine
from people.access import Scope
from people.tables import assignment, person, shift
from tests.people.town import EVER, lay_ground
from tracking.live import LiveMap
from tracking.tables import device_heard, last_fix

BEGIN = datetime.fromisoformat("2026-06-10T01:00:00Z")
PEOPLE, WRITERS = 8, 4  # writer 0 commits at once, the others when told; each has people of its own
SCOPES = ("", "S1", "S2")

actions = st.lists(
    st.one_of(
        st.tuples(st.just("walk"), st.integers(0, PEOPLE - 1), st.integers(0, 50)),
        st.tuples(st.just("walk"), st.integers(0, PEOPLE - 1), st.integers(0, 50)),
        st.tuples(st.just("end"), st.integers(1, WRITERS - 1), st.booleans()),
        st.tuples(st.just("read"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("read"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("leave"), st.integers(0, len(SCOPES) - 1), st.just(0)),
        st.tuples(st.just("come"), st.integers(0, len(SCOPES) - 1), st.integers(0, 1)),
        st.tuples(st.just("duty"), st.integers(0, PEOPLE - 1), st.just(0)),
        st.tuples(st.just("post"), st.integers(0, PEOPLE - 1), st.sampled_from(["G1", "G2"])),
        st.tuples(st.just("pass"), st.sampled_from([3, 20, 200, 700]), st.just(0)),
    ),
    min_size=10,
    max_size=60,
)


@dataclass
class Process:
    """What one process of the service holds."""

    live: LiveMap = field(default_factory=LiveMap)
    board: Board = field(default_factory=Board)
    swept_at: datetime = BEGIN


@dataclass
class Viewer:
    """A page; `process` None: its stream is broken."""

    roots: Roots
    screen: Screen = field(default_factory=Screen)
    process: Process | None = None


class World:
    """The database, its writers, two processes and a viewer a scope. Time goes on by a second with every action."""

    def __init__(self, stack: ExitStack, engine: Engine, roots: list[Roots]) -> None:
        self.now = BEGIN
        self.reader = stack.enter_context(engine.connect())
        self.writers = [stack.enter_context(engine.connect()) for _ in range(WRITERS)]
        self.ids = list(self.reader.scalars(select(person.c.id).order_by(person.c.code)))
        self.reader.rollback()
        self.processes = [Process(), Process()]
        self.viewers = [Viewer(one) for one in roots]
        for process in self.processes:
            self.read(process, sweeps=True)

    def walk(self, n: int, step: int) -> None:
        writer = self.writers[n % WRITERS]
        point = func.ST_SetSRID(func.ST_MakePoint(121 + step * 1e-3, 31.005), 4326)
        values = {"person_id": self.ids[n], "device_id": 1, "fixed_at": self.now, "received_at": self.now}
        writer.execute(delete(last_fix).where(last_fix.c.person_id == self.ids[n]))
        writer.execute(insert(last_fix).values(**values, point=point))
        if n % WRITERS == 0:
            writer.commit()

    def end(self, n: int, commits: bool) -> None:
        self.writers[n].commit() if commits else self.writers[n].rollback()

    def duty(self, n: int, _: int) -> None:
        on = shift.c.person_id == self.ids[n], shift.c.ends_at > self.now
        with self.reader.begin():
            if self.reader.execute(update(shift).where(*on).values(ends_at=self.now)).rowcount == 0:
                times = {"starts_at": self.now, "ends_at": self.now + timedelta(hours=8)}
                self.reader.execute(insert(shift).values(person_id=self.ids[n], **times))

    def post(self, n: int, grid: str) -> None:
        with self.reader.begin():
            here = assignment.c.person_id == self.ids[n]
            self.reader.execute(update(assignment).where(here).values(unit_id=UNITS[grid]))

    def pass_(self, seconds: int, _: int) -> None:
        self.now += timedelta(seconds=seconds)

    def leave(self, n: int, _: int) -> None:
        self.viewers[n].process = None

    def come(self, n: int, to: int) -> None:
        """As the feed lets a page in: what it missed, or everything."""
        viewer, process = self.viewers[n], self.processes[to]
        since = read_cursor(viewer.screen.cursor)
        missed = None if since is None else process.board.tell_missed(viewer.roots, since)
        viewer.screen.take(missed or process.board.tell_snapshot(viewer.roots))
        viewer.process = process

    def read(self, process: Process, *, sweeps: bool) -> None:
        sweeps = sweeps or (self.now - process.swept_at).total_seconds() >= LONGEST_SWEEP_S
        process.swept_at = self.now if sweeps else process.swept_at
        with self.reader.begin():
            changes = process.live.read(self.reader, self.now, sweeps=sweeps)
        news = process.board.take(changes, self.now)
        for viewer in self.viewers:
            if viewer.process is process and (frame := news.tell_frame(viewer.roots, tick=False)):
                viewer.screen.take(frame)

    def do(self, what: str, one: Any, other: Any) -> None:
        if what == "read":
            self.read(self.processes[one], sweeps=other)
        else:
            {"pass": self.pass_}.get(what, getattr(self, what, None))(one, other)  # type: ignore[misc]
        self.now += timedelta(seconds=1)


UNITS: dict[str, Any] = {}


@pytest.fixture
def engine(own_database: str) -> Iterator[Engine]:
    engine = make_engine(own_database, pool_size=WRITERS + 2)
    with engine.begin() as conn:
        UNITS.update(lay_ground(conn))
        people = [{"code": f"P{n}", "name": f"P{n}"} for n in range(PEOPLE)]
        conn.execute(insert(person), people)
    yield engine
    engine.dispose()


def begin_anew(conn: Connection) -> list[Roots]:
    """Everybody on duty, half of them in either street, and nobody heard; returns the roots of the scopes."""
    for table in (last_fix, device_heard, shift, assignment):
        conn.execute(delete(table))
    ids = conn.scalars(select(person.c.id).order_by(person.c.code)).all()
    times = {"starts_at": BEGIN - timedelta(hours=1), "ends_at": BEGIN + timedelta(hours=20)}
    conn.execute(insert(shift), [times | {"person_id": one} for one in ids])
    posts = [{"person_id": one, "unit_id": UNITS["G1" if n % 2 else "G2"]} for n, one in enumerate(ids)]
    more = {"role": "grid_worker", "valid": Range(EVER, None)}
    conn.execute(insert(assignment), [post | more for post in posts])
    town = UNITS["T"].hex
    return [roots_of(Scope(not code, (f"{town}.{UNITS[code].hex}",) if code else ())) for code in SCOPES]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=actions)
def test_breaks_and_late_commits_leave_no_trace_on_any_screen(
    engine: Engine, script: list[tuple[str, Any, Any]]
) -> None:
    with engine.begin() as conn:
        roots = begin_anew(conn)
    with ExitStack() as stack:
        world = World(stack, engine, roots)
        for n in range(len(SCOPES)):
            world.come(n, n % 2)
        steady = Viewer(roots[0], process=world.processes[0])
        steady.screen.take(world.processes[0].board.tell_snapshot(roots[0]))
        world.viewers.append(steady)
        for action in script:
            world.do(*action)
        for writer in world.writers:
            writer.commit()
        for _round in range(2):
            for process in world.processes:
                world.read(process, sweeps=True)
        for n in range(len(SCOPES)):
            if world.viewers[n].process is None:
                world.come(n, n % 2)
        fresh = Process()
        world.read(fresh, sweeps=True)
        for viewer in world.viewers:
            first_look = Screen()
            first_look.take(fresh.board.tell_snapshot(viewer.roots))
            assert viewer.screen.state == first_look.state
