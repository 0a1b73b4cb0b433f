"""OwnTracks in HTTP mode: one JSON object a request, `_type` says what it is. vel is km/h, zero values are left out."""

import base64
import binascii

import orjson
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from core.errors import Invalid
from tracking.formats.report import (
    Heartbeat,
    Message,
    Other,
    ParsedFix,
    Profile,
    Report,
    heading,
    instant,
    load_json,
    number,
    percent,
    speed,
)

CLIENTS = {"owntracks": "kmh"}
_CHARGING = {1: False, 2: True, 3: True}
_PING = "p"


def recognise(message: Message, value: object) -> bool:
    """Also an empty POST: OwnTracks sends some, and they mean nothing."""
    if message.method == "POST" and not message.body.strip() and not message.query:
        return True
    return isinstance(value, dict) and isinstance(value.get("_type"), str)


def read(_message: Message, value: object, profile: Profile) -> Report:
    item = value if isinstance(value, dict) else {}
    if item.get("_type") == "encrypted":
        item = _opened(item, profile)
    fixes, heartbeats, others = _sorted_out(item, profile)
    kind = item.get("_type")
    ignored = "empty" if kind is None else "lwt" if kind == "lwt" else None
    return Report("owntracks", fixes, heartbeats, others, reply=_reply(profile), ignored=ignored)


def _sorted_out(
    item: dict[str, object], profile: Profile
) -> tuple[tuple[ParsedFix, ...], tuple[Heartbeat, ...], tuple[Other, ...]]:
    at = instant(item.get("tst"))
    match item.get("_type"):
        case None:
            return (), (), ()
        case "location" if item.get("t") == _PING or ("lat" not in item and "lon" not in item):
            return (), (Heartbeat(at, percent(item.get("batt"))),), ()
        case "location":
            return (location_fix(item, profile.unit_of("owntracks", "kmh")),), (), ()
        case "status":
            return (), (Heartbeat(at, status=item),), ()
        case "transition":
            return (), (Heartbeat(at),), (Other(at, item),)
        case "lwt":  # the broker's word for a client it lost: no sign of life
            return (), (), ()
        case _:
            return (), (), (Other(at, item),)


def location_fix(item: dict[str, object], speed_unit: str) -> ParsedFix:
    """The fix of one `_type: location` object."""
    state = number(item.get("bs"))
    return ParsedFix(
        fixed_at=instant(item.get("tst")),
        lon=number(item.get("lon")),
        lat=number(item.get("lat")),
        accuracy_m=number(item.get("acc"), low=0),
        altitude_m=number(item.get("alt")),
        speed_mps=speed(item.get("vel"), speed_unit),
        heading_deg=heading(item.get("cog")),
        battery_pct=percent(item.get("batt")),
        charging=None if state is None else _CHARGING.get(int(state)),
        item=item,
    )


def _box(passphrase: str) -> SecretBox:
    return SecretBox(passphrase.encode()[:32].ljust(32, b"\0"))


def _opened(item: dict[str, object], profile: Profile) -> dict[str, object]:
    """The object inside an encrypted one: base64(nonce[24] ‖ secretbox), the key is the passphrase padded with zeros.

    One that the key does not open is kept sealed. Without a key nothing could ever be read, so the
    request is refused and the phone holds on to its queue until a key is set.
    """
    if profile.encryption_key is None:
        raise Invalid(
            "the payload is encrypted and this device has no key here: set one with `wangge devices set --key`"
        )
    try:
        sealed = base64.b64decode(str(item.get("data")), validate=True)
        opened = load_json(_box(profile.encryption_key).decrypt(sealed))
    except (CryptoError, ValueError, binascii.Error, Invalid):
        return item
    return opened if isinstance(opened, dict) and opened.get("_type") != "encrypted" else item


def _reply(profile: Profile) -> bytes:
    if profile.encryption_key is None:
        return b"[]"
    sealed = _box(profile.encryption_key).encrypt(b"[]")
    return orjson.dumps({"_type": "encrypted", "data": base64.b64encode(sealed).decode()})
