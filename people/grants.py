"""Grants: a role an account holds on a unit's subtree, dated."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range

from core.errors import Conflict, Invalid, NotFound, told
from geo.tables import network, unit_version
from people.access import GRANT_ROLES
from people.tables import access_grant, account


@dataclass(frozen=True)
class GrantRow:
    """A grant as listed; `unit_id` None holds everywhere."""

    id: int
    login: str
    role: str
    unit_id: UUID | None
    since: datetime
    until: datetime | None


def find_unit(conn: Connection, code: str, now: datetime, *, network_code: str = "governance") -> UUID:
    """The unit of a network with this code now; Conflict when several levels have one."""
    found = unit_codes(conn, now, network_code=network_code).get(code, [])
    if not found:
        raise NotFound(told("the network {network} has no unit {code} now", network=network_code, code=code))
    if len(found) > 1:
        raise Conflict(
            told(
                "the network {network} has {count} units {code} on different levels",
                network=network_code,
                count=len(found),
                code=code,
            )
        )
    return found[0]


def unit_codes(conn: Connection, now: datetime, *, network_code: str = "governance") -> dict[str, list[UUID]]:
    """Every code of a network's units now, with the units that have it."""
    rows = conn.execute(
        select(unit_version.c.code, unit_version.c.unit_id)
        .join(network)
        .where(
            network.c.code == network_code,
            unit_version.c.valid.contains(now),
            func.upper_inf(unit_version.c.recorded),
        )
    )
    found: dict[str, list[UUID]] = {}
    for code, unit_id in rows:
        found.setdefault(code, []).append(unit_id)
    return found


def add_grant(
    conn: Connection,
    account_id: int,
    role: str,
    *,
    unit_id: UUID | None,
    now: datetime,
) -> int:
    """The account holds the role on the unit's subtree (None: everywhere) from now on; returns the grant's id."""
    if role not in GRANT_ROLES:
        raise Invalid(f"there is no grant “{role}”; the grants are {', '.join(GRANT_ROLES)}")
    here = access_grant.c.unit_id.is_(None) if unit_id is None else access_grant.c.unit_id == unit_id
    standing = conn.scalar(
        select(access_grant.c.id).where(
            access_grant.c.account_id == account_id,
            access_grant.c.role == role,
            here,
            or_(func.upper_inf(access_grant.c.valid), func.upper(access_grant.c.valid) > now),
        )
    )
    if standing is not None:
        raise Conflict(f"the account holds {role} there already (grant {standing})")
    valid: Range[datetime] = Range(now, None)
    grant_id: int = conn.execute(
        insert(access_grant)
        .values(account_id=account_id, role=role, unit_id=unit_id, valid=valid)
        .returning(access_grant.c.id)
    ).scalar_one()
    return grant_id


def revoke_grant(conn: Connection, grant_id: int, now: datetime) -> None:
    """End a grant now; NotFound when there is no standing one of this id. It stays readable in history."""
    done = conn.execute(
        update(access_grant)
        .where(access_grant.c.id == grant_id, access_grant.c.valid.contains(now))
        .values(valid=func.tstzrange(func.lower(access_grant.c.valid), now))
    )
    if done.rowcount == 0:
        raise NotFound(f"there is no grant {grant_id} that could be revoked")


def list_grants(conn: Connection, *, login: str | None = None) -> list[GrantRow]:
    """Every grant there ever was, of one account or of all."""
    query = select(access_grant, account.c.login).join(account).order_by(access_grant.c.id)
    if login is not None:
        query = query.where(account.c.login == login)
    return [
        GrantRow(row.id, row.login, row.role, row.unit_id, row.valid.lower, row.valid.upper)
        for row in conn.execute(query)
    ]
