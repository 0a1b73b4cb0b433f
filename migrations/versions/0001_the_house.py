"""The house as first built: ground, people, movement, cases."""

from alembic import op

from core.db import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for extension in ("postgis", "btree_gist", "ltree"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    metadata.create_all(op.get_bind())
