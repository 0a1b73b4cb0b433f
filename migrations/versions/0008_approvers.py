"""Approvers: a role of their own, so that nobody approves what they drew."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLES = "'command', 'planner', 'supervisor', 'desk', 'worker', 'administrator', 'auditor', 'approver'"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_access_grant_role"), "access_grant")
    op.create_check_constraint(op.f("ck_access_grant_role"), "access_grant", f"role IN ({ROLES})")
