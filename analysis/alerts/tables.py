"""What the rail tells besides calls for help: raised by the watch, acknowledged by people, cleared by the facts."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)

from core.db import metadata

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("case_id", ForeignKey("case.id", ondelete="CASCADE")),
    Column("unit_id", ForeignKey("unit.id")),
    Column("person_id", ForeignKey("person.id")),
    Column("noticed_at", DateTime(timezone=True), nullable=False, comment="when the watch first found it"),
    Column("raised_at", DateTime(timezone=True), comment="since when the rail shows it; NULL: not (yet)"),
    Column("asked_at", DateTime(timezone=True), comment="when the worker was asked; silent only"),
    Column("answered_at", DateTime(timezone=True)),
    Column("answer", Text),
    Column("reason", Text, comment="the likely one, by what the phone told last; silent only"),
    Column("acknowledged_by", Text, comment="name of the person, or login of an account of no person"),
    Column("acknowledged_account_id", ForeignKey("account.id")),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("note", Text, nullable=False, server_default=""),
    Column("cleared_at", DateTime(timezone=True), comment="NULL: it stands"),
    CheckConstraint("kind IN ('urgent_case', 'unit_empty', 'silent')", name="kind"),
    CheckConstraint("num_nonnulls(case_id, unit_id, person_id) = 1", name="one_subject"),
    Index("uq_alert_case", "case_id", unique=True, postgresql_where=text("cleared_at IS NULL")),
    Index("uq_alert_unit", "unit_id", unique=True, postgresql_where=text("cleared_at IS NULL")),
    Index("uq_alert_person", "person_id", unique=True, postgresql_where=text("cleared_at IS NULL")),
    Index("ix_alert_cleared_at", "cleared_at"),
)
