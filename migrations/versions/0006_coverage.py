"""What can be walked, and coverage as computed."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ground_survey",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="streets, water or sites"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False, comment="the day it describes"),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False, comment="when it came in last"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.CheckConstraint("subject IN ('streets', 'water', 'sites')", name=op.f("ck_ground_survey_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ground_survey")),
        sa.UniqueConstraint("subject", "source", "as_of", name=op.f("uq_ground_survey_subject_source_as_of")),
    )
    op.create_table(
        "obstacle",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="sha256 of its fields: the same again is no change"
        ),
        sa.Column(
            "valid",
            postgresql.DATERANGE(),
            nullable=False,
            comment="open below: since before the first survey",
        ),
        sa.Column("width_m", sa.Double(), nullable=False, comment="of a line; 0 for an area"),
        sa.Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("kind IN ('water', 'railway', 'compound')", name=op.f("ck_obstacle_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obstacle")),
    )
    op.create_index("ix_obstacle_geom", "obstacle", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_obstacle_source", "obstacle", ["source"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="sha256 of its fields: the same again is no change"
        ),
        sa.Column(
            "valid",
            postgresql.DATERANGE(),
            nullable=False,
            comment="open below: since before the first survey",
        ),
        sa.Column("visits", sa.Integer(), nullable=False, comment="required in so many days; 0: none"),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("least_s", sa.Integer(), nullable=False, comment="a shorter visit does not count"),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint("visits >= 0 AND days >= 1 AND least_s >= 0", name=op.f("ck_site_required")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_index("ix_site_geom", "site", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_site_source_code", "site", ["source", "code"], unique=False)
    op.create_table(
        "street",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="sha256 of its fields: the same again is no change"
        ),
        sa.Column(
            "valid",
            postgresql.DATERANGE(),
            nullable=False,
            comment="open below: since before the first survey",
        ),
        sa.Column("geom", Geometry("MULTILINESTRING", srid=4326, spatial_index=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_street")),
    )
    op.create_index("ix_street_geom", "street", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_street_source", "street", ["source"], unique=False)
    op.create_table(
        "coverage_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False, comment="civil day"),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False, comment="borders at the end of the day"),
        sa.Column(
            "edition_changed", sa.Boolean(), nullable=False, comment="other borders held earlier that day"
        ),
        sa.Column(
            "as_of", sa.DateTime(timezone=True), nullable=False, comment="fixes received by then are in it"
        ),
        sa.Column("resolution", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False, comment="limits it was computed by"),
        sa.Column(
            "definitions",
            postgresql.JSONB(),
            nullable=False,
            comment="definition → version",
        ),
        sa.Column("fixes", sa.BigInteger(), nullable=False),
        sa.Column(
            "interval_us", sa.BigInteger(), nullable=True, comment="median step between fixes; NULL: none"
        ),
        sa.Column("accuracy_m", sa.Double(), nullable=True, comment="median; NULL: none told"),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_coverage_day_edition_id")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_coverage_day_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_day")),
        sa.UniqueConstraint("network_id", "on", name=op.f("uq_coverage_day_network_id_on")),
    )
    op.create_table(
        "coverage_duty",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_own", sa.Boolean(), nullable=False, comment="some ground was the person's own"),
        sa.Column(
            "times_us",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="analysis.coverage.people.TIMES",
        ),
        sa.Column(
            "ways_mm",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="analysis.coverage.people.WAYS",
        ),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_duty_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_coverage_duty_person_id")),
        sa.PrimaryKeyConstraint("day_id", "person_id", "starts_at", name=op.f("pk_coverage_duty")),
        comment="names persons: expires like fixes",
    )
    op.create_index("ix_coverage_duty_person", "coverage_duty", ["person_id", "starts_at"], unique=False)
    op.create_table(
        "coverage_piece",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False, comment="H3 index"),
        sa.Column("area_cm2", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False, comment="proven; 0: possibly somebody came"),
        sa.Column("dwell_us", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "unvisited_us", sa.BigInteger(), nullable=False, comment="longest time of the day nobody came"
        ),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_piece_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_version_id"], ["unit_version.id"], name=op.f("fk_coverage_piece_unit_version_id")
        ),
        sa.PrimaryKeyConstraint("day_id", "unit_version_id", "cell", name=op.f("pk_coverage_piece")),
        comment="pieces that were visited, or possibly; the others are not here",
    )
    op.create_table(
        "coverage_site",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False, comment="that lasted long enough"),
        sa.Column("short_visits", sa.Integer(), nullable=False),
        sa.Column("dwell_us", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("required", sa.Integer(), nullable=False, comment="so many visits"),
        sa.Column("days", sa.Integer(), nullable=False, comment="in so many days"),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_site_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_version_id"], ["unit_version.id"], name=op.f("fk_coverage_site_unit_version_id")
        ),
        sa.PrimaryKeyConstraint("day_id", "code", name=op.f("pk_coverage_site")),
    )
    op.create_table(
        "coverage_unit",
        sa.Column("day_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_version_id", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.Boolean(), nullable=False, comment="somebody tracked serves there"),
        sa.Column(
            "area",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="cm²: numerator, denominator, possible",
        ),
        sa.Column(
            "area_by_fixes",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="cm²: numerator, denominator, possible",
        ),
        sa.Column(
            "streets",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="mm: numerator, denominator, possible",
        ),
        sa.Column(
            "doors",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="address points: numerator, denominator, possible",
        ),
        sa.Column(
            "households",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="households: numerator, denominator, possible",
        ),
        sa.ForeignKeyConstraint(
            ["day_id"], ["coverage_day.id"], name=op.f("fk_coverage_unit_day_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_version_id"], ["unit_version.id"], name=op.f("fk_coverage_unit_unit_version_id")
        ),
        sa.PrimaryKeyConstraint("day_id", "unit_version_id", name=op.f("pk_coverage_unit")),
    )
    op.create_index("ix_coverage_unit_version", "coverage_unit", ["unit_version_id"], unique=False)
