"""Coverage as computed, day by day. Whole numbers: microseconds, millimetres, square centimetres, counts.

Days and units stay when the fixes behind them have expired; what names a person goes with them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.db import metadata

coverage_day = Table(
    "coverage_day",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("on", Date, nullable=False, comment="civil day"),
    Column("network_id", ForeignKey("network.id"), nullable=False),
    Column("edition_id", ForeignKey("edition.id"), nullable=False, comment="borders at the end of the day"),
    Column("edition_changed", Boolean, nullable=False, comment="other borders held earlier that day"),
    Column("as_of", DateTime(timezone=True), nullable=False, comment="fixes received by then are in it"),
    Column("resolution", Integer, nullable=False),
    Column("rules", JSONB, nullable=False, comment="limits it was computed by"),
    Column("definitions", JSONB, nullable=False, comment="definition → version"),
    Column("fixes", BigInteger, nullable=False),
    Column("interval_us", BigInteger, comment="median step between fixes; NULL: none"),
    Column("accuracy_m", Double, comment="median; NULL: none told"),
    Column("basis", Text, comment="digest of what it hangs on beside fixes; NULL: computed anew as a whole"),
    UniqueConstraint("network_id", "on"),
)

_TRIPLE = "numerator, denominator, possible"

coverage_unit = Table(
    "coverage_unit",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_version_id", ForeignKey("unit_version.id"), primary_key=True),
    Column("observed", Boolean, nullable=False, comment="somebody tracked serves there"),
    Column("area", ARRAY(BigInteger), nullable=False, comment=f"cm²: {_TRIPLE}"),
    Column("area_by_fixes", ARRAY(BigInteger), nullable=False, comment=f"cm²: {_TRIPLE}"),
    Column("streets", ARRAY(BigInteger), nullable=False, comment=f"mm: {_TRIPLE}"),
    Column("doors", ARRAY(BigInteger), nullable=False, comment=f"address points: {_TRIPLE}"),
    Column("households", ARRAY(BigInteger), nullable=False, comment=f"households: {_TRIPLE}"),
    Column("visits", Integer, comment="proven, of the unit as a whole; NULL: computed before they were kept"),
    Column("dwell_us", BigInteger, comment="time in them"),
    Column(
        "unvisited_us",
        ARRAY(BigInteger),
        comment="longest time of the day nobody came, from its beginning to the first visit, from the last to its end",
    ),
    Column("interval_s", Integer, comment="median step between the fixes that served it; NULL: none"),
    Column("accuracy_m", Integer, comment="their median; NULL: none told"),
    Index("ix_coverage_unit_version", "unit_version_id"),
)

coverage_piece = Table(
    "coverage_piece",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_version_id", ForeignKey("unit_version.id"), primary_key=True),
    Column("cell", BigInteger, primary_key=True, comment="H3 index"),
    Column("area_cm2", BigInteger, nullable=False),
    Column("visits", Integer, nullable=False, comment="proven; 0: possibly somebody came"),
    Column("dwell_us", BigInteger, nullable=False),
    Column("first_at", DateTime(timezone=True)),
    Column("last_at", DateTime(timezone=True)),
    Column("unvisited_us", BigInteger, nullable=False, comment="longest time of the day nobody came"),
    comment="pieces that were visited, or possibly; the others are not here",
)

coverage_site = Table(
    "coverage_site",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("unit_version_id", ForeignKey("unit_version.id"), nullable=False),
    Column("visits", Integer, nullable=False, comment="that lasted long enough"),
    Column("short_visits", Integer, nullable=False),
    Column("dwell_us", BigInteger, nullable=False),
    Column("last_at", DateTime(timezone=True)),
    Column("required", Integer, nullable=False, comment="so many visits"),
    Column("days", Integer, nullable=False, comment="in so many days"),
    Column(
        "unvisited_us",
        ARRAY(BigInteger),
        comment="as of a unit; NULL: computed before they were kept",
    ),
)

coverage_duty = Table(
    "coverage_duty",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("has_own", Boolean, nullable=False, comment="some ground was the person's own"),
    Column("times_us", ARRAY(BigInteger), nullable=False, comment="analysis.coverage.people.TIMES"),
    Column("ways_mm", ARRAY(BigInteger), nullable=False, comment="analysis.coverage.people.WAYS"),
    Index("ix_coverage_duty_person", "person_id", "starts_at"),
    comment="names persons: expires like fixes",
)

coverage_trace = Table(
    "coverage_trace",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("fixes", Integer, nullable=False, comment="on duty"),
    Column(
        "squares",
        ARRAY(BigInteger),
        nullable=False,
        comment="where the person was, in thousandths of a degree",
    ),
    Column(
        "steps",
        ARRAY(BigInteger),
        nullable=False,
        comment="seconds between fixes, and how often: one after the other",
    ),
    Column("accuracies", ARRAY(BigInteger), nullable=False, comment="metres told, and how often, likewise"),
    comment="of people with fixes on duty, for late ones; names persons: expires like fixes",
)

coverage_presence = Table(
    "coverage_presence",
    metadata,
    Column("day_id", ForeignKey("coverage_day.id", ondelete="CASCADE"), primary_key=True),
    Column("unit_version_id", ForeignKey("unit_version.id"), primary_key=True),
    Column(
        "visits", ARRAY(Integer), nullable=False, comment="proven ones of its pieces, by the hour they began"
    ),
    Column("dwell_us", ARRAY(BigInteger), nullable=False, comment="time in them, by that hour"),
    Column("last_at", DateTime(timezone=True), nullable=False, comment="end of the last one"),
    Index("ix_coverage_presence_version", "unit_version_id"),
    comment="deepest units somebody was proven to be in; the others are not here",
)

coverage_note = Table(
    "coverage_note",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("told", Text, nullable=False, comment="by the person, in their own words"),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("answer", Text, comment="accepted or declined; NULL: not answered yet"),
    Column("answered_by", Text, comment="login"),
    Column("answered_at", DateTime(timezone=True)),
    Column("answer_text", Text),
    Column(
        "credited_us",
        BigInteger,
        comment="time added in the own grid when accepted, beside what was observed",
    ),
    CheckConstraint("kind IN ('rest', 'indoor', 'meeting', 'other')", name="kind"),
    CheckConstraint("since < until", name="order"),
    CheckConstraint("answer IN ('accepted', 'declined')", name="answer"),
    CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered"),
    Index("ix_coverage_note_person", "person_id", "since"),
    comment="what a person says of a time that the figures do not show; names persons: expires like fixes",
)

coverage_checkin = Table(
    "coverage_checkin",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("network_id", ForeignKey("network.id"), primary_key=True),
    Column("unit_version_id", ForeignKey("unit_version.id"), nullable=False, comment="the deepest unit"),
    Index("ix_coverage_checkin_network_at", "network_id", "at"),
    comment="somebody said that they were there, of their own accord; in no figure; names persons: expires like fixes",
)
