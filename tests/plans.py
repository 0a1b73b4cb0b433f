"""Databases large enough for the planner to care, and what it would do there."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from core.db import make_engine
from tests.conftest import drop_database, make_database

Plan = tuple[set[str], set[str]]
"""Indexes used, and tables read from end to end."""


@contextmanager
def analysed(server_url: str, template: str, fill: Callable[[Connection], object]) -> Iterator[Engine]:
    """A database of its own, filled and analysed once for many tests, gone after the block."""
    name = f"wangge_plans_{uuid.uuid4().hex[:12]}"
    engine = make_engine(make_database(server_url, name, template))
    try:
        with engine.begin() as conn:
            fill(conn)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM (ANALYZE)"))  # a BRIN index knows what a vacuum has seen
        yield engine
    finally:
        engine.dispose()
        drop_database(server_url, name)


def plan_of(conn: Connection, statement: str, parameters: Mapping[str, object]) -> Plan:
    """The plan of a statement with `:named` binds."""
    return read_plan(conn.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), parameters).scalar_one())


def plans_of(conn: Connection, ask: Callable[[], object]) -> Plan:
    """The plans of every statement that answering takes, together."""
    used, whole = set(), set()
    for statement, parameters in statements_of(conn, ask):
        plan = read_plan(conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one())
        used |= plan[0]
        whole |= plan[1]
    return used, whole


def statements_of(conn: Connection, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """What is sent to the server, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(conn, "before_cursor_execute", note)
    return asked


def read_plan(found: Any) -> Plan:
    """What EXPLAIN (FORMAT JSON) told."""
    steps = list(nodes_of(found))
    used = {str(step["Index Name"]) for step in steps if "Index Name" in step}
    return used, {str(step["Relation Name"]) for step in steps if step["Node Type"] == "Seq Scan"}


def nodes_of(found: Any) -> Iterator[dict[str, Any]]:
    waiting = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node
