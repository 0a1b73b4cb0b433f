"""`map trails`: where people were on a day, in one file: red dots on a thin line that fades, gaps dashed, stays ringed.

Making one is a look at people's movement and is recorded as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, distinct, func, select

from core.clock import day_bounds, day_of
from core.errors import NotFound
from geo.lookup import Lookup
from maps.snapshots.frame import (
    STATIC,
    Bounds,
    Frame,
    LegendEntry,
    OfflineMap,
    add_script,
    count,
    make_map,
    render_snapshot,
    tokens,
)
from maps.snapshots.ground import add_outlines
from people.looks import Look, record_look
from people.persons import find_person
from tracking.tables import fix
from tracking.trails import Trail, TrailRules, read_trails

_LEAST_DEG = 0.004
"""A trail is never shown larger than this many degrees across the page."""


@dataclass(frozen=True)
class TrailQuestion:
    """Whose trails of which day. `person_ids` None: everybody's; `whose` says it in words."""

    on: date
    whose: str
    person_ids: Sequence[int] | None = None
    network_code: str | None = None
    """The network drawn below; None: the first there is."""


def draw_trails(
    conn: Connection,
    lookup: Lookup,
    question: TrailQuestion,
    *,
    zone: ZoneInfo,
    rules: TrailRules,
    now: datetime,
) -> str:
    """The page. NotFound when nobody asked for has an accepted fix on the day; it names the newest day that has."""
    ids = _people_of_day(conn, question, zone)
    trails = list(read_trails(conn, ids, question.on, zone=zone, rules=rules)) if ids else []
    if not trails:
        raise NotFound(f"{question.whose} has no accepted fix on {question.on}{_newest(conn, question, zone)}")
    made = make_map()
    bounds = _bounds(trails)
    _add_ground(made, lookup, question, bounds)
    _add_trails(made, trails, zone)
    frame = Frame(
        title_zh=f"{trails[0].name} · 轨迹图" if len(trails) == 1 else f"{question.whose} · 轨迹图",
        title_en="Trails",
        facts=_facts(trails, question),
        legend=_legend(rules),
        source="人员终端的定位点",
        as_of=f"{now.astimezone(zone):%Y-%m-%d %H:%M}",
        notes=("含个人行踪，查看已记入日志，请妥善保管。Personal movement: this look is on record.",),
        **_table(trails, zone),
    )
    return render_snapshot(made, frame, bounds)
