"""The cases' tables: what was reported, where it lies in every network, who owns it, and every step it took."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.db import metadata

case = Table(
    "case",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("external_ref", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column(
        "level", Integer, nullable=False, server_default="1", comment="1 to 5; 3 and above go to the street"
    ),
    Column("description", Text, nullable=False, server_default=""),
    Column(
        "point",
        Geometry("POINT", srid=4326, spatial_index=False),
        comment="NULL: the report had no usable place",
    ),
    Column("accuracy_m", Double),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("state", Text, nullable=False),
    Column("owner_unit_id", Uuid, comment="the unit that holds it; NOT NULL while open"),
    Column("assignee_id", ForeignKey("person.id"), comment="who is sent; NULL: nobody yet"),
    Column(
        "acknowledged_at",
        DateTime(timezone=True),
        comment="when the worker it is assigned to took it on; NULL: not yet",
    ),
    Column("handler_id", ForeignKey("account.id"), comment="who reported it handled; may not verify it"),
    Column("duplicate_of", ForeignKey("case.id")),
    Column("ended_unit_id", Uuid, comment="the unit that held it when it ended; NULL while open"),
    Column("seq", Integer, nullable=False, server_default="1", comment="of its newest event"),
    Column(
        "report_digest",
        LargeBinary,
        nullable=False,
        comment="over the report as received, salted as its first event",
    ),
    Column("attrs", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    UniqueConstraint("channel", "external_ref"),
    CheckConstraint(
        "state IN ('reported', 'accepted', 'assigned', 'handled', 'verified', 'closed', 'rejected', 'duplicate')",
        name="state",
    ),
    CheckConstraint("level BETWEEN 1 AND 5", name="level"),
    CheckConstraint(
        "(state IN ('closed', 'rejected', 'duplicate')) = (owner_unit_id IS NULL)",
        name="one_owner_while_open",
    ),
    CheckConstraint("owner_unit_id IS NULL OR ended_unit_id IS NULL", name="held_or_ended"),
    Index("ix_case_point", "point", postgresql_using="gist"),
    Index("ix_case_occurred_at", "occurred_at", "id"),
    Index("ix_case_owner_unit", "owner_unit_id", postgresql_where=text("owner_unit_id IS NOT NULL")),
    Index("ix_case_ended_unit", "ended_unit_id", postgresql_where=text("ended_unit_id IS NOT NULL")),
    Index("ix_case_waiting", "reported_at", postgresql_where=text("state = 'reported'")),
    Index("ix_case_assignee", "assignee_id", postgresql_where=text("assignee_id IS NOT NULL")),
)

case_placement = Table(
    "case_placement",
    metadata,
    Column("case_id", ForeignKey("case.id", ondelete="CASCADE"), nullable=False),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("unit_version_id", BigInteger, comment="the deepest unit; NULL: outside"),
    Column("edition_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("border_m", Double),
    PrimaryKeyConstraint("case_id", "network_id"),
    Index("ix_case_placement_unit_version", "unit_version_id"),
)

case_event = Table(
    "case_event",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", ForeignKey("case.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="the transition: report, accept, assign, handle, verify, close, …",
    ),
    Column("state", Text, nullable=False, comment="the state after it"),
    Column("actor", Text, nullable=False),
    Column("actor_role", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("point", Geometry("POINT", srid=4326, spatial_index=False)),
    Column("note", Text, nullable=False, server_default=""),
    Column("evidence", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("salt", LargeBinary, comment="NULL: the fields were erased, the chain still holds"),
    Column("fields_digest", LargeBinary, nullable=False, comment="over the salted fields"),
    Column(
        "digest",
        LargeBinary,
        nullable=False,
        comment="over fields_digest and the digest before it in its case",
    ),
    UniqueConstraint("case_id", "seq"),
    Index("ix_case_event_assigned", "at", postgresql_where=text("kind = 'assign'")),
    comment="append-only",
)

case_rehoming = Table(
    "case_rehoming",
    metadata,
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False),
    Column("case_id", ForeignKey("case.id", ondelete="CASCADE"), nullable=False),
    Column("from_unit_id", Uuid, nullable=False, comment="who held it when this was confirmed"),
    Column("to_unit_id", Uuid, nullable=False, comment="who holds it once the plan is in force"),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True), comment="NULL: the plan's instant has not come"),
    PrimaryKeyConstraint("plan_id", "case_id"),
    Index("ix_case_rehoming_waiting", "plan_id", postgresql_where=text("done_at IS NULL")),
)
