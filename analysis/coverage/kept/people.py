"""Who was on duty on a day, and which ground was theirs, as it was at each instant."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection, func, select, true
from sqlalchemy.dialects.postgresql import Range

from analysis.coverage.fixes import Duty, microseconds
from analysis.coverage.people import OwnGround
from core.db import sql_file
from geo.metric import from_metres, metric_crs_of, to_metres
from geo.tables import unit_version
from people.tables import assignment, shift

Span = tuple[datetime, datetime]


def read_duty(conn: Connection, between: Span, *, person_id: int | None = None) -> Duty:
    """The shifts that touch the day, whole: everybody's, or one person's."""
    since, until = between
    rows = conn.execute(
        select(shift.c.person_id, shift.c.starts_at, shift.c.ends_at)
        .where(
            shift.c.starts_at < until,
            shift.c.ends_at > since,
            true() if person_id is None else shift.c.person_id == person_id,
        )
        .order_by(shift.c.person_id, shift.c.starts_at)
    ).all()
    return Duty(
        np.array([row.person_id for row in rows], np.int64),
        np.array([microseconds(since, row.starts_at) for row in rows], np.int64),
        np.array([microseconds(since, row.ends_at) for row in rows], np.int64),
    )


def find_seen(conn: Connection, people: Collection[int], between: Span) -> set[int]:
    """Those of them whose fixes of that time stand, or would have been kept. Nothing can be said of the others."""
    asked = {"people": sorted(people), "since": between[0], "until": between[1]}
    return set(conn.scalars(sql_file("analysis.coverage", "seen_people"), asked))


def read_own_ground(conn: Connection, people: Sequence[int], between: Span, *, margin_m: float) -> OwnGround:
    """The units each of them served in, in any network, with a margin; cut where an assignment or a border changed."""
    since = between[0]
    posts = read_posts(conn, people, between)
    shapes = _shapes(conn, sorted({post.id for post in posts}))
    made: dict[frozenset[int], Any] = {}
    rows: list[tuple[int, int, int, Any]] = []
    for person, own in _by_person(posts):
        edges = sorted({edge for post in own for edge in (post.since, post.until)})
        for begin, end in pairwise(edges):
            held = frozenset(post.id for post in own if post.since <= begin and post.until >= end)
            if held:
                if held not in made:
                    made[held] = _grown([shapes[each] for each in sorted(held)], margin_m)
                rows.append((person, microseconds(since, begin), microseconds(since, end), made[held]))
    grounds = np.empty(len(rows), object)
    grounds[:] = [row[3] for row in rows]
    columns = [np.array([row[n] for row in rows], np.int64) for n in range(3)]
    return OwnGround(columns[0], columns[1], columns[2], grounds)


def read_posts(conn: Connection, people: Sequence[int], between: Span) -> Sequence[Any]:
    """Where each of them served: person, version of the unit, from when to when."""
    since, until = between
    during: Range[datetime] = Range(since, until)
    return conn.execute(
        select(
            assignment.c.person_id,
            unit_version.c.id,
            func.greatest(func.lower(assignment.c.valid), func.lower(unit_version.c.valid), since).label(
                "since"
            ),
            func.least(func.upper(assignment.c.valid), func.upper(unit_version.c.valid), until).label(
                "until"
            ),
        )
        .join(unit_version, unit_version.c.unit_id == assignment.c.unit_id)
        .where(
            assignment.c.person_id.in_(people),
            assignment.c.valid.overlaps(during),
            unit_version.c.valid.overlaps(during),
            assignment.c.valid.overlaps(unit_version.c.valid),
            func.upper_inf(unit_version.c.recorded),
        )
        .order_by(assignment.c.person_id, unit_version.c.id, assignment.c.id)
    ).all()


def _by_person(posts: Sequence[Any]) -> list[tuple[int, list[Any]]]:
    own: dict[int, list[Any]] = {}
    for post in posts:
        if post.since < post.until:
            own.setdefault(post.person_id, []).append(post)
    return list(own.items())


def _shapes(conn: Connection, versions: Sequence[int]) -> dict[int, Any]:
    rows = conn.execute(
        select(unit_version.c.id, func.ST_AsBinary(unit_version.c.geom).label("wkb")).where(
            unit_version.c.id.in_(versions)
        )
    )
    return {row.id: shapely.from_wkb(bytes(row.wkb)) for row in rows}


def _grown(shapes: Sequence[Any], margin_m: float) -> Any:
    whole = np.array([shapely.union_all(shapes)], object)
    crs = metric_crs_of(whole)
    return from_metres(shapely.buffer(to_metres(whole, crs), margin_m), crs)[0]
