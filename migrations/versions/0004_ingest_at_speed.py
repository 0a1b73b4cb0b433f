"""Indexes for the judgement of hundreds of fixes at once: who held a device, who served, who had accepted the notice."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_device_holder_device", "device_holder", ["device_id"], postgresql_include=["person_id", "valid"]
    )
    op.create_index("ix_assignment_person", "assignment", ["person_id"], postgresql_include=["role", "valid"])
    op.create_index("ix_notice_acceptance_person_id", "notice_acceptance", ["person_id"])
