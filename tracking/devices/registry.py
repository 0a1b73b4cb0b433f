"""The register of devices. A device is known by its credential alone, and belongs to one person at a time."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from core.errors import Conflict, Invalid, NotFound
from people.tables import person
from tracking.formats import USUAL_UNITS, Profile
from tracking.tables import device, device_holder

PLAIN = Profile()
SPEED_UNITS = ("auto", "mps", "knots", "kmh")
FORMAT_NAMES = ("auto", *sorted(USUAL_UNITS))
CRS_NAMES = ("wgs84", "gcj02", "bd09", "cgcs2000")


@dataclass(frozen=True, slots=True)
class Device:
    """A device whose credential was shown."""

    id: int
    code: str
    profile: Profile
    interval_s: int
    heartbeat_s: int | None
    is_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What is told of a device when it is registered."""

    profile: Profile = PLAIN
    interval_s: int = 10
    heartbeat_s: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A line of the list of devices. `behind`: the gateway that speaks for it."""

    code: str
    person_code: str | None
    format: str
    interval_s: int
    revoked_at: datetime | None
    is_gateway: bool
    behind: str | None
    unique_id: str | None


def token_hash(token: str) -> bytes:
    """What is stored of a credential; it is random and long, so a plain digest is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def find_devices(conn: Connection, tokens: list[str]) -> Mapping[str, Device]:
    """The device of each credential; a revoked or unknown one is left out."""
    by_hash = {token_hash(token): token for token in tokens}
    rows = conn.execute(
        select(device).where(device.c.token_hash == func.any(list(by_hash)), device.c.revoked_at.is_(None))
    )
    return {by_hash[bytes(row.token_hash)]: read_device(row) for row in rows}


def count_revoked(conn: Connection, tokens: Collection[str]) -> int:
    """How many of these credentials, counted as often as they come, were a device's before it was revoked."""
    hashes = [token_hash(token) for token in tokens]
    query = select(device.c.token_hash).where(
        device.c.token_hash == func.any(hashes), device.c.revoked_at.is_not(None)
    )
    revoked = {bytes(found) for found in conn.execute(query).scalars()}
    return sum(one in revoked for one in hashes)


def read_device(row: Row[tuple[object, ...]]) -> Device:
    """The device of a row of its table."""
    measured = tuple((client, told["unit"]) for client, told in (row.measured or {}).items())
    profile = Profile(row.format, row.speed_unit, row.crs, row.encryption_key, measured)
    return Device(row.id, row.code, profile, row.interval_s, row.heartbeat_s, row.is_gateway)


def add_device(
    conn: Connection,
    code: str,
    person_code: str,
    *,
    now: datetime,
    profile: Profile = PLAIN,
    interval_s: int = 10,
    heartbeat_s: int | None = None,
) -> str:
    """Register a device in a person's hands from now on; returns its credential, which is never shown again."""
    token = secrets.token_urlsafe(24)
    settings = Settings(profile, interval_s, heartbeat_s)
    insert_held(conn, code, person_code, settings, now=now, more={"token_hash": token_hash(token)})
    return token


def insert_held(
    conn: Connection,
    code: str,
    person_code: str,
    settings: Settings,
    *,
    now: datetime,
    more: Mapping[str, object],
) -> None:
    """A device with these settings, and `more` columns, in a person's hands from now on."""
    profile = settings.profile
    values = {
        "code": code,
        "format": profile.format,
        "speed_unit": profile.speed_unit,
        "crs": profile.crs,
        "encryption_key": profile.encryption_key,
        "interval_s": settings.interval_s,
        "heartbeat_s": settings.heartbeat_s,
    }
    check_values(values)
    holder = _person_id(conn, person_code)
    device_id = insert_device(conn, {**values, **more})
    conn.execute(insert(device_holder).values(device_id=device_id, person_id=holder, valid=Range(now, None)))


def insert_device(conn: Connection, values: dict[str, object]) -> int:
    try:
        with conn.begin_nested():
            return int(conn.execute(insert(device).values(**values).returning(device.c.id)).scalar_one())
    except IntegrityError as error:
        if "uq_device_gateway" in str(error.orig):
            raise Conflict(
                f"its gateway has a device “{values['unique_id']}” already; `wangge devices list` shows it"
            ) from error
        raise Conflict(f"there is a device “{values['code']}” already; choose another code") from error


