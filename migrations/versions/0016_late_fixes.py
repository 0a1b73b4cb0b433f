"""What a day hangs on beside its fixes, and which squares each person was in: so that a late fix changes what it touches alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "coverage_day",
        sa.Column(
            "basis",
            sa.Text(),
            nullable=True,
            comment="digest of what it hangs on beside fixes; NULL: computed anew as a whole",
        ),
    )
    op.create_table(
        "coverage_trace",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False, comment="on duty"),
        sa.Column(
            "squares",
            ARRAY(sa.BigInteger()),
            nullable=False,
            comment="where the person was, in thousandths of a degree",
        ),
        sa.Column(
            "steps",
            ARRAY(sa.BigInteger()),
            nullable=False,
            comment="seconds between fixes, and how often: one after the other",
        ),
        sa.Column(
            "accuracies",
            ARRAY(sa.BigInteger()),
            nullable=False,
            comment="metres told, and how often, likewise",
        ),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_trace_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_coverage_trace_person_id")),
        sa.PrimaryKeyConstraint("day_id", "person_id", name=op.f("pk_coverage_trace")),
        comment="of people with fixes on duty, for late ones; names persons: expires like fixes",
    )
