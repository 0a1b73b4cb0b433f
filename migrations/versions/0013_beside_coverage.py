"""Check-ins, assignments by time, and fixes by when they were received."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coverage_checkin",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False, comment="the deepest unit"),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_coverage_checkin_network_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_coverage_checkin_person_id")),
        sa.ForeignKeyConstraint(
            ["unit_version_id"], ["unit_version.id"], name=op.f("fk_coverage_checkin_unit_version_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "at", "network_id", name=op.f("pk_coverage_checkin")),
        comment="somebody said that they were there, of their own accord; in no figure; names persons: expires like fixes",
    )
    op.create_index("ix_coverage_checkin_network_at", "coverage_checkin", ["network_id", "at"])
    op.create_index(
        "ix_case_event_assigned", "case_event", ["at"], postgresql_where=sa.text("kind = 'assign'")
    )
    op.create_index("ix_fix_received", "fix", ["received_at"], postgresql_using="brin")
