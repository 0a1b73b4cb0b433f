"""Who could go: the workers on shift nearest to a case."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cases.views import CaseView, network_of_holder
from core.db import plan_for_values, sql_file
from people.access import Scope
from tracking.live import Dot, dots_of


@dataclass(frozen=True)
class Near:
    """A worker, how far from the case they were when last recorded, and how long ago that was."""

    dot: Dot
    distance_m: float
    age_s: float


def find_nearest(conn: Connection, view: CaseView, scope: Scope, *, limit: int, now: datetime) -> list[Near]:
    """The workers of the scope nearest to a case: on shift, serving in its network, recorded on this shift; geodesic
    metres as the crow flies. Empty for a case without a place.
    """
    if view.lon is None or view.lat is None:
        return []
    asked = {
        "lon": view.lon,
        "lat": view.lat,
        "network_id": network_of_holder(conn, view).id,
        "paths": None if scope.everywhere else list(scope.paths),
        "limit": limit,
        "now": now,
    }
    plan_for_values(conn)
    rows = conn.execute(sql_file("analysis", "nearest"), asked).all()
    dots = dots_of(conn, [row.person_id for row in rows], now)
    return [
        Near(dots[row.person_id], row.distance_m, (now - row.fixed_at).total_seconds())
        for row in rows
        if row.person_id in dots
    ]
