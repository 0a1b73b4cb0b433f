"""Open cases of units that a plan ends or that lose ground by it: who holds them then is confirmed by somebody. Ended cases never move."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Connection, Row, any_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from cases.events import Event, Evidence, read_chains, write_events
from cases.intake import BELL
from cases.tables import case, case_rehoming
from core.db import ring
from core.errors import Conflict, Invalid, told
from geo.plans.succession import Succession


@dataclass(frozen=True)
class CaseToMove:
    """A case with the units that may hold it then, the proposed one first; `decided` None: nobody has confirmed yet."""

    case_id: int
    number: str
    category: str
    state: str
    unit_id: UUID
    choices: tuple[UUID, ...]
    decided: UUID | None
    by: str | None
    done_at: datetime | None


def list_cases(conn: Connection, plan_id: int, follows: Succession) -> list[CaseToMove]:
    """Open cases that another unit would hold, and those confirmed already, by number."""
    is_done = case_rehoming.c.done_at.is_not(None)
    same = is_done | (
        case_rehoming.c.from_unit_id == case.c.owner_unit_id
    )  # else it was given elsewhere since
    mine = (case_rehoming.c.plan_id == plan_id) & (case_rehoming.c.case_id == case.c.id) & same
    own = case.c.owner_unit_id.in_(list(follows.heirs))
    held = func.coalesce(case_rehoming.c.from_unit_id, case.c.owner_unit_id)
    query = (
        select(
            case.c.id,
            case.c.number,
            case.c.category,
            case.c.state,
            held.label("unit_id"),
            func.ST_X(case.c.point).label("lon"),
            func.ST_Y(case.c.point).label("lat"),
            case_rehoming.c.to_unit_id,
            case_rehoming.c.by,
            case_rehoming.c.done_at,
        )
        .outerjoin(case_rehoming, mine)
        .where(case.c.owner_unit_id.is_not(None), or_(own, is_done))
        .order_by(case.c.number)
    )
    rows = conn.execute(query).all()
    places = np.array([(row.lon, row.lat) for row in rows], dtype=np.float64).reshape(-1, 2)
    found = follows.holders_after([row.unit_id for row in rows], places)
    return [
        CaseToMove(
            case_id=row.id,
            number=row.number,
            category=row.category,
            state=row.state,
            unit_id=row.unit_id,
            choices=tuple(dict.fromkeys([heir or row.unit_id, *follows.choices(row.unit_id)])),
            decided=row.to_unit_id,
            by=row.by,
            done_at=row.done_at,
        )
        for row, heir in zip(rows, found, strict=True)
        if heir is not None or row.done_at is not None
    ]


def confirm_cases(
    conn: Connection, plan_id: int, listed: list[CaseToMove], wanted: Mapping[str, UUID], *, by: str, now: datetime
) -> None:  # fmt: skip
    """Keep who holds each case once the plan is in force.

    Conflict for one that is not on the list (any more) or has moved already, Invalid for a unit that is no choice.
    """
    known = {each.number: each for each in listed}
    rows = []
    for number, unit_id in wanted.items():
        one = known.get(number)
        if one is None or one.done_at is not None:
            raise Conflict(
                told("case {number} is not (any more) to be re-homed: read the list again", number=number)
            )
        if unit_id not in one.choices:
            choices = ", ".join(map(str, one.choices))
            raise Invalid(told("case {number} may be held by: {choices}", number=number, choices=choices))
        rows.append({"case_id": one.case_id, "from_unit_id": one.unit_id, "to_unit_id": unit_id})
    if rows:
        new = insert(case_rehoming).values(plan_id=plan_id, by=by, at=now)
        kept = {name: new.excluded[name] for name in ("from_unit_id", "to_unit_id", "by", "at")}
        conn.execute(new.on_conflict_do_update(index_elements=["plan_id", "case_id"], set_=kept), rows)


def move_cases(conn: Connection, plan_id: int, now: datetime) -> int:
    """Give the confirmed cases to their new holders; how many moved. One that ended or was given elsewhere since stays."""
    waiting = (case_rehoming.c.plan_id == plan_id) & case_rehoming.c.done_at.is_(None)
    columns = [case.c.id, case.c.state, case_rehoming.c.to_unit_id, case_rehoming.c.by]
    moving = (
        select(*columns)
        .join(case_rehoming, case_rehoming.c.case_id == case.c.id)
        .where(waiting, case.c.owner_unit_id == case_rehoming.c.from_unit_id)
        .where(case_rehoming.c.to_unit_id != case_rehoming.c.from_unit_id)
        .order_by(case.c.id)
        .with_for_update(of=[case, case_rehoming])
    )
    rows = conn.execute(moving).all()
    if rows:
        # The logs are read once the cases are locked: before, another step could still be on its way.
        chains = read_chains(conn, [row.id for row in rows])
        write_events(conn, [chains[row.id].append(_told(row, plan_id, now)) for row in rows])
        given = update(case).where(
            case.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))),
            case_rehoming.c.case_id == case.c.id,
            case_rehoming.c.plan_id == plan_id,
        )
        values = {"owner_unit_id": case_rehoming.c.to_unit_id, "seq": case.c.seq + 1}
        conn.execute(given.values(**values), {"ids": [row.id for row in rows]})
        ring(conn, BELL)
    conn.execute(update(case_rehoming).where(waiting).values(done_at=now))
    return len(rows)


def _told(row: Row[Any], plan_id: int, now: datetime) -> Event:
    evidence: Evidence = {"owner_unit": str(row.to_unit_id), "plan": float(plan_id)}
    return Event("rehome", row.state, row.by, "planning", now, evidence=evidence)
