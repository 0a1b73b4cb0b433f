"""The people's tables: who they are, where and when they serve, and what their accounts may see."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint

from core.db import metadata

person = Table(
    "person",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("phone", Text),
    Column(
        "basis",
        Text,
        nullable=False,
        server_default="roster",
        comment="how the record came to be: roster or import",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

role = Table(
    "role",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("tracked", Boolean, nullable=False),
)

assignment = Table(
    "assignment",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("unit_id", ForeignKey("unit.id"), nullable=False, index=True),
    Column("role", ForeignKey("role.code"), nullable=False),
    Column("valid", TSTZRANGE, nullable=False),
    ExcludeConstraint(
        (text("person_id"), "="),
        (text("unit_id"), "="),
        (text("role"), "="),
        (text("valid"), "&&"),
        using="gist",
        name="ex_assignment_once",
    ),
    Index("ix_assignment_person", "person_id", postgresql_include=["role", "valid"]),
)

shift = Table(
    "shift",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column(
        "source",
        Text,
        nullable=False,
        server_default="roster",
        comment="roster, or self: switched on by the person",
    ),
    CheckConstraint("starts_at < ends_at", name="order"),
    Index("ix_shift_person_time", "person_id", "starts_at"),
    Index("ix_shift_starts_at", "starts_at"),
)

notice = Table(
    "notice",
    metadata,
    Column("version", Text, primary_key=True),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column(
        "renews",
        Boolean,
        nullable=False,
        comment="acceptances of older versions end when this one is published",
    ),
)

notice_acceptance = Table(
    "notice_acceptance",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("version", ForeignKey("notice.version"), nullable=False),
    Column("accepted_at", DateTime(timezone=True), nullable=False),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("how", Text, nullable=False, comment="self on the phone page, or paper with its reference"),
    CheckConstraint("accepted_at <= withdrawn_at", name="order"),
    Index(
        "uq_notice_acceptance_standing",
        "person_id",
        "version",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
)

account = Table(
    "account",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("person_id", ForeignKey("person.id"), unique=True),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

token = Table(
    "token",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column(
        "hash",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="sha256 of the token; the token is shown once",
    ),
    Column("kind", Text, nullable=False, comment="session: cookie of a browser; bearer: a program's"),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('session', 'bearer')", name="kind"),
)

access_grant = Table(
    "access_grant",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("unit_id", ForeignKey("unit.id"), comment="root of the subtree it holds for; NULL: everywhere"),
    Column("valid", TSTZRANGE, nullable=False),
    CheckConstraint(
        "role IN ('command', 'planner', 'supervisor', 'desk', 'worker', 'administrator', 'auditor', 'approver')",
        name="role",
    ),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("login", Text, nullable=False, comment="a digest: people type passwords here by mistake"),
    Column("address", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_sign_in_attempt_login_at", "login", "at"),
    Index("ix_sign_in_attempt_address_at", "address", "at"),
)

look = Table(
    "look",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("account_id", ForeignKey("account.id"), comment="NULL: an operator at the machine"),
    Column("who", Text, nullable=False, comment="login, or the operating-system user of a verb"),
    Column("person_id", ForeignKey("person.id"), comment="whose movement; NULL: a view of a whole unit"),
    Column("unit_id", Uuid, comment="the subtree looked at when it was not one person"),
    Column("what", Text, nullable=False, comment="trail, live, map, export, import"),
    Column("why", Text, nullable=False),
    Index("ix_look_person_at", "person_id", "at"),
    comment="append-only: who looked at whose movement, when and why",
)

post_decision = Table(
    "post_decision",
    metadata,
    Column("plan_id", ForeignKey("plan.id", ondelete="CASCADE"), nullable=False),
    Column("assignment_id", ForeignKey("assignment.id", ondelete="CASCADE"), nullable=False),
    Column(
        "unit_ids", ARRAY(Uuid), nullable=False, comment="where the person serves from the plan's instant on"
    ),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True), comment="NULL: the plan's instant has not come"),
    PrimaryKeyConstraint("plan_id", "assignment_id"),
    Index("ix_post_decision_waiting", "plan_id", postgresql_where=text("done_at IS NULL")),
)
