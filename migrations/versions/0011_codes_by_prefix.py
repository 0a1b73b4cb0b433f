"""Codes are found by what they begin with, in any collation."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_unit_version_code", table_name="unit_version")
    op.create_index(
        "ix_unit_version_code",
        "unit_version",
        ["network_id", "code"],
        postgresql_ops={"code": "text_pattern_ops"},
    )
