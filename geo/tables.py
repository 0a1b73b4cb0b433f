"""The ground's tables. Geometry is WGS-84 lon/lat on a 1e-7° grid; ranges are half-open, an unbounded end is open."""

from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    case,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint
from sqlalchemy.types import UserDefinedType

from core.db import metadata


class Ltree(UserDefinedType[str]):
    """A path of labels; here unit ids as 32 hex digits, the root first."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        return "LTREE"


network = Table(
    "network",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("coverage", Text, nullable=False),
    Column(
        "levels",
        JSONB,
        nullable=False,
        comment='[{"code", "name", "name_en", "parent": code|null, "origin": natural|drawn}]',
    ),
    Column("rules", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    CheckConstraint("coverage IN ('full', 'partial')", name="coverage"),
)

plan = Table(
    "plan",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("base_edition_id", BigInteger, comment="NULL: the network had no edition yet"),
    Column(
        "kind",
        Text,
        nullable=False,
        server_default="received",
        comment="received: areas of files take the place of groups; redraw: a log of operations",
    ),
    Column("name", Text, nullable=False, server_default=""),
    Column("scope_unit_id", Uuid, comment="the subtree it may redraw; NULL: the whole network"),
    Column("state", Text, nullable=False, server_default="draft"),
    Column("effective_from", DateTime(timezone=True), comment="NULL: publication decides"),
    Column("reason", Text, comment="why it takes effect in the past; NULL: it does not"),
    Column("author", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('received', 'redraw')", name="kind"),
    CheckConstraint(
        "state IN ('draft', 'checked', 'submitted', 'returned', 'approved', 'scheduled', 'published', 'withdrawn')",
        name="state",
    ),
    Index(
        "uq_plan_one_draft",
        "network_id",
        unique=True,
        postgresql_where=text("state = 'draft' AND kind = 'received'"),
    ),
)

plan_step = Table(
    "plan_step",
    metadata,
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False, comment="the state after it"),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("comment", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("plan_id", "seq"),
)

plan_op = Table(
    "plan_op",
    metadata,
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("op", Text, nullable=False),
    Column("args", JSONB, nullable=False),
    Column("key", Uuid, nullable=False, comment="born units get their ids from it, in every replay the same"),
    Column("inverse", JSONB, nullable=False, comment="the units as they were, and those that were not there"),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("undone", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("plan_id", "seq"),
)

plan_unit = Table(
    "plan_unit",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("unit_id", Uuid, comment="NULL: an area as received, known by its code"),
    Column("parent_unit_id", Uuid),
    Column("gone", Boolean, nullable=False, server_default=text("false"), comment="the plan ends the unit"),
    Column("level", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_code", Text, comment="as the source says; NULL: found by geometry, or a root"),
    Column("kind", Text, nullable=False, server_default="territorial"),
    Column("households", Integer),
    Column("attrs", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("source", Text, comment="file, layer and row it came from"),
    Column(
        "geom",
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False),
        comment="NULL: derived from its children",
    ),
    Index(
        "uq_plan_unit_unit", "plan_id", "unit_id", unique=True, postgresql_where=text("unit_id IS NOT NULL")
    ),
)

edition = Table(
    "edition",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("effective_from", DateTime(timezone=True), comment="NULL: since ever"),
    Column("plan_id", ForeignKey("plan.id")),
    Column("published_by", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("counts", JSONB, nullable=False, comment="units per level"),
    Column("taken_back_at", DateTime(timezone=True), comment="before it began; NULL: it stands"),
    Column("taken_back_by", Text),
    Column("taken_back_reason", Text),
    CheckConstraint("taken_back_at < effective_from", name="taken_back_before_it_began"),
    UniqueConstraint("network_id", "seq"),
)

STANDS = edition.c.taken_back_at.is_(None)
"""Of an edition: it holds or will. One that was taken back before it began is kept to tell of, and counts for nothing."""

unit = Table(
    "unit",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("network_id", ForeignKey("network.id"), nullable=False, index=True),
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("born_edition_id", ForeignKey("edition.id"), nullable=False),
    Column("retired_edition_id", ForeignKey("edition.id")),
    Column(
        "outline",
        Geometry("MULTIPOLYGON", srid=4326, spatial_index=False),
        comment="the official outline as received, where the stored border follows it within a centimetre",
    ),
    CheckConstraint("kind IN ('territorial', 'dedicated')", name="kind"),
    CheckConstraint("origin IN ('natural', 'drawn')", name="origin"),
)

former_outline = Table(
    "former_outline",
    metadata,
    Column("edition_id", ForeignKey("edition.id"), nullable=False),
    Column("unit_id", ForeignKey("unit.id"), nullable=False),
    Column("outline", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
    PrimaryKeyConstraint("edition_id", "unit_id"),
    comment="outlines as they were before an announced edition put others in their place: it may be taken back",
)

unit_version = Table(
    "unit_version",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("unit_id", ForeignKey("unit.id"), nullable=False),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("parent_unit_id", Uuid),
    Column("path", Ltree, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
    Column("area_m2", Double, nullable=False),
    Column("households", Integer),
    Column("attrs", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("valid", TSTZRANGE, nullable=False),
    Column("recorded", TSTZRANGE, nullable=False, server_default=text("tstzrange(now(), NULL)")),
    Column("edition_id", ForeignKey("edition.id"), nullable=False),
    Column("geom_sha", LargeBinary, nullable=False),
    Column("change_kinds", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    ExcludeConstraint(
        (text("unit_id"), "="),
        (text("valid"), "&&"),
        where=text("upper_inf(recorded)"),
        using="gist",
        name="ex_unit_version_one_at_a_time",
    ),
    Index("ix_unit_version_ground", "network_id", "valid", "geom", postgresql_using="gist"),
    Index("ix_unit_version_path", "path", postgresql_using="gist"),
    Index(
        "ix_unit_version_code", "network_id", "code", postgresql_ops={"code": "text_pattern_ops"}
    ),  # also finds what begins with a code, whatever the collation
    Index("ix_unit_version_parent", "parent_unit_id"),
)

lineage = Table(
    "lineage",
    metadata,
    Column("from_version", ForeignKey("unit_version.id"), nullable=False),
    Column("to_version", ForeignKey("unit_version.id"), nullable=False),
    Column("edition_id", ForeignKey("edition.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False, comment="goes_on, split, merge or transfer"),
    Column("area_m2", Double, nullable=False),
    Column("area_share", Double, nullable=False, comment="of the former unit"),
    Column(
        "households_share", Double, nullable=False, comment="of the former unit, by doors where it has any"
    ),
    PrimaryKeyConstraint("from_version", "to_version"),
    CheckConstraint("kind IN ('goes_on', 'split', 'merge', 'transfer')", name="kind"),
    Index("ix_lineage_to_version", "to_version"),
)

address_point = Table(
    "address_point",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("households", Integer, nullable=False),
    Column("residents", Integer),
    Column("source", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Index("ix_address_point_point", "point", postgresql_using="gist"),
)


def stands(known_at: datetime | None = None) -> ColumnElement[bool]:
    """Of an edition: published by then and not taken back by then; None: as is known now."""
    if known_at is None:
        return STANDS
    taken_back = edition.c.taken_back_at
    return (edition.c.published_at <= known_at) & or_(taken_back.is_(None), taken_back > known_at)


def recorded(known_at: datetime | None = None) -> ColumnElement[bool]:
    """Of a unit version: believed at that instant; None: now."""
    if known_at is None:
        return func.upper_inf(unit_version.c.recorded)
    return unit_version.c.recorded.op("@>", is_comparison=True)(known_at)


def until(known_at: datetime | None = None) -> ColumnElement[Any]:
    """When a unit version ends, as far as was known then.

    What ended by then, but by an edition that nobody knew of yet, held on: its end stands in its row, without a copy.
    """
    end = func.upper(unit_version.c.valid, type_=DateTime(timezone=True))
    if known_at is None:
        return end
    here = (edition.c.network_id == unit_version.c.network_id) & (edition.c.effective_from == end)
    known = exists(select(edition.c.id).where(here, stands(known_at)).correlate(unit_version))
    return case((known, end), else_=None)


def holds(at: datetime | ColumnElement[datetime], known_at: datetime | None = None) -> ColumnElement[bool]:
    """Of a unit version: it holds at the instant, as far as was known at the other; None: as is known now."""
    if known_at is None:
        return unit_version.c.valid.op("@>", is_comparison=True)(at) & recorded()
    begun = unit_version.c.valid.op("&&", is_comparison=True)(func.tstzrange(None, at, "[]"))
    end = until(known_at)
    return recorded(known_at) & begun & or_(end.is_(None), end > at)
