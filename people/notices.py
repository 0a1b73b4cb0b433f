"""The notice on what is recorded of a person on duty, by version, and who accepted it from when to when.

Acceptance is not retroactive: a fix counts only when its own time lies in a period of acceptance.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from core.errors import Conflict, Invalid, NotFound
from people.persons import Period
from people.tables import notice, notice_acceptance


@dataclass(frozen=True)
class Notice:
    """A published notice; `renews`: whoever accepted an older version is asked again, and not recorded until then."""

    version: str
    text_zh: str
    text_en: str
    published_at: datetime
    renews: bool


@dataclass(frozen=True)
class Acceptance:
    version: str
    accepted_at: datetime
    withdrawn_at: datetime | None
    how: str


def publish_notice(conn: Connection, published: Notice) -> None:
    """Put a version in force; versions are told apart by name and never changed."""
    if not published.text_zh.strip() or not published.text_en.strip():
        raise Invalid("a notice has a Chinese and an English text")
    newest = current_notice(conn, None)
    if conn.scalar(select(notice.c.version).where(notice.c.version == published.version)) is not None:
        raise Conflict(
            f"notice {published.version} is published already and stays as it is; give this text a new version"
        )
    if newest is not None and newest.published_at >= published.published_at:
        raise Conflict(f"notice {newest.version} was published later ({newest.published_at:%F %R} UTC)")
    conn.execute(
        insert(notice).values(
            version=published.version,
            text_zh=published.text_zh,
            text_en=published.text_en,
            published_at=published.published_at,
            renews=published.renews,
        )
    )


def current_notice(conn: Connection, now: datetime | None) -> Notice | None:
    """The newest notice in force at `now` (None: the newest of all); None when there is none."""
    query = select(notice).order_by(notice.c.published_at.desc()).limit(1)
    if now is not None:
        query = query.where(notice.c.published_at <= now)
    row = conn.execute(query).one_or_none()
    return (
        None if row is None else Notice(row.version, row.text_zh, row.text_en, row.published_at, row.renews)
    )


def accept_notice(conn: Connection, person_id: int, version: str, *, at: datetime, how: str) -> None:
    """Record that the person accepts the version from `at` on; doing it twice changes nothing."""
    published = conn.execute(
        select(notice.c.published_at).where(notice.c.version == version)
    ).scalar_one_or_none()
    if published is None:
        raise NotFound(f"there is no notice {version}")
    if at < published:
        raise Invalid(f"notice {version} was published {published:%F %R} UTC and cannot be accepted before")
    if any(one.version == version and one.withdrawn_at is None for one in list_acceptances(conn, person_id)):
        return
    conn.execute(
        insert(notice_acceptance).values(person_id=person_id, version=version, accepted_at=at, how=how)
    )


def withdraw_acceptance(conn: Connection, person_id: int, at: datetime) -> int:
    """The person takes every acceptance back from `at` on; returns how many there were."""
    done = conn.execute(
        update(notice_acceptance)
        .where(
            notice_acceptance.c.person_id == person_id,
            or_(notice_acceptance.c.withdrawn_at.is_(None), notice_acceptance.c.withdrawn_at > at),
            notice_acceptance.c.accepted_at <= at,
        )
        .values(withdrawn_at=at)
    )
    return done.rowcount


def list_acceptances(conn: Connection, person_id: int) -> list[Acceptance]:
    """What the person accepted and took back, oldest first."""
    rows = conn.execute(
        select(notice_acceptance)
        .where(notice_acceptance.c.person_id == person_id)
        .order_by(notice_acceptance.c.accepted_at, notice_acceptance.c.id)
    )
    return [Acceptance(row.version, row.accepted_at, row.withdrawn_at, row.how) for row in rows]


def accepted_periods(conn: Connection, person_ids: Collection[int]) -> dict[int, list[Period]]:
    """When each person's acceptance stood, oldest first; a person who never accepted is absent."""
    renewals = list(
        conn.scalars(select(notice.c.published_at).where(notice.c.renews).order_by(notice.c.published_at))
    )
    rows = conn.execute(
        select(notice_acceptance, notice.c.published_at)
        .join(notice)
        .where(notice_acceptance.c.person_id.in_(person_ids))
        .order_by(notice_acceptance.c.person_id, notice_acceptance.c.accepted_at)
    )
    periods: dict[int, list[Period]] = {}
    for row in rows:
        renewed = [at for at in renewals if at > row.published_at]
        until = min([*renewed[:1], *([row.withdrawn_at] if row.withdrawn_at else [])], default=None)
        if until is None or until > row.accepted_at:
            periods.setdefault(row.person_id, []).append((row.accepted_at, until))
    return periods


def accepted_persons(conn: Connection, person_ids: Collection[int], at: datetime) -> set[int]:
    """Those whose acceptance stands at `at`."""
    return {
        person_id
        for person_id, periods in accepted_periods(conn, person_ids).items()
        if any(since <= at and (until is None or at < until) for since, until in periods)
    }
