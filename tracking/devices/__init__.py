"""Devices: what sends, whose hands it is in, which gateway speaks for it, and what its own way says of its speeds."""

from tracking.devices.gateways import add_device_behind, add_gateway, gateway_devices, resolve_gateways
from tracking.devices.registry import (
    CRS_NAMES,
    FORMAT_NAMES,
    SPEED_UNITS,
    Device,
    DeviceRow,
    Settings,
    add_device,
    change_device,
    count_revoked,
    find_devices,
    hand_over,
    import_device,
    list_devices,
    renew_token,
    revoke_device,
    token_hash,
)
from tracking.devices.speed_units import Verdict, check_speed_units

__all__ = [
    "CRS_NAMES",
    "FORMAT_NAMES",
    "SPEED_UNITS",
    "Device",
    "DeviceRow",
    "Settings",
    "Verdict",
    "add_device",
    "add_device_behind",
    "add_gateway",
    "change_device",
    "check_speed_units",
    "count_revoked",
    "find_devices",
    "gateway_devices",
    "hand_over",
    "import_device",
    "list_devices",
    "renew_token",
    "resolve_gateways",
    "revoke_device",
    "token_hash",
]
