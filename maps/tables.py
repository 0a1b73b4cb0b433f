"""What `maps` keeps: units simplified for each band of zooms, made when first asked for. All of it can be dropped."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from core.db import metadata

tile_drawing = Table(
    "tile_drawing",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("level", Text, nullable=False),
    Column("ground", Text, nullable=False, comment="edition and instant whose units are drawn"),
    Column("top_zoom", SmallInteger, nullable=False, comment="drawn for zooms up to this one"),
    Column("drawn_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("network_id", "level", "ground", "top_zoom"),
)

tile_shape = Table(
    "tile_shape",
    metadata,
    Column("drawing_id", ForeignKey("tile_drawing.id", ondelete="CASCADE"), nullable=False),
    Column("unit_version_id", ForeignKey("unit_version.id", ondelete="CASCADE"), nullable=False),
    Column("geom", Geometry("GEOMETRY", srid=3857, spatial_index=False), nullable=False),
    Column(
        "anchor",
        Geometry("POINT", srid=3857, spatial_index=False),
        nullable=False,
        comment="where its label stands",
    ),
    Index("ix_tile_shape_geom", "drawing_id", "geom", postgresql_using="gist"),
    Index("ix_tile_shape_version", "unit_version_id"),
)
