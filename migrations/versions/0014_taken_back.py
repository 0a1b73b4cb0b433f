"""Editions that were taken back before they began, and the outlines to go back to."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "edition",
        sa.Column("taken_back_at", sa.DateTime(timezone=True), comment="before it began; NULL: it stands"),
    )
    op.add_column("edition", sa.Column("taken_back_by", sa.Text()))
    op.add_column("edition", sa.Column("taken_back_reason", sa.Text()))
    op.create_check_constraint(
        op.f("ck_edition_taken_back_before_it_began"), "edition", "taken_back_at < effective_from"
    )
    op.create_table(
        "former_outline",
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("outline", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_former_outline_edition_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_former_outline_unit_id")),
        sa.PrimaryKeyConstraint("edition_id", "unit_id", name=op.f("pk_former_outline")),
        comment="outlines as they were before an announced edition put others in their place: it may be taken back",
    )
