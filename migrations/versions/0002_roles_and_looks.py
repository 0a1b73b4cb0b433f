"""The catalogue of roles, and looks that are written once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = (
    ("grid_leader", "网格长", "grid leader", True),
    ("grid_worker", "专职网格员", "full-time grid worker", True),
    ("part_time_worker", "兼职网格员", "part-time grid worker", False),
    ("micro_grid_worker", "微网格员", "micro-grid worker", False),
    ("building_head", "楼栋长", "building head", False),
    ("instructor", "指导员", "instructor", False),
    ("police", "民警", "police officer", True),
    ("auxiliary_police", "辅警", "auxiliary police officer", True),
    ("city_inspector", "城管队员", "urban management officer", True),
    ("desk_operator", "座席员", "desk operator", False),
    ("volunteer", "志愿者", "volunteer", False),
)
"""Volunteers and part-timers are not tracked unless a city decides so."""


def upgrade() -> None:
    role = sa.table("role", sa.column("code"), sa.column("name"), sa.column("name_en"), sa.column("tracked"))
    op.bulk_insert(
        role, [dict(zip(("code", "name", "name_en", "tracked"), row, strict=True)) for row in ROLES]
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON look FROM PUBLIC, CURRENT_USER")
