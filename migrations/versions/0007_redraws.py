"""Plans that redraw: their operations and steps, the units they change, lineage, and official outlines as received."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = "'draft', 'checked', 'submitted', 'returned', 'approved', 'scheduled', 'published', 'withdrawn'"


def upgrade() -> None:
    widen_plan()
    make_plan_step()
    make_plan_op()
    widen_plan_unit()
    op.add_column(
        "unit",
        sa.Column(
            "outline",
            Geometry("MULTIPOLYGON", srid=4326, spatial_index=False),
            nullable=True,
            comment="the official outline as received, where the stored border follows it within a centimetre",
        ),
    )
    make_lineage()


def widen_plan() -> None:
    op.add_column(
        "plan",
        sa.Column(
            "kind",
            sa.Text(),
            server_default="received",
            nullable=False,
            comment="received: areas of files take the place of groups; redraw: a log of operations",
        ),
    )
    op.add_column("plan", sa.Column("name", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "plan",
        sa.Column(
            "scope_unit_id",
            sa.Uuid(),
            nullable=True,
            comment="the subtree it may redraw; NULL: the whole network",
        ),
    )
    op.add_column(
        "plan",
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why it takes effect in the past; NULL: it does not"
        ),
    )
    op.create_check_constraint(op.f("ck_plan_kind"), "plan", "kind IN ('received', 'redraw')")
    op.drop_constraint(op.f("ck_plan_state"), "plan")
    op.create_check_constraint(op.f("ck_plan_state"), "plan", f"state IN ({STATES})")
    op.drop_index("uq_plan_one_draft", "plan")
    one_draft = sa.text("state = 'draft' AND kind = 'received'")
    op.create_index("uq_plan_one_draft", "plan", ["network_id"], unique=True, postgresql_where=one_draft)


def make_plan_step() -> None:
    op.create_table(
        "plan_step",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="the state after it"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_step_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", "seq", name=op.f("pk_plan_step")),
    )


def make_plan_op() -> None:
    op.create_table(
        "plan_op",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(), nullable=False),
        sa.Column(
            "key",
            sa.Uuid(),
            nullable=False,
            comment="born units get their ids from it, in every replay the same",
        ),
        sa.Column(
            "inverse",
            postgresql.JSONB(),
            nullable=False,
            comment="the units as they were, and those that were not there",
        ),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_op_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", "seq", name=op.f("pk_plan_op")),
    )


def widen_plan_unit() -> None:
    op.add_column(
        "plan_unit",
        sa.Column(
            "unit_id", sa.Uuid(), nullable=True, comment="NULL: an area as received, known by its code"
        ),
    )
    op.add_column("plan_unit", sa.Column("parent_unit_id", sa.Uuid(), nullable=True))
    op.add_column(
        "plan_unit",
        sa.Column(
            "gone",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the plan ends the unit",
        ),
    )
    told = sa.text("unit_id IS NOT NULL")
    op.create_index(
        "uq_plan_unit_unit", "plan_unit", ["plan_id", "unit_id"], unique=True, postgresql_where=told
    )


def make_lineage() -> None:
    share = "of the former unit"
    op.create_table(
        "lineage",
        sa.Column("from_version", sa.BigInteger(), nullable=False),
        sa.Column("to_version", sa.BigInteger(), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="goes_on, split, merge or transfer"),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("area_share", sa.Double(), nullable=False, comment=share),
        sa.Column(
            "households_share", sa.Double(), nullable=False, comment=f"{share}, by doors where it has any"
        ),
        sa.CheckConstraint("kind IN ('goes_on', 'split', 'merge', 'transfer')", name=op.f("ck_lineage_kind")),
        sa.ForeignKeyConstraint(["from_version"], ["unit_version.id"], name=op.f("fk_lineage_from_version")),
        sa.ForeignKeyConstraint(["to_version"], ["unit_version.id"], name=op.f("fk_lineage_to_version")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_lineage_edition_id")),
        sa.PrimaryKeyConstraint("from_version", "to_version", name=op.f("pk_lineage")),
    )
    op.create_index(op.f("ix_lineage_edition_id"), "lineage", ["edition_id"])
    op.create_index("ix_lineage_to_version", "lineage", ["to_version"])
