"""Reading cases: what a caller may see, lists with filters, one case with its places and its log."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    cast,
    func,
    or_,
    select,
    true,
    tuple_,
    union,
)

from cases.events import LoggedEvent, list_events
from cases.tables import case, case_placement
from core.clock import read_instant
from core.errors import Conflict, Invalid, NotFound, told
from geo.networks import Network, get_network
from geo.tables import network, unit, unit_version
from people.access import MAY_SEE_CASES, Caller, Scope, visible_units
from people.tables import person

Bbox = tuple[float, float, float, float]


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are wanted; None or empty: any. `since` ≤ occurred < `until`; bbox is west, south, east, north.

    `unit_code` names a unit of `network_code` (None: any network) and everything below it.
    """

    unit_code: str | None = None
    network_code: str | None = None
    states: tuple[str, ...] = ()
    category: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bbox: Bbox | None = None
    assignee_id: int | None = None
    with_point: bool = False


@dataclass(frozen=True)
class CaseView:
    """A case as read. `owner_code` is the code of the unit that holds it, None once it ended; `seq` of its newest event."""

    id: int
    number: str
    channel: str
    external_ref: str
    category: str
    level: int
    description: str
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    occurred_at: datetime
    reported_at: datetime
    received_at: datetime
    state: str
    seq: int
    owner_unit_id: UUID | None
    ended_unit_id: UUID | None
    owner_code: str | None
    owner_name: str | None
    assignee_id: int | None
    assignee_code: str | None
    assignee_name: str | None
    acknowledged_at: datetime | None
    handler_id: int | None
    duplicate_of: int | None


@dataclass(frozen=True)
class Place:
    """A case's place in a network as it was: `units` from the deepest up as (level, code, name), empty outside."""

    network_code: str
    edition_id: int
    status: str
    border_m: float | None
    units: tuple[tuple[str, str, str], ...] = field(default=())


@dataclass(frozen=True)
class CaseDetail:
    case: CaseView
    places: tuple[Place, ...]
    events: tuple[LoggedEvent, ...]
    duplicate_of: str | None


@dataclass(frozen=True)
class CasePage:
    """Cases, the latest to occur first; `after` leads to the next page, None on the last one."""

    cases: tuple[CaseView, ...]
    after: str | None


def within(scope: Scope) -> ColumnElement[bool]:
    """A condition: the case lies in the scope, or is (was, when it ended) held by a unit of it."""
    if scope.everywhere:
        return true()
    units = select(unit_version.c.unit_id).where(scope.where(unit_version.c.path))
    placed = (
        select(case_placement.c.case_id)
        .join_from(case_placement, unit_version, unit_version.c.id == case_placement.c.unit_version_id)
        .where(scope.where(unit_version.c.path))
    )
    held = select(case.c.id).where(case.c.owner_unit_id.in_(units))
    ended = select(case.c.id).where(case.c.ended_unit_id.in_(units))
    return case.c.id.in_(union(placed, held, ended))


def visible(conn: Connection, caller: Caller, roles: Collection[str] = MAY_SEE_CASES) -> ColumnElement[bool]:
    """A condition: the case lies in the caller's subtree, or is assigned to the caller."""
    scope = within(visible_units(conn, caller, roles))
    return scope if caller.person_id is None else or_(scope, case.c.assignee_id == caller.person_id)


def find_subtree(conn: Connection, unit_code: str, network_code: str | None) -> Scope:
    """The subtree of a unit, by every path it ever had; NotFound when no unit ever had this code."""
    query = select(cast(unit_version.c.path, Text)).where(unit_version.c.code == unit_code).distinct()
    if network_code is not None:
        query = query.where(
            unit_version.c.network_id
            == select(network.c.id).where(network.c.code == network_code).scalar_subquery()
        )
    paths = tuple(sorted(conn.scalars(query)))
    if not paths:
        raise NotFound(
            told("there is no unit {unit}", unit=unit_code)
            if network_code is None
            else told(
                "there is no unit {unit} in the network {network}", unit=unit_code, network=network_code
            )
        )
    return Scope(everywhere=False, paths=paths)


def list_cases(
    conn: Connection,
    wanted: CaseFilter,
    seen: ColumnElement[bool],
    *,
    limit: int = 100,
    after: str | None = None,
) -> CasePage:
    """A page of the cases that are wanted and seen (a condition, see `visible`). Invalid for a broken `after`."""
    query = select_cases(conn, wanted).where(seen)
    if after is not None:
        query = query.where(tuple_(case.c.occurred_at, case.c.id) < _read_cursor(after))
    rows = conn.execute(query.order_by(case.c.occurred_at.desc(), case.c.id.desc()).limit(limit + 1)).all()
    cases = tuple(_view(row) for row in rows[:limit])
    return CasePage(cases, _cursor(cases[-1]) if len(rows) > limit else None)


def _cursor(last: CaseView) -> str:
    return f"{last.occurred_at.isoformat()}_{last.id}"


def _read_cursor(after: str) -> Any:
    instant, _, number = after.rpartition("_")
    try:
        place = read_instant(instant), int(number)
    except (ValueError, Invalid) as error:
        raise Invalid(told("after is not one that a page of cases gave")) from error
    if not 0 <= place[1] < 2**63:
        raise Invalid(told("after is not one that a page of cases gave"))
    return tuple_(*place)


