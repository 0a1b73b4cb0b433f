"""What follows from a redraw: who holds the open cases then, and where people serve, as somebody decided it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_rehoming",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("from_unit_id", sa.Uuid(), nullable=False, comment="who held it when this was confirmed"),
        sa.Column("to_unit_id", sa.Uuid(), nullable=False, comment="who holds it once the plan is in force"),
        *_said_by(),
        _of("case_rehoming", "plan"),
        _of("case_rehoming", "case"),
        sa.PrimaryKeyConstraint("plan_id", "case_id", name=op.f("pk_case_rehoming")),
    )
    op.create_table(
        "post_decision",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("assignment_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "unit_ids",
            ARRAY(sa.Uuid()),
            nullable=False,
            comment="where the person serves from the plan's instant on",
        ),
        *_said_by(),
        _of("post_decision", "plan"),
        _of("post_decision", "assignment"),
        sa.PrimaryKeyConstraint("plan_id", "assignment_id", name=op.f("pk_post_decision")),
    )
    for table in ("case_rehoming", "post_decision"):
        op.create_index(
            f"ix_{table}_waiting", table, ["plan_id"], postgresql_where=sa.text("done_at IS NULL")
        )


def _said_by() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), comment="NULL: the plan's instant has not come"),
    )


def _of(table: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{other}_id")
    return sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"], name=name, ondelete="CASCADE")
