"""The house as first built: ground, people, movement, cases, drawings of tiles."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Ltree(UserDefinedType[str]):
    def get_col_spec(self, **_kw: object) -> str:
        return "LTREE"


class Xid8(UserDefinedType[int]):
    def get_col_spec(self, **_kw: object) -> str:
        return "XID8"


def upgrade() -> None:
    for extension in ("postgis", "btree_gist", "ltree"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    make_address_point()
    make_device()
    make_dropped()
    make_fix()
    make_network()
    make_notice()
    make_person()
    make_raw_report()
    make_role()
    make_sign_in_attempt()
    make_account()
    make_device_heard()
    make_device_holder()
    make_last_fix()
    make_notice_acceptance()
    make_plan()
    make_shift()
    make_sos()
    make_tile_drawing()
    make_case()
    make_edition()
    make_look()
    make_plan_unit()
    make_token()
    make_case_event()
    make_case_placement()
    make_unit()
    make_access_grant()
    make_assignment()
    make_unit_version()
    make_tile_shape()


def make_address_point() -> None:
    op.create_table(
        "address_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "point",
            Geometry(geometry_type="POINT", srid=4326, spatial_index=False, nullable=False),
            nullable=False,
        ),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("residents", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_point")),
        sa.UniqueConstraint("code", name=op.f("uq_address_point_code")),
    )
    op.create_index(
        "ix_address_point_point", "address_point", ["point"], unique=False, postgresql_using="gist"
    )


def make_device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "token_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="sha256 of its credential, which is shown once",
        ),
        sa.Column("format", sa.Text(), server_default="auto", nullable=False),
        sa.Column(
            "speed_unit",
            sa.Text(),
            server_default="auto",
            nullable=False,
            comment="mps, knots, kmh, or auto: by client",
        ),
        sa.Column("crs", sa.Text(), server_default="wgs84", nullable=False),
        sa.Column(
            "interval_s",
            sa.Integer(),
            server_default="10",
            nullable=False,
            comment="expected between fixes while moving",
        ),
        sa.Column(
            "heartbeat_s",
            sa.Integer(),
            nullable=True,
            comment="expected between signs of life while still; NULL: as interval_s",
        ),
        sa.Column(
            "encryption_key",
            sa.Text(),
            nullable=True,
            comment="OwnTracks passphrase, where payloads are encrypted",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("code", name=op.f("uq_device_code")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_token_hash")),
    )


def make_dropped() -> None:
    op.create_table(
        "dropped",
        sa.Column("on", sa.Date(), nullable=False, comment="UTC day of receipt"),
        sa.Column(
            "reason", sa.Text(), nullable=False, comment="off_shift, no_notice, no_holder, not_tracked"
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("on", "reason", name=op.f("pk_dropped")),
        comment="fixes that left nothing behind, counted by day; never by person",
    )


def make_fix() -> None:
    op.create_table(
        "fix",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "lon",
            sa.Double(),
            nullable=True,
            comment="WGS-84; as received when out of range; NULL: unreadable, and flagged so",
        ),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("altitude_m", sa.Double(), nullable=True),
        sa.Column("speed_mps", sa.Double(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.Column("battery_pct", sa.Double(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column(
            "unit_version_id",
            sa.BigInteger(),
            nullable=True,
            comment="governance network, edition known for fixed_at on arrival; NULL: outside",
        ),
        sa.Column(
            "flags", sa.Integer(), server_default="0", nullable=False, comment="bits of tracking.checks.Flag"
        ),
        sa.Column(
            "digest",
            sa.BigInteger(),
            nullable=False,
            comment="of the canonical parsed fields; the smallest of an instant stands",
        ),
        sa.PrimaryKeyConstraint("device_id", "fixed_at", name=op.f("pk_fix")),
        postgresql_partition_by="RANGE (fixed_at)",
    )
    op.create_index("ix_fix_person_time", "fix", ["person_id", "fixed_at"], unique=False)
    op.create_index("ix_fix_time", "fix", ["fixed_at"], unique=False, postgresql_using="brin")


def make_network() -> None:
    op.create_table(
        "network",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column(
            "levels",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment='[{"code", "name", "name_en", "parent": code|null, "origin": natural|drawn}]',
        ),
        sa.Column(
            "rules",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("coverage IN ('full', 'partial')", name=op.f("ck_network_coverage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
        sa.UniqueConstraint("code", name=op.f("uq_network_code")),
    )


def make_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "renews",
            sa.Boolean(),
            nullable=False,
            comment="acceptances of older versions end when this one is published",
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_notice")),
    )


def make_person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column(
            "basis",
            sa.Text(),
            server_default="roster",
            nullable=False,
            comment="how the record came to be: roster or import",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("code", name=op.f("uq_person_code")),
    )


def make_raw_report() -> None:
    op.create_table(
        "raw_report",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column(
            "is_fix", sa.Boolean(), nullable=False, comment="false: an item of another kind, kept as received"
        ),
        sa.Column(
            "item",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="this item's part of the payload as received",
        ),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_index("ix_raw_report_device_time", "raw_report", ["device_id", "fixed_at"], unique=False)


def make_role() -> None:
    op.create_table(
        "role",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_role")),
    )


def make_sign_in_attempt() -> None:
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "login", sa.Text(), nullable=False, comment="a digest: people type passwords here by mistake"
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_address_at", "sign_in_attempt", ["address", "at"], unique=False)
    op.create_index("ix_sign_in_attempt_login_at", "sign_in_attempt", ["login", "at"], unique=False)


def make_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("person_id", name=op.f("uq_account_person_id")),
    )


def make_device_heard() -> None:
    op.create_table(
        "device_heard",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "heard_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="latest sign of life, by the phone's clock",
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("battery_pct", sa.Double(), nullable=True),
        sa.Column(
            "status",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the phone told of itself: permission, power saving, …",
        ),
        sa.Column(
            "changed",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
            comment="as in last_fix",
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_heard_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_heard")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_device_heard_changed", "device_heard", ["changed"], unique=False)


def make_device_holder() -> None:
    op.create_table(
        "device_holder",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("device_id"), "="),
            (sa.text("valid"), "&&"),
            using="gist",
            name="ex_device_holder_one_at_a_time",
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_holder_device_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_device_holder_person_id")),
    )
    op.create_index(op.f("ix_device_holder_person_id"), "device_holder", ["person_id"], unique=False)


def make_last_fix() -> None:
    op.create_table(
        "last_fix",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "point",
            Geometry(geometry_type="POINT", srid=4326, spatial_index=False, nullable=False),
            nullable=False,
        ),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("speed_mps", sa.Double(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.Column("battery_pct", sa.Double(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=True),
        sa.Column("moving", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "changed",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
            comment="transaction of the last change",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_last_fix_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_last_fix")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_last_fix_changed", "last_fix", ["changed"], unique=False)
    op.create_index("ix_last_fix_point", "last_fix", ["point"], unique=False, postgresql_using="gist")


def make_notice_acceptance() -> None:
    op.create_table(
        "notice_acceptance",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "how", sa.Text(), nullable=False, comment="self on the phone page, or paper with its reference"
        ),
        sa.CheckConstraint("accepted_at <= withdrawn_at", name=op.f("ck_notice_acceptance_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_acceptance_person_id")),
        sa.ForeignKeyConstraint(["version"], ["notice.version"], name=op.f("fk_notice_acceptance_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_acceptance")),
    )
    op.create_index(
        "uq_notice_acceptance_standing",
        "notice_acceptance",
        ["person_id", "version"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def make_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column(
            "base_edition_id", sa.BigInteger(), nullable=True, comment="NULL: the network had no edition yet"
        ),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column(
            "effective_from", sa.DateTime(timezone=True), nullable=True, comment="NULL: publication decides"
        ),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name=op.f("ck_plan_state")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_plan_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_index(
        "uq_plan_one_draft", "plan", ["network_id"], unique=True, postgresql_where=sa.text("state = 'draft'")
    )


def make_shift() -> None:
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Text(),
            server_default="roster",
            nullable=False,
            comment="roster, or self: switched on by the person",
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_shift_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_shift_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("ix_shift_person_time", "shift", ["person_id", "starts_at"], unique=False)


def make_sos() -> None:
    op.create_table(
        "sos",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sos_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sos")),
    )
    op.create_index("uq_sos_person_raised", "sos", ["person_id", "raised_at"], unique=True)


def make_tile_drawing() -> None:
    op.create_table(
        "tile_drawing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False, comment="edition and instant whose units are drawn"),
        sa.Column("top_zoom", sa.SmallInteger(), nullable=False, comment="drawn for zooms up to this one"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_tile_drawing_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tile_drawing")),
        sa.UniqueConstraint(
            "network_id",
            "level",
            "ground",
            "top_zoom",
            name=op.f("uq_tile_drawing_network_id_level_ground_top_zoom"),
        ),
    )


def make_case() -> None:
    op.create_table(
        "case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="1 to 5; 3 and above go to the street",
        ),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "point",
            Geometry(geometry_type="POINT", srid=4326, spatial_index=False),
            nullable=True,
            comment="NULL: the report had no usable place",
        ),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "owner_unit_id", sa.Uuid(), nullable=True, comment="the unit that holds it; NOT NULL while open"
        ),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True, comment="who is sent; NULL: nobody yet"),
        sa.Column(
            "handler_id", sa.BigInteger(), nullable=True, comment="who reported it handled; may not verify it"
        ),
        sa.Column("duplicate_of", sa.BigInteger(), nullable=True),
        sa.Column(
            "ended_unit_id",
            sa.Uuid(),
            nullable=True,
            comment="the unit that held it when it ended; NULL while open",
        ),
        sa.Column("seq", sa.Integer(), server_default="1", nullable=False, comment="of its newest event"),
        sa.Column(
            "report_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="over the report as received, salted as its first event",
        ),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(state IN ('closed', 'rejected', 'duplicate')) = (owner_unit_id IS NULL)",
            name=op.f("ck_case_one_owner_while_open"),
        ),
        sa.CheckConstraint(
            "state IN ('reported', 'accepted', 'assigned', 'handled', 'verified', 'closed', 'rejected', 'duplicate')",
            name=op.f("ck_case_state"),
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 5", name=op.f("ck_case_level")),
        sa.CheckConstraint(
            "owner_unit_id IS NULL OR ended_unit_id IS NULL", name=op.f("ck_case_held_or_ended")
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_case_assignee_id")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["case.id"], name=op.f("fk_case_duplicate_of")),
        sa.ForeignKeyConstraint(["handler_id"], ["account.id"], name=op.f("fk_case_handler_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("channel", "external_ref", name=op.f("uq_case_channel_external_ref")),
        sa.UniqueConstraint("number", name=op.f("uq_case_number")),
    )
    op.create_index(
        "ix_case_assignee",
        "case",
        ["assignee_id"],
        unique=False,
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_index(
        "ix_case_ended_unit",
        "case",
        ["ended_unit_id"],
        unique=False,
        postgresql_where=sa.text("ended_unit_id IS NOT NULL"),
    )
    op.create_index("ix_case_occurred_at", "case", ["occurred_at", "id"], unique=False)
    op.create_index(
        "ix_case_owner_unit",
        "case",
        ["owner_unit_id"],
        unique=False,
        postgresql_where=sa.text("owner_unit_id IS NOT NULL"),
    )
    op.create_index("ix_case_point", "case", ["point"], unique=False, postgresql_using="gist")


def make_edition() -> None:
    op.create_table(
        "edition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True, comment="NULL: since ever"),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="units per level"
        ),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_edition_network_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_edition_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint("network_id", "seq", name=op.f("uq_edition_network_id_seq")),
    )


def make_look() -> None:
    op.create_table(
        "look",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True, comment="NULL: an operator at the machine"),
        sa.Column("who", sa.Text(), nullable=False, comment="login, or the operating-system user of a verb"),
        sa.Column(
            "person_id",
            sa.BigInteger(),
            nullable=True,
            comment="whose movement; NULL: a view of a whole unit",
        ),
        sa.Column(
            "unit_id", sa.Uuid(), nullable=True, comment="the subtree looked at when it was not one person"
        ),
        sa.Column("what", sa.Text(), nullable=False, comment="trail, live, map, export, import"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_look_account_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_look_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
        comment="append-only: who looked at whose movement, when and why",
    )
    op.create_index("ix_look_person_at", "look", ["person_id", "at"], unique=False)


def make_plan_unit() -> None:
    op.create_table(
        "plan_unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "parent_code",
            sa.Text(),
            nullable=True,
            comment="as the source says; NULL: found by geometry, or a root",
        ),
        sa.Column("kind", sa.Text(), server_default="territorial", nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=True, comment="file, layer and row it came from"),
        sa.Column(
            "geom",
            Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False),
            nullable=True,
            comment="NULL: derived from its children",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_unit_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_unit")),
    )
    op.create_index(op.f("ix_plan_unit_plan_id"), "plan_unit", ["plan_id"], unique=False)


def make_token() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "hash", sa.LargeBinary(), nullable=False, comment="sha256 of the token; the token is shown once"
        ),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="session: cookie of a browser; bearer: a program's"
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('session', 'bearer')", name=op.f("ck_token_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_token_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_token_hash")),
    )
    op.create_index(op.f("ix_token_account_id"), "token", ["account_id"], unique=False)


def make_case_event() -> None:
    op.create_table(
        "case_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="the transition: report, accept, assign, handle, verify, close, …",
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="the state after it"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point", Geometry(geometry_type="POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "salt",
            sa.LargeBinary(),
            nullable=True,
            comment="NULL: the fields were erased, the chain still holds",
        ),
        sa.Column("fields_digest", sa.LargeBinary(), nullable=False, comment="over the salted fields"),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="over fields_digest and the digest before it in its case",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_case_event_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_case_event_case_id_seq")),
        comment="append-only",
    )


def make_case_placement() -> None:
    op.create_table(
        "case_placement",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column(
            "unit_version_id", sa.BigInteger(), nullable=True, comment="the deepest unit; NULL: outside"
        ),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("border_m", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_case_placement_case_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_case_placement_network_id")),
        sa.PrimaryKeyConstraint("case_id", "network_id", name=op.f("pk_case_placement")),
    )
    op.create_index("ix_case_placement_unit_version", "case_placement", ["unit_version_id"], unique=False)


def make_unit() -> None:
    op.create_table(
        "unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("born_edition_id", sa.BigInteger(), nullable=False),
        sa.Column("retired_edition_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('territorial', 'dedicated')", name=op.f("ck_unit_kind")),
        sa.CheckConstraint("origin IN ('natural', 'drawn')", name=op.f("ck_unit_origin")),
        sa.ForeignKeyConstraint(["born_edition_id"], ["edition.id"], name=op.f("fk_unit_born_edition_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_unit_network_id")),
        sa.ForeignKeyConstraint(
            ["retired_edition_id"], ["edition.id"], name=op.f("fk_unit_retired_edition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
    )
    op.create_index(op.f("ix_unit_network_id"), "unit", ["network_id"], unique=False)


def make_access_grant() -> None:
    op.create_table(
        "access_grant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "unit_id", sa.Uuid(), nullable=True, comment="root of the subtree it holds for; NULL: everywhere"
        ),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.CheckConstraint(
            "role IN ('command', 'planner', 'supervisor', 'desk', 'worker', 'administrator', 'auditor')",
            name=op.f("ck_access_grant_role"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_grant_account_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_access_grant_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
    )
    op.create_index(op.f("ix_access_grant_account_id"), "access_grant", ["account_id"], unique=False)


def make_assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("person_id"), "="),
            (sa.text("unit_id"), "="),
            (sa.text("role"), "="),
            (sa.text("valid"), "&&"),
            using="gist",
            name="ex_assignment_once",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id")),
        sa.ForeignKeyConstraint(["role"], ["role.code"], name=op.f("fk_assignment_role")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_assignment_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_unit_id"), "assignment", ["unit_id"], unique=False)


def make_unit_version() -> None:
    op.create_table(
        "unit_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_unit_id", sa.Uuid(), nullable=True),
        sa.Column("path", Ltree(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "geom",
            Geometry(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False, nullable=False),
            nullable=False,
        ),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column(
            "attrs",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.Column(
            "recorded",
            postgresql.TSTZRANGE(),
            server_default=sa.text("tstzrange(now(), NULL)"),
            nullable=False,
        ),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("geom_sha", sa.LargeBinary(), nullable=False),
        sa.Column(
            "change_kinds",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.text("unit_id"), "="),
            (sa.text("valid"), "&&"),
            where=sa.text("upper_inf(recorded)"),
            using="gist",
            name="ex_unit_version_one_at_a_time",
        ),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_unit_version_edition_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_unit_version_network_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_unit_version_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_version")),
    )
    op.create_index("ix_unit_version_code", "unit_version", ["network_id", "code"], unique=False)
    op.create_index(
        "ix_unit_version_ground",
        "unit_version",
        ["network_id", "valid", "geom"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index("ix_unit_version_parent", "unit_version", ["parent_unit_id"], unique=False)
    op.create_index("ix_unit_version_path", "unit_version", ["path"], unique=False, postgresql_using="gist")


def make_tile_shape() -> None:
    op.create_table(
        "tile_shape",
        sa.Column("drawing_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False),
        sa.Column("geom", Geometry(srid=3857, spatial_index=False, nullable=False), nullable=False),
        sa.Column(
            "anchor",
            Geometry(geometry_type="POINT", srid=3857, spatial_index=False, nullable=False),
            nullable=False,
            comment="where its label stands",
        ),
        sa.ForeignKeyConstraint(
            ["drawing_id"], ["tile_drawing.id"], name=op.f("fk_tile_shape_drawing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_version_id"],
            ["unit_version.id"],
            name=op.f("fk_tile_shape_unit_version_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_tile_shape_geom", "tile_shape", ["drawing_id", "geom"], unique=False, postgresql_using="gist"
    )
    op.create_index("ix_tile_shape_version", "tile_shape", ["unit_version_id"], unique=False)
    # ### end Alembic commands ###
