"""GET /v1/live/units: the table beside the wall's map, the units right below one with their live counts."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from analysis.children import count_children
from api.callers import CallerDep, Conn, Now, require
from people.access import MAY_SEE_MOVEMENT, visible_units

router = APIRouter(prefix="/v1", tags=["movement"])


class ChildOut(BaseModel):
    """A unit and everything below it: people of tracked roles on shift, those of them heard and silent, those of the
    heard who move; open cases by where they lie.
    """

    unit_id: str
    kind: str
    level: str
    code: str
    name: str
    bbox: tuple[float, float, float, float]
    on_shift: int
    heard: int = Field(description="of on_shift: heard within a quarter of an hour")
    moving: int = Field(description="of heard")
    silent: int = Field(description="of on_shift")
    open_cases: int


class ChildrenOut(BaseModel):
    as_of: datetime
    units: list[ChildOut]


@router.get("/live/units", dependencies=[require(*MAY_SEE_MOVEMENT)])
def read_counts(
    caller: CallerDep,
    conn: Conn,
    now: Now,
    network: Annotated[str, Query(max_length=64, description="code of the network")] = "governance",
    parent: Annotated[str | None, Query(max_length=64, description="code of a unit; none: the roots")] = None,
) -> ChildrenOut:
    """The units right below one that the caller's subtrees hold or reach into; only what lies in those is counted."""
    scope = visible_units(conn, caller, MAY_SEE_MOVEMENT)
    children = count_children(conn, network, parent, scope, now=now)
    return ChildrenOut(
        as_of=now, units=[ChildOut(**{**vars(child), "unit_id": str(child.unit_id)}) for child in children]
    )
