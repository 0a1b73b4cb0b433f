"""Alerts, who acknowledged a call for help, and a worker's word that a case was taken on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "noticed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the watch first found it",
        ),
        sa.Column(
            "raised_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when the rail shows it; NULL: not (yet)",
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the worker was asked; silent only",
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=True,
            comment="the likely one, by what the phone told last; silent only",
        ),
        sa.Column(
            "acknowledged_by",
            sa.Text(),
            nullable=True,
            comment="name of the person, or login of an account of no person",
        ),
        sa.Column("acknowledged_account_id", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True, comment="NULL: it stands"),
        sa.CheckConstraint("kind IN ('urgent_case', 'unit_empty', 'silent')", name=op.f("ck_alert_kind")),
        sa.CheckConstraint(
            "num_nonnulls(case_id, unit_id, person_id) = 1", name=op.f("ck_alert_one_subject")
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_account_id"], ["account.id"], name=op.f("fk_alert_acknowledged_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_alert_case_id_case"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_alert_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_alert_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    for subject in ("case", "unit", "person"):
        op.create_index(
            f"uq_alert_{subject}",
            "alert",
            [f"{subject}_id"],
            unique=True,
            postgresql_where=sa.text("cleared_at IS NULL"),
        )
    op.create_index("ix_alert_cleared_at", "alert", ["cleared_at"])
    op.add_column("sos", sa.Column("acknowledged_account_id", sa.BigInteger(), sa.ForeignKey("account.id")))
    op.add_column("sos", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_sos_acknowledged_at", "sos", ["acknowledged_at"])
    op.add_column(
        "case",
        sa.Column(
            "acknowledged_at",
            sa.DateTime(timezone=True),
            comment="when the worker it is assigned to took it on; NULL: not yet",
        ),
    )
    op.create_index(
        "ix_case_waiting", "case", ["reported_at"], postgresql_where=sa.text("state = 'reported'")
    )
    op.create_index("ix_shift_starts_at", "shift", ["starts_at"])
