"""Which fixes somebody may see: their own, and those sent by people while they led them."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from people.access import MAY_SEE_MOVEMENT, Caller, assigned_during, assigned_within, visible_units
from people.tables import person
from tracking.tables import fix


def fixes_seen(conn: Connection, caller: Caller, since: datetime, until: datetime) -> ColumnElement[bool]:
    """A condition on the fixes of [since, until): the caller's own, and those of people who served, when each was sent, where
    the caller holds a role that may see movement.
    """
    scope = visible_units(conn, caller, MAY_SEE_MOVEMENT)
    if scope.everywhere:
        return true()
    # The list follows from the second condition: few people, whose fixes an index finds.
    people = conn.scalars(select(person.c.id).where(assigned_during(scope, person.c.id, since, until))).all()
    led = and_(fix.c.person_id.in_(people), assigned_within(scope, fix.c.person_id, fix.c.fixed_at))
    return led if caller.person_id is None else or_(led, fix.c.person_id == caller.person_id)
