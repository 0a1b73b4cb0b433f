"""Who may do what, in one place: the table of roles, a caller's grants, and the ground they hold for.

Borders, names and codes are for every account that is signed in. People, positions, trails and cases
are for the subtree a grant names, and everybody sees what is recorded of themselves.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from geo.tables import Ltree, unit_version
from people.tables import assignment

GrantRole = Literal[
    "command", "planner", "supervisor", "desk", "worker", "administrator", "auditor", "approver"
]
GRANT_ROLES: Final[tuple[GrantRole, ...]] = get_args(GrantRole)

# The table. A route that names one of these rows is open to these roles, within their subtree.
MAY_PLAN: Final = ("planner",)
MAY_APPROVE: Final = ("approver",)
MAY_SEE_PLANS: Final = ("planner", "approver")
MAY_SEE_PEOPLE: Final = ("command", "supervisor", "desk", "administrator")
MAY_SEE_MOVEMENT: Final = ("command", "supervisor", "desk")
MAY_SEE_CASES: Final = ("command", "supervisor", "desk", "worker")
MAY_REPORT_CASES: Final = ("command", "supervisor", "desk", "worker")
MAY_SEE_HOTSPOTS: Final = ("command", "supervisor", "desk", "planner")
MAY_SEE_COVERAGE: Final = ("command", "supervisor")
MAY_SEE_ALL_LOOKS: Final = ("auditor",)
MAY_MANAGE_ACCOUNTS: Final = ("administrator",)


@dataclass(frozen=True)
class Grant:
    """A role on a subtree; `unit_id` and `path` are None where it holds everywhere.

    `path` is the unit's present one; it is also None for a unit that is no longer on the ground.
    """

    role: GrantRole
    unit_id: UUID | None
    path: str | None


@dataclass(frozen=True)
class Caller:
    """Who is asking, read from a session or a token; `person_id` is None for an account of no person."""

    account_id: int
    login: str
    person_id: int | None
    grants: tuple[Grant, ...]
    token_id: int | None = None


@dataclass(frozen=True)
class Scope:
    """The ground a caller's grants hold for: everywhere, or the subtrees below these unit paths."""

    everywhere: bool
    paths: tuple[str, ...] = ()

    def holds(self, path: str | None) -> bool:
        """Whether a unit's path lies in a subtree; a path of None (outside every unit) only lies everywhere."""
        if self.everywhere:
            return True
        return path is not None and any(path == root or path.startswith(root + ".") for root in self.paths)

    def where(self, path: ColumnElement[str]) -> ColumnElement[bool]:
        """The same as a condition on an ltree column; its GiST index serves it."""
        if self.everywhere:
            return true()
        below = path.op("<@", is_comparison=True)
        return or_(false(), *(below(cast(root, Ltree)) for root in self.paths))


def may(caller: Caller, *roles: str) -> bool:
    """Whether the caller holds one of the roles anywhere."""
    return any(grant.role in roles for grant in caller.grants)


def may_everywhere(caller: Caller, *roles: str) -> bool:
    """Whether the caller holds one of the roles for the whole city."""
    return any(grant.role in roles and grant.unit_id is None for grant in caller.grants)


def visible_units(conn: Connection, caller: Caller, roles: Collection[str]) -> Scope:
    """The ground where the caller holds one of `roles`.

    A subtree is named by every path its root ever had, so that what was recorded below a unit
    stays with it when the unit is moved under another parent.
    """
    grants = [grant for grant in caller.grants if grant.role in roles]
    if any(grant.unit_id is None for grant in grants):
        return Scope(everywhere=True)
    if not grants:
        return Scope(everywhere=False)
    paths = conn.scalars(
        select(cast(unit_version.c.path, Text))
        .where(unit_version.c.unit_id.in_({grant.unit_id for grant in grants}))
        .distinct()
    )
    return Scope(everywhere=False, paths=tuple(sorted(paths)))


def assigned_within(
    scope: Scope, person_id: ColumnElement[int], at: datetime | ColumnElement[datetime]
) -> ColumnElement[bool]:
    """A condition: the person serves at `at` in a unit that lies in the scope then. Everywhere needs no assignment.

    A unit that is no longer on the ground lies where it ever did.
    """
    if scope.everywhere:
        return true()
    present = unit_version.alias("present")
    stands = (
        exists()
        .where(
            present.c.unit_id == assignment.c.unit_id,
            present.c.valid.contains(at),
            func.upper_inf(present.c.recorded),
        )
        .correlate_except(present)  # `at` may be a column of the outermost statement, two levels up
    )
    return exists().where(
        assignment.c.person_id == person_id,
        assignment.c.valid.contains(at),
        unit_version.c.unit_id == assignment.c.unit_id,
        func.upper_inf(unit_version.c.recorded),
        or_(unit_version.c.valid.contains(at), ~stands),
        scope.where(unit_version.c.path),
    )


def serves_within(
    scope: Scope, network_id: int, person_id: ColumnElement[int], at: datetime
) -> ColumnElement[bool]:
    """A condition: the person serves at `at` in a unit of one network that lies in the scope then."""
    return exists().where(
        assignment.c.person_id == person_id,
        assignment.c.valid.contains(at),
        unit_version.c.unit_id == assignment.c.unit_id,
        unit_version.c.network_id == network_id,
        func.upper_inf(unit_version.c.recorded),
        unit_version.c.valid.contains(at),
        scope.where(unit_version.c.path),
    )


def assigned_during(
    scope: Scope, person_id: ColumnElement[int], since: datetime, until: datetime
) -> ColumnElement[bool]:
    """A condition: at some instant of [since, until) the person served in a unit that lay in the scope then."""
    if scope.everywhere:
        return true()
    times = func.tstzrange(since, until)
    return exists().where(
        assignment.c.person_id == person_id,
        unit_version.c.unit_id == assignment.c.unit_id,
        func.upper_inf(unit_version.c.recorded),
        func.not_(func.isempty(assignment.c.valid * unit_version.c.valid * times)),
        scope.where(unit_version.c.path),
    )


def may_see_person(
    conn: Connection,
    caller: Caller,
    person_id: int,
    now: datetime,
    *,
    roles: Collection[str] = MAY_SEE_MOVEMENT,
) -> bool:
    """Whether the caller is that person, or holds one of `roles` where the person serves now."""
    if caller.person_id == person_id:
        return True
    scope = visible_units(conn, caller, roles)
    return bool(conn.scalar(select(assigned_within(scope, literal(person_id, BigInteger), now))))


def may_see_person_then(
    conn: Connection,
    caller: Caller,
    person_id: int,
    since: datetime,
    until: datetime,
    *,
    roles: Collection[str] = MAY_SEE_MOVEMENT,
) -> bool:
    """Whether the caller is that person, or holds one of `roles` where the person served in [since, until): whoever led them
    then may look back, and whoever leads them since then may not.
    """
    if caller.person_id == person_id:
        return True
    scope = visible_units(conn, caller, roles)
    served = assigned_during(scope, literal(person_id, BigInteger), since, until)
    return bool(conn.scalar(select(served)))
