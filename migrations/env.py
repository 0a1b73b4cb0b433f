"""Run the migrations on the connection that `migrations.upgrade` hands over."""

from alembic import context

import analysis.alerts.tables
import analysis.coverage.kept.tables
import cases.tables
import geo.tables
import geo.walkable.tables
import maps.tables
import people.tables
import tracking.tables
from core.db import metadata

__all__ = ["analysis", "cases", "geo", "maps", "people", "tracking"]

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
