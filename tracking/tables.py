"""Movement's tables. `fix` and `raw_report` are partitioned by UTC day; partitions are made by `tracking.partitions`."""

from geoalchemy2 import Geometry
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
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint
from sqlalchemy.types import UserDefinedType

from core.db import metadata


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, the live feed's clock."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        return "XID8"


device = Table(
    "device",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column(
        "token_hash",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="sha256 of its credential, which is shown once",
    ),
    Column("format", Text, nullable=False, server_default="auto"),
    Column(
        "speed_unit",
        Text,
        nullable=False,
        server_default="auto",
        comment="mps, knots, kmh, or auto: by client",
    ),
    Column("crs", Text, nullable=False, server_default="wgs84"),
    Column(
        "interval_s",
        Integer,
        nullable=False,
        server_default="10",
        comment="expected between fixes while moving",
    ),
    Column("heartbeat_s", Integer, comment="expected between signs of life while still; NULL: as interval_s"),
    Column("encryption_key", Text, comment="OwnTracks passphrase, where payloads are encrypted"),
    Column(
        "measured",
        JSONB,
        comment="per client: the unit of speed that its way showed, and on what evidence (devices.speed_units)",
    ),
    Column(
        "speed_unit_since",
        DateTime(timezone=True),
        comment="receipt from which speeds are read as they are now; NULL: ever",
    ),
    Column("speed_checked_at", DateTime(timezone=True)),
    Column(
        "is_gateway",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="speaks for the devices registered under it, never for itself",
    ),
    Column("gateway_id", ForeignKey("device.id"), comment="who speaks for it; NULL: it has a credential"),
    Column("unique_id", Text, comment="the name its gateway gives it"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("(gateway_id IS NULL) = (unique_id IS NULL)", name="named_behind_gateway"),
    CheckConstraint("NOT (is_gateway AND gateway_id IS NOT NULL)", name="one_gateway_deep"),
    Index("uq_device_gateway_unique_id", "gateway_id", "unique_id", unique=True),
)

device_holder = Table(
    "device_holder",
    metadata,
    Column("device_id", ForeignKey("device.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("valid", TSTZRANGE, nullable=False),
    ExcludeConstraint(
        (text("device_id"), "="), (text("valid"), "&&"), using="gist", name="ex_device_holder_one_at_a_time"
    ),
    Index("ix_device_holder_device", "device_id", postgresql_include=["person_id", "valid"]),
)

fix = Table(
    "fix",
    metadata,
    Column("device_id", BigInteger, nullable=False),
    Column("fixed_at", DateTime(timezone=True), nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("lon", Double, comment="WGS-84; as received when out of range; NULL: unreadable, and flagged so"),
    Column("lat", Double),
    Column("accuracy_m", Double),
    Column("altitude_m", Double),
    Column("speed_mps", Double),
    Column("heading_deg", Double),
    Column("battery_pct", Double),
    Column("charging", Boolean),
    Column(
        "unit_version_id",
        BigInteger,
        comment="governance network, edition known for fixed_at on arrival; NULL: outside",
    ),
    Column("flags", Integer, nullable=False, server_default="0", comment="bits of tracking.checks.Flag"),
    Column(
        "digest",
        BigInteger,
        nullable=False,
        comment="of the canonical parsed fields; the smallest of an instant stands",
    ),
    PrimaryKeyConstraint("device_id", "fixed_at"),
    Index("ix_fix_person_time", "person_id", "fixed_at"),
    Index("ix_fix_time", "fixed_at", postgresql_using="brin"),
    Index("ix_fix_received", "received_at", postgresql_using="brin"),
    postgresql_partition_by="RANGE (fixed_at)",
)

raw_report = Table(
    "raw_report",
    metadata,
    Column("device_id", BigInteger, nullable=False),
    Column("fixed_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("format", Text, nullable=False),
    Column("is_fix", Boolean, nullable=False, comment="false: an item of another kind, kept as received"),
    Column("item", JSONB, nullable=False, comment="this item's part of the payload as received"),
    Index("ix_raw_report_device_time", "device_id", "fixed_at"),
    postgresql_partition_by="RANGE (received_at)",
)

last_fix = Table(
    "last_fix",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("device_id", BigInteger, nullable=False),
    Column("fixed_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("accuracy_m", Double),
    Column("speed_mps", Double),
    Column("heading_deg", Double),
    Column("battery_pct", Double),
    Column("charging", Boolean),
    Column("unit_version_id", BigInteger),
    Column("moving", Boolean, nullable=False, server_default=text("false")),
    Column(
        "changed",
        Xid8,
        nullable=False,
        server_default=text("pg_current_xact_id()"),
        comment="transaction of the last change",
    ),
    postgresql_with={"fillfactor": 50},
    comment="a row a person, rewritten with every fix in place: no index but the key, so that nothing else is written",
)

device_heard = Table(
    "device_heard",
    metadata,
    Column("device_id", ForeignKey("device.id"), primary_key=True),
    Column(
        "heard_at",
        DateTime(timezone=True),
        nullable=False,
        comment="latest sign of life, by the phone's clock",
    ),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("battery_pct", Double),
    Column("status", JSONB, comment="what the phone told of itself: permission, power saving, …"),
    Column(
        "changed", Xid8, nullable=False, server_default=text("pg_current_xact_id()"), comment="as in last_fix"
    ),
    Index("ix_device_heard_changed", "changed"),
    postgresql_with={"fillfactor": 70},
)

roster_change = Table(
    "roster_change",
    metadata,
    Column("xid", Xid8, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="transactions that changed who may be recorded or shown, by triggers; kept for a day",
)

dropped = Table(
    "dropped",
    metadata,
    Column("on", Date, nullable=False, comment="UTC day of receipt"),
    Column(
        "reason",
        Text,
        nullable=False,
        comment="fixes: off_shift, no_notice, no_holder, not_tracked; messages: unknown_format, not_registered, …",
    ),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("on", "reason"),
    comment="what left nothing behind, counted by day; never by person",
)

sos = Table(
    "sos",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("point", Geometry("POINT", srid=4326, spatial_index=False)),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_account_id", ForeignKey("account.id")),
    Column("note", Text, nullable=False, server_default=""),
    Index("uq_sos_person_raised", "person_id", "raised_at", unique=True),
    Index("ix_sos_acknowledged_at", "acknowledged_at"),
)
