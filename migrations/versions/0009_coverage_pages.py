"""When and by the hour units were visited, and what people say of their own times."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coverage_presence",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "visits",
            postgresql.ARRAY(sa.Integer()),
            nullable=False,
            comment="proven ones of its pieces, by the hour they began",
        ),
        sa.Column(
            "dwell_us",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="time in them, by that hour",
        ),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False, comment="end of the last one"),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_presence_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_version_id"], ["unit_version.id"], name=op.f("fk_coverage_presence_unit_version_id")
        ),
        sa.PrimaryKeyConstraint("day_id", "unit_version_id", name=op.f("pk_coverage_presence")),
        comment="deepest units somebody was proven to be in; the others are not here",
    )
    op.create_index("ix_coverage_presence_version", "coverage_presence", ["unit_version_id"])
    op.create_table(
        "coverage_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Text(), nullable=False, comment="by the person, in their own words"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True, comment="accepted or declined; NULL: not answered yet"),
        sa.Column("answered_by", sa.Text(), nullable=True, comment="login"),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_text", sa.Text(), nullable=True),
        sa.Column(
            "credited_us",
            sa.BigInteger(),
            nullable=True,
            comment="time added in the own grid when accepted, beside what was observed",
        ),
        sa.CheckConstraint(
            "kind IN ('rest', 'indoor', 'meeting', 'other')", name=op.f("ck_coverage_note_kind")
        ),
        sa.CheckConstraint("since < until", name=op.f("ck_coverage_note_order")),
        sa.CheckConstraint("answer IN ('accepted', 'declined')", name=op.f("ck_coverage_note_answer")),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_coverage_note_answered")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_coverage_note_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_note")),
        comment="what a person says of a time that the figures do not show; names persons: expires like fixes",
    )
    op.create_index("ix_coverage_note_person", "coverage_note", ["person_id", "since"])
