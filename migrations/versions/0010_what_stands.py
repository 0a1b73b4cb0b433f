"""Transactions that change the rosters leave their number; a last fix is rewritten in place, without an index but its key."""

import sqlalchemy as sa
from alembic import op

from tracking.tables import Xid8

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROSTERS = (
    "person",
    "role",
    "assignment",
    "shift",
    "notice",
    "notice_acceptance",
    "device",
    "device_holder",
    "unit_version",
)


def upgrade() -> None:
    op.create_table(
        "roster_change",
        sa.Column("xid", Xid8(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("xid", name=op.f("pk_roster_change")),
        comment="transactions that changed who may be recorded or shown, by triggers; kept for a day",
    )
    op.execute(
        """
        CREATE FUNCTION note_roster_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO roster_change (xid) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
        """
    )
    for table in ROSTERS:
        op.execute(
            f"CREATE TRIGGER note_roster_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_roster_change()"
        )
    op.drop_index("ix_last_fix_point", "last_fix")
    op.drop_index("ix_last_fix_changed", "last_fix")
    op.execute("ALTER TABLE last_fix SET (fillfactor = 50)")
    op.create_table_comment(
        "last_fix",
        "a row a person, rewritten with every fix in place: no index but the key, so that nothing else is written",
    )
