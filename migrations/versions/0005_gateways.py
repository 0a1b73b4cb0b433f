"""Gateways that speak for devices; the unit of speed that a device's way shows; what is counted besides fixes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column(
            "measured",
            postgresql.JSONB(),
            nullable=True,
            comment="per client: the unit of speed that its way showed, and on what evidence (devices.speed_units)",
        ),
        sa.Column(
            "speed_unit_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="receipt from which speeds are read as they are now; NULL: ever",
        ),
        sa.Column("speed_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "is_gateway",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="speaks for the devices registered under it, never for itself",
        ),
        sa.Column(
            "gateway_id",
            sa.BigInteger(),
            nullable=True,
            comment="who speaks for it; NULL: it has a credential",
        ),
        sa.Column("unique_id", sa.Text(), nullable=True, comment="the name its gateway gives it"),
    ):
        op.add_column("device", column)
    op.create_foreign_key(op.f("fk_device_gateway_id_device"), "device", "device", ["gateway_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_device_named_behind_gateway"), "device", "(gateway_id IS NULL) = (unique_id IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_device_one_gateway_deep"), "device", "NOT (is_gateway AND gateway_id IS NOT NULL)"
    )
    op.create_index("uq_device_gateway_unique_id", "device", ["gateway_id", "unique_id"], unique=True)
    op.alter_column(
        "dropped",
        "reason",
        existing_type=sa.Text(),
        existing_nullable=False,
        existing_comment="off_shift, no_notice, no_holder, not_tracked",
        comment=REASONS,
    )
    op.create_table_comment(
        "dropped",
        "what left nothing behind, counted by day; never by person",
        existing_comment="fixes that left nothing behind, counted by day; never by person",
    )
    # A client that names no format known here was let in by earlier releases; it meant nothing.
    device = sa.table("device", sa.column("format", sa.Text()))
    op.execute(sa.update(device).where(device.c.format.not_in(FORMATS)).values(format="auto"))


REASONS = "fixes: off_shift, no_notice, no_holder, not_tracked; messages: unknown_format, not_registered, …"
FORMATS = (
    "auto",
    "import",
    "colota",
    "geojson",
    "gpslogger",
    "locus",
    "native",
    "osmand",
    "overland",
    "owntracks",
    "phonetrack",
    "traccar",
    "traccar-9",
    "traccar-array",
    "traccar-server",
)
