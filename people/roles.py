"""The roles people serve in, and whether one's bearer is tracked on duty. The catalogue is rows of the database."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, or_, select

from core.errors import Conflict, Invalid, NotFound
from people.tables import role

CODE: Final = re.compile("[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Role:
    code: str
    name: str
    name_en: str
    tracked: bool


def list_roles(conn: Connection) -> list[Role]:
    """Every role, by code."""
    return [
        Role(row.code, row.name, row.name_en, row.tracked)
        for row in conn.execute(select(role).order_by(role.c.code))
    ]


def find_role(conn: Connection, word: str) -> Role:
    """A role by its code, its Chinese or its English name."""
    known = list_roles(conn)
    for one in known:
        if word.strip().lower() in {one.code, one.name, one.name_en.lower()}:
            return one
    raise NotFound(
        f"there is no role “{word}”; the roles are {', '.join(f'{one.code} {one.name}' for one in known)}"
    )


def add_role(conn: Connection, one: Role) -> None:
    """A role of the city's own; Invalid for a code that files could not name, or an empty name."""
    if not CODE.fullmatch(one.code) or not one.name.strip() or not one.name_en.strip():
        raise Invalid(
            "a role has a code of small letters, digits and _ (such as river_warden), and both names"
        )
    taken = conn.scalar(select(role.c.code).where(or_(role.c.code == one.code, role.c.name == one.name)))
    if taken is not None:
        raise Conflict(f"the role {taken} has this code or name already")
    conn.execute(insert(role).values(code=one.code, name=one.name, name_en=one.name_en, tracked=one.tracked))
