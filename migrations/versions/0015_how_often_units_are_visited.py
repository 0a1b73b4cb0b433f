"""Of each deepest unit's day visits, time in them, how long nobody came, how often its phones spoke; of sites how long nobody came."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "coverage_unit",
        sa.Column(
            "visits",
            sa.Integer(),
            nullable=True,
            comment="proven, of the unit as a whole; NULL: computed before they were kept",
        ),
    )
    op.add_column(
        "coverage_unit", sa.Column("dwell_us", sa.BigInteger(), nullable=True, comment="time in them")
    )
    op.add_column(
        "coverage_unit",
        sa.Column(
            "unvisited_us",
            ARRAY(sa.BigInteger()),
            nullable=True,
            comment="longest time of the day nobody came, from its beginning to the first visit, from the last to its end",
        ),
    )
    op.add_column(
        "coverage_unit",
        sa.Column(
            "interval_s",
            sa.Integer(),
            nullable=True,
            comment="median step between the fixes that served it; NULL: none",
        ),
    )
    op.add_column(
        "coverage_unit",
        sa.Column("accuracy_m", sa.Integer(), nullable=True, comment="their median; NULL: none told"),
    )
    op.add_column(
        "coverage_site",
        sa.Column(
            "unvisited_us",
            ARRAY(sa.BigInteger()),
            nullable=True,
            comment="as of a unit; NULL: computed before they were kept",
        ),
    )