def select_cases(conn: Connection, wanted: CaseFilter) -> Select[Any]:
    """The cases that are wanted, with the names of owner and assignee; neither ordered nor limited."""
    query = _views()
    conditions = []
    if wanted.unit_code is not None:
        conditions.append(within(find_subtree(conn, wanted.unit_code, wanted.network_code)))
    if wanted.states:
        conditions.append(case.c.state.in_(wanted.states))
    if wanted.category is not None:
        conditions.append(case.c.category == wanted.category)
    if wanted.since is not None:
        conditions.append(case.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(case.c.occurred_at < wanted.until)
    if wanted.bbox is not None:
        conditions.append(case.c.point.op("&&")(func.ST_MakeEnvelope(*wanted.bbox, 4326)))
    if wanted.assignee_id is not None:
        conditions.append(case.c.assignee_id == wanted.assignee_id)
    if wanted.with_point:
        conditions.append(case.c.point.is_not(None))
    return query.where(and_(true(), *conditions))


def _views() -> Select[Any]:
    holder = func.coalesce(case.c.owner_unit_id, case.c.ended_unit_id)
    newest = (
        select(unit_version.c.code, unit_version.c.name)
        .where(unit_version.c.unit_id == holder, func.upper_inf(unit_version.c.recorded))
        .order_by(func.upper(unit_version.c.valid).desc().nulls_first())
        .limit(1)
        .lateral("holder")
    )
    return select(
        case,
        newest.c.code.label("holder_code"),
        newest.c.name.label("holder_name"),
        person.c.code.label("assignee_code"),
        person.c.name.label("assignee_name"),
    ).select_from(case.outerjoin(newest, true()).outerjoin(person, person.c.id == case.c.assignee_id))


def _view(row: Row[Any]) -> CaseView:
    lon, lat = (None, None) if row.point is None else shapely.get_coordinates(to_shape(row.point))[0].tolist()
    return CaseView(
        id=row.id,
        number=row.number,
        channel=row.channel,
        external_ref=row.external_ref,
        category=row.category,
        level=row.level,
        description=row.description,
        lon=lon,
        lat=lat,
        accuracy_m=row.accuracy_m,
        occurred_at=row.occurred_at,
        reported_at=row.reported_at,
        received_at=row.received_at,
        state=row.state,
        seq=row.seq,
        owner_unit_id=row.owner_unit_id,
        ended_unit_id=row.ended_unit_id,
        owner_code=row.holder_code if row.owner_unit_id else None,
        owner_name=row.holder_name if row.owner_unit_id else None,
        assignee_id=row.assignee_id,
        assignee_code=row.assignee_code,
        assignee_name=row.assignee_name,
        acknowledged_at=row.acknowledged_at,
        handler_id=row.handler_id,
        duplicate_of=row.duplicate_of,
    )


def find_case(conn: Connection, number: str, seen: ColumnElement[bool] | None = None) -> CaseView:
    """One case by its number; NotFound when there is none, or none that is seen."""
    query = _views().where(case.c.number == number)
    row = conn.execute(query if seen is None else query.where(seen)).one_or_none()
    if row is None:
        raise NotFound(told("there is no case {number}", number=number))
    return _view(row)


def read_case(conn: Connection, number: str, seen: ColumnElement[bool]) -> CaseDetail:
    """One case with its places and its log."""
    view = find_case(conn, number, seen)
    original = conn.scalar(select(case.c.number).where(case.c.id == view.duplicate_of))
    return CaseDetail(
        view, list_places(conn, view.id), tuple(list_events(conn, view.id, view.number)), original
    )


def list_places(conn: Connection, case_id: int) -> tuple[Place, ...]:
    """Where a case lies in every network, as it was when it occurred."""
    own = unit_version.alias("own")
    above = unit_version.alias("above")
    rows = conn.execute(
        select(
            case_placement, network.c.code.label("network_code"), above.c.level, above.c.code, above.c.name
        )
        .join_from(case_placement, network, network.c.id == case_placement.c.network_id)
        .outerjoin(own, own.c.id == case_placement.c.unit_version_id)
        .outerjoin(
            above,
            and_(
                above.c.path.op("@>")(own.c.path),
                above.c.network_id == own.c.network_id,
                above.c.valid.op("@>")(
                    select(case.c.occurred_at).where(case.c.id == case_id).scalar_subquery()
                ),
                func.upper_inf(above.c.recorded),
            ),
        )
        .where(case_placement.c.case_id == case_id)
        .order_by(network.c.id, func.nlevel(above.c.path).desc())
    ).all()
    places: dict[str, Place] = {}
    for row in rows:
        place = places.get(row.network_code) or Place(
            row.network_code, row.edition_id, row.status, row.border_m, ()
        )
        units = place.units if row.code is None else (*place.units, (row.level, row.code, row.name))
        places[row.network_code] = Place(
            place.network_code, place.edition_id, place.status, place.border_m, units
        )
    return tuple(places.values())


def network_of_holder(conn: Connection, view: CaseView) -> Network:
    """The network of the unit that holds a case, or held it when it ended; a case that nobody ever held has none."""
    code = conn.scalar(
        select(network.c.code)
        .join_from(unit, network)
        .where(unit.c.id == (view.owner_unit_id or view.ended_unit_id))
    )
    if code is None:
        raise Conflict(told("no unit ever held case {number}", number=view.number))
    return get_network(conn, code)


def path_of(conn: Connection, unit_id: UUID | None) -> str | None:
    """The newest path of a unit."""
    path: str | None = conn.scalar(
        select(cast(unit_version.c.path, Text))
        .where(unit_version.c.unit_id == unit_id, func.upper_inf(unit_version.c.recorded))
        .order_by(func.upper(unit_version.c.valid).desc().nulls_first())
        .limit(1)
    )
    return path
