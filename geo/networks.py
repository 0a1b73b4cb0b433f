"""Networks: one partition of the ground each, with levels that form a tree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from core.errors import Conflict, Invalid, NotFound, told
from geo.tables import network

Coverage = Literal["full", "partial"]
Origin = Literal["natural", "drawn"]


@dataclass(frozen=True)
class Level:
    """One level. `parent` None: a root. A natural level's outlines are official and locked."""

    code: str
    name: str
    name_en: str = ""
    parent: str | None = None
    origin: Origin = "drawn"


@dataclass(frozen=True)
class Network:
    """`levels`: a parent stands before its children. In a full network units cover their parent exactly."""

    id: int
    code: str
    name: str
    coverage: Coverage
    levels: tuple[Level, ...]
    rules: Mapping[str, Any] = field(default_factory=dict)

    def level(self, code: str) -> Level:
        """NotFound names the levels there are."""
        for level in self.levels:
            if level.code == code:
                return level
        there = ", ".join(level.code for level in self.levels) or "none"
        raise NotFound(
            told(
                "network {network} has no level “{code}”; it has: {levels}",
                network=self.code,
                code=code,
                levels=there,
            )
        )

    def chain(self, code: str) -> tuple[str, ...]:
        """The level and those above it, the root last."""
        steps = [code]
        while (parent := self.level(steps[-1]).parent) is not None:
            steps.append(parent)
        return tuple(steps)


def check_levels(levels: Sequence[Level]) -> None:
    """Invalid unless the levels form a tree with each parent before its children."""
    known: set[str] = set()
    for level in levels:
        _check_code(level.code, "level")
        if level.code in known:
            raise Invalid(f"level “{level.code}” stands twice")
        if level.parent is not None and level.parent not in known:
            raise Invalid(
                f"level “{level.code}” names “{level.parent}” as parent, which does not stand before it"
            )
        known.add(level.code)


def _check_code(code: str, what: str) -> None:
    if not code or code != code.strip() or len(code) > 64 or not code.isprintable():
        raise Invalid(f"“{code}” cannot be the code of a {what}: use 1–64 printable characters")


def create_network(
    conn: Connection,
    code: str,
    *,
    name: str | None = None,
    coverage: Coverage = "partial",
    levels: Iterable[Level] = (),
) -> Network:
    """A new network without an edition; Conflict when the code is taken."""
    levels = tuple(levels)
    _check_code(code, "network")
    check_levels(levels)
    if find_network(conn, code) is not None:
        raise Conflict(f"there is a network “{code}” already")
    if coverage not in ("full", "partial"):
        raise Invalid(f"“{coverage}” is no coverage: full or partial")
    stored = [asdict(level) for level in levels]
    values = {"code": code, "name": name or code, "coverage": coverage, "levels": stored}
    row = conn.execute(insert(network).values(**values).returning(network)).one()
    return as_network(row)


def find_network(conn: Connection, code: str, *, lock: bool = False) -> Network | None:
    """The network, None when there is none; `lock` makes other publications of it wait for this transaction."""
    query = select(network).where(network.c.code == code)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else as_network(row)


def get_network(conn: Connection, code: str, *, lock: bool = False) -> Network:
    """NotFound names the networks there are."""
    found = find_network(conn, code, lock=lock)
    if found is None:
        there = ", ".join(conn.scalars(select(network.c.code).order_by(network.c.code))) or "none yet"
        raise NotFound(
            told("there is no network “{network}”; there are: {networks}", network=code, networks=there)
        )
    return found


def list_networks(conn: Connection) -> list[Network]:
    return [as_network(row) for row in conn.execute(select(network).order_by(network.c.id))]


def change_network(
    conn: Connection,
    network_code: str,
    *,
    name: str | None = None,
    coverage: Coverage | None = None,
    rules: Mapping[str, Any] | None = None,
) -> Network:
    """Change what is not None."""
    values = {"name": name, "coverage": coverage, "rules": None if rules is None else dict(rules)}
    values = {key: value for key, value in values.items() if value is not None}
    if values:
        conn.execute(update(network).where(network.c.code == network_code).values(**values))
    return get_network(conn, network_code)


def add_levels(conn: Connection, network_code: str, levels: Iterable[Level]) -> Network:
    """Add the levels the network lacks. A level it has keeps its parent; a root may get one.

    Conflict when a level would change its parent.
    """
    found = get_network(conn, network_code, lock=True)
    merged = {level.code: level for level in found.levels}
    for level in levels:
        merged[level.code] = _merge(network_code, merged.get(level.code), level)
    ordered = _parents_first(tuple(merged.values()))
    check_levels(ordered)
    stored = [asdict(level) for level in ordered]
    conn.execute(update(network).where(network.c.id == found.id).values(levels=stored))
    return get_network(conn, network_code)


def _merge(network_code: str, old: Level | None, new: Level) -> Level:
    if old is None:
        return new
    if old.parent is not None and new.parent not in (None, old.parent):
        raise Conflict(f"level “{new.code}” of {network_code} has the parent {old.parent}, not {new.parent}")
    return replace(old, parent=old.parent or new.parent)


def _parents_first(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The same levels, each after its parent, otherwise in the order given; what hangs nowhere comes last."""
    ordered: dict[str, Level] = {}
    waiting = list(levels)
    while ready := [level for level in waiting if level.parent is None or level.parent in ordered]:
        ordered.update({level.code: level for level in ready[:1]})
        waiting.remove(ready[0])
    return (*ordered.values(), *waiting)


def as_network(row: Any) -> Network:
    """A row of the table."""
    levels = tuple(Level(**level) for level in row.levels)
    return Network(row.id, row.code, row.name, row.coverage, levels, row.rules)
