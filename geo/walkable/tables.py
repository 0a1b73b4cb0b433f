"""Tables of what can be walked. Geometry is WGS-84 on the 1e-7° grid; `valid` counts days, the last one excluded."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import DATERANGE

from core.db import metadata

ground_survey = Table(
    "ground_survey",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("subject", Text, nullable=False, comment="streets, water or sites"),
    Column("source", Text, nullable=False),
    Column("as_of", Date, nullable=False, comment="the day it describes"),
    Column("taken_at", DateTime(timezone=True), nullable=False, comment="when it came in last"),
    Column("rows", Integer, nullable=False),
    UniqueConstraint("subject", "source", "as_of"),
    CheckConstraint("subject IN ('streets', 'water', 'sites')", name="subject"),
)


def _columns() -> list[Column[object]]:
    """What every surveyed thing has."""
    return [
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("source", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("digest", Text, nullable=False, comment="sha256 of its fields: the same again is no change"),
        Column("valid", DATERANGE, nullable=False, comment="open below: since before the first survey"),
    ]


street = Table(
    "street",
    metadata,
    *_columns(),
    Column("geom", Geometry("MULTILINESTRING", srid=4326, spatial_index=False), nullable=False),
    Index("ix_street_geom", "geom", postgresql_using="gist"),
    Index("ix_street_source", "source"),
)

obstacle = Table(
    "obstacle",
    metadata,
    *_columns(),
    Column("width_m", Double, nullable=False, comment="of a line; 0 for an area"),
    Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
    CheckConstraint("kind IN ('water', 'railway', 'compound')", name="kind"),
    Index("ix_obstacle_geom", "geom", postgresql_using="gist"),
    Index("ix_obstacle_source", "source"),
)

site = Table(
    "site",
    metadata,
    *_columns(),
    Column("visits", Integer, nullable=False, comment="required in so many days; 0: none"),
    Column("days", Integer, nullable=False),
    Column("least_s", Integer, nullable=False, comment="a shorter visit does not count"),
    Column("owner", Text),
    Column("contact", Text),
    Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
    CheckConstraint("visits >= 0 AND days >= 1 AND least_s >= 0", name="required"),
    Index("ix_site_geom", "geom", postgresql_using="gist"),
    Index("ix_site_source_code", "source", "code"),
)