def check_values(values: Mapping[str, object]) -> None:
    """Invalid for a value no device can have."""
    code = str(values.get("code", "-"))
    if not (1 <= len(code) <= 100 and code.isprintable()):
        raise Invalid(f"“{code[:80]}” is no code of a device: use 1 to 100 printable characters")
    if (client := values.get("format", "auto")) not in FORMAT_NAMES:
        raise Invalid(
            f"no client “{client}” is known here; use one of {', '.join(FORMAT_NAMES)} (auto: by what it sends)"
        )
    if (unit := values.get("speed_unit", "auto")) not in SPEED_UNITS:
        raise Invalid(f"no speed unit “{unit}”; use one of {', '.join(SPEED_UNITS)}")
    if (crs := values.get("crs", "wgs84")) not in CRS_NAMES:
        raise Invalid(f"no coordinate system “{crs}”; use one of {', '.join(CRS_NAMES)}")
    for name in ("interval_s", "heartbeat_s"):
        if isinstance(told := values.get(name), int) and not 0 < told < 1_000_000:
            raise Invalid(f"{name} {told}: intervals are whole seconds above 0")


def change_device(conn: Connection, code: str, values: Mapping[str, object], *, now: datetime) -> None:
    """Set columns of the device's profile: format, speed_unit, crs, encryption_key, interval_s, heartbeat_s.

    What was stored stays as it was read; where the reading of speeds changes, they are measured anew from now on.
    """
    check_values(values)
    device_id = _device_id(conn, code)
    anew = {"speed_unit_since": now, "measured": None} if {"format", "speed_unit"} & values.keys() else {}
    if values:
        conn.execute(update(device).where(device.c.id == device_id).values(**values, **anew))


def hand_over(conn: Connection, code: str, person_code: str | None, *, now: datetime) -> None:
    """Give a device to another person, or to nobody, from `now` on; what it recorded before stays where it was."""
    if person_code is not None:
        _refuse_gateway(conn, code, "is in nobody's hands: give the devices behind it")
    device_id = _device_id(conn, code)
    holder = None if person_code is None else _person_id(conn, person_code)
    held = device_holder.c.valid
    conn.execute(
        update(device_holder)
        .where(device_holder.c.device_id == device_id, held.contains(now))
        .values(valid=func.tstzrange(func.lower(held), now))
    )
    if holder is not None:
        conn.execute(
            insert(device_holder).values(device_id=device_id, person_id=holder, valid=Range(now, None))
        )


def revoke_device(conn: Connection, code: str, *, now: datetime) -> None:
    """Its credential is refused from now on; what it sent stays."""
    conn.execute(update(device).where(device.c.id == _device_id(conn, code)).values(revoked_at=now))


def renew_token(conn: Connection, code: str) -> str:
    """A new credential in place of the old one, also for a device that was revoked."""
    if conn.execute(select(device.c.gateway_id).where(device.c.code == code)).scalar() is not None:
        raise Conflict(f"“{code}” has no token of its own: its gateway speaks for it; renew the gateway's")
    token = secrets.token_urlsafe(24)
    change = update(device).where(device.c.id == _device_id(conn, code))
    conn.execute(change.values(token_hash=token_hash(token), revoked_at=None))
    return token


def list_devices(conn: Connection, *, now: datetime) -> list[DeviceRow]:
    """Every device with its present holder and its gateway, by code."""
    gateway = device.alias("gateway")
    rows = conn.execute(
        select(
            device.c.code,
            person.c.code.label("person_code"),
            device.c.format,
            device.c.interval_s,
            device.c.revoked_at,
            device.c.is_gateway,
            gateway.c.code.label("behind"),
            device.c.unique_id,
        )
        .select_from(device)
        .outerjoin(
            device_holder, (device_holder.c.device_id == device.c.id) & device_holder.c.valid.contains(now)
        )
        .outerjoin(person, person.c.id == device_holder.c.person_id)
        .outerjoin(gateway, gateway.c.id == device.c.gateway_id)
        .order_by(device.c.code)
    )
    return [DeviceRow(*row) for row in rows]


def import_device(conn: Connection, person_id: int, person_code: str) -> int:
    """The device that stands for files imported for a person; made when first needed, its credential is known to none."""
    code = f"import:{person_code}"
    found = conn.execute(select(device.c.id).where(device.c.code == code)).scalar()
    if found is not None:
        return int(found)
    device_id = insert_device(conn, {"code": code, "token_hash": secrets.token_bytes(32), "format": "import"})
    conn.execute(
        insert(device_holder).values(device_id=device_id, person_id=person_id, valid=Range(None, None))
    )
    return device_id


def _refuse_gateway(conn: Connection, code: str, why: str) -> None:
    if conn.execute(select(device.c.is_gateway).where(device.c.code == code)).scalar():
        raise Conflict(f"“{code}” is a gateway and {why}")


def _device_id(conn: Connection, code: str) -> int:
    found = conn.execute(select(device.c.id).where(device.c.code == code)).scalar()
    if found is None:
        raise NotFound(f"there is no device “{code}”; `wangge devices list` shows them")
    return int(found)


def _person_id(conn: Connection, code: str) -> int:
    found = conn.execute(select(person.c.id).where(person.c.code == code)).scalar()
    if found is None:
        raise NotFound(f"there is no person “{code}”; `wangge people import` brings them in")
    return int(found)
