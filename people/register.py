"""Many people and posts entered at once: judged in memory against what is stored, and written together."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import Range

from core.db import copy_rows
from core.errors import Conflict, Invalid
from people.persons import Post
from people.tables import assignment, person


@dataclass
class _Listed:
    """A person on the way in; `id` None: new."""

    name: str
    phone: str | None
    id: int | None = None
    changed: bool = False


@dataclass
class _Held:
    """A post of one person in one unit and role; `id` None: new. None at an end: open."""

    since: datetime | None
    until: datetime | None
    id: int | None = None
    changed: bool = False

    def contains(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def overlaps(self, since: datetime | None, until: datetime | None) -> bool:
        return (self.until is None or since is None or since < self.until) and (
            until is None or self.since is None or self.since < until
        )


Place = tuple[str, UUID, str]
"""Whose, where and as what: the person's code, the unit, the role."""


@dataclass
class Register:
    """The people of a file and their posts as they will be, and how many were new or changed."""

    people: int = 0
    changed: int = 0
    assignments: int = 0
    _listed: dict[str, _Listed] = field(default_factory=dict)
    _posts: dict[Place, list[_Held]] = field(default_factory=dict)

    @classmethod
    def read(cls, conn: Connection, codes: Collection[str]) -> Self:
        """What is stored of these people. Nobody else may write to the roster meanwhile (`lock_roster`)."""
        register = cls()
        wanted = person.c.code == bindparam("codes", sorted(codes)).any_() if codes else None
        if wanted is None:
            return register
        for row in conn.execute(select(person).where(wanted)):
            register._listed[row.code] = _Listed(row.name, row.phone, row.id)
        rows = conn.execute(select(assignment, person.c.code).join(person).where(wanted))
        for row in rows:
            held = _Held(row.valid.lower, row.valid.upper, row.id)
            register._posts.setdefault((row.code, row.unit_id, row.role), []).append(held)
        return register

    def enter(self, code: str, name: str, phone: str | None, post: Post | None, *, dated: bool) -> None:
        """A person as told (`phone` None: nothing is told of it, "" there is none) and their post. Without a date of its
        own a post means the standing one. Conflict, and nothing entered, for one held already for a part of that time.
        """
        if post is not None:
            self._enter_post((code, post.unit_id, post.role), post, dated=dated)
        known = self._listed.get(code)
        if known is None:
            self._listed[code] = _Listed(name, phone or None)
            self.people += 1
            return
        told = known.phone if phone is None else phone or None
        if (known.name, known.phone) != (name, told):
            known.name, known.phone, known.changed = name, told, True
            self.changed += 1

    def _enter_post(self, place: Place, post: Post, *, dated: bool) -> None:
        if post.until is not None and post.until <= post.since:
            raise Invalid(
                f"an assignment cannot end ({post.until:%F %R}) before it begins ({post.since:%F %R} UTC)"
            )
        held = self._posts.setdefault(place, [])
        standing = next(
            (one for one in held if (one.since == post.since if dated else one.contains(post.since))), None
        )
        since = post.since if standing is None else standing.since
        if any(one is not standing and one.overlaps(since, post.until) for one in held):
            raise Conflict("the person serves there in this role already for a part of that time")
        if standing is None:
            held.append(_Held(post.since, post.until))
            self.assignments += 1
        elif standing.until != post.until:
            standing.until, standing.changed = post.until, True
            self.changed += 1

    def write(self, conn: Connection) -> None:
        """Store what is new and what changed."""
        new = [(code, one.name, one.phone) for code, one in self._listed.items() if one.id is None]
        copy_rows(conn, "person", ("code", "name", "phone"), new)
        changed = [one for one in self._listed.values() if one.changed and one.id is not None]
        if changed:
            conn.execute(
                update(person).where(person.c.id == bindparam("key")),
                [{"key": one.id, "name": one.name, "phone": one.phone} for one in changed],
            )
        self._write_posts(conn)

    def _write_posts(self, conn: Connection) -> None:
        """A post keeps its beginning, so that one whose end moved never meets another that stands."""
        moved = [
            {"key": one.id, "valid": Range(one.since, one.until)}
            for held in self._posts.values()
            for one in held
            if one.changed and one.id is not None
        ]
        if moved:
            conn.execute(update(assignment).where(assignment.c.id == bindparam("key")), moved)
        codes = {place[0] for place, held in self._posts.items() if any(one.id is None for one in held)}
        if not codes:
            return
        wanted = person.c.code == bindparam("codes", sorted(codes)).any_()
        ids = {row.code: row.id for row in conn.execute(select(person.c.code, person.c.id).where(wanted))}
        rows = [
            {"person_id": ids[code], "unit_id": unit_id, "role": role, "valid": Range(one.since, one.until)}
            for (code, unit_id, role), held in self._posts.items()
            for one in held
            if one.id is None
        ]
        conn.execute(insert(assignment), rows)
