"""Gateways: one credential that speaks for the devices registered under it, and for nothing else.

A gateway is in nobody's hands and has no positions of its own. What it says of a name that is not registered under
it is not stored, but counted; so a server may forward all it has, and only what the operator named comes in.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from core.errors import Invalid, NotFound
from tracking.devices.registry import (
    Device,
    Settings,
    check_values,
    insert_device,
    insert_held,
    read_device,
    token_hash,
)
from tracking.formats import Report
from tracking.tables import device

UNREGISTERED = "not_registered"

Name = tuple[int, str]
"""A gateway's id, and the name it gives a device of its."""


def add_gateway(conn: Connection, code: str) -> str:
    """Register a gateway; returns its credential, which is never shown again."""
    check_values({"code": code})
    token = secrets.token_urlsafe(24)
    insert_device(conn, {"code": code, "token_hash": token_hash(token), "is_gateway": True})
    return token


def add_device_behind(
    conn: Connection,
    code: str,
    person_code: str,
    settings: Settings,
    *,
    behind: tuple[str, str],
    now: datetime,
) -> None:
    """Register a device that a gateway speaks for, in a person's hands from now on; it has no credential of its own.

    `behind`: the gateway's code, and the name it gives the device (Traccar's uniqueId).
    """
    gateway_code, unique_id = behind
    gateway_id = conn.execute(
        select(device.c.id).where(device.c.code == gateway_code, device.c.is_gateway)
    ).scalar()
    if gateway_id is None:
        raise NotFound(
            f"there is no gateway “{gateway_code}”; `wangge devices add {gateway_code} --gateway` makes it"
        )
    if not (1 <= len(unique_id) <= 200 and unique_id.isprintable()):
        raise Invalid(f"“{unique_id[:80]}” is no name of a device: use 1 to 200 printable characters")
    nobodys = {"token_hash": secrets.token_bytes(32), "gateway_id": gateway_id, "unique_id": unique_id}
    insert_held(conn, code, person_code, settings, now=now, more=nobodys)


def gateway_devices(conn: Connection, names: Collection[Name]) -> Mapping[Name, Device]:
    """The device behind each of these names; one revoked or not registered is left out."""
    storable = [name for name in names if name[1].isprintable()]
    if not storable:
        return {}
    rows = conn.execute(
        select(device).where(
            tuple_(device.c.gateway_id, device.c.unique_id).in_(storable), device.c.revoked_at.is_(None)
        )
    )
    return {(row.gateway_id, row.unique_id): read_device(row) for row in rows}


def resolve_gateways(conn: Connection, read: Sequence[tuple[Device, Report]]) -> list[tuple[Device, Report]]:
    """Each report with the device it is of: its sender, or the one behind a gateway that the report names.

    What a gateway says of any other device is emptied, and `ignored` says so. No query where no gateway is among
    the senders.
    """
    names = {
        (sender.id, report.speaks_for)
        for sender, report in read
        if sender.is_gateway and report.speaks_for is not None
    }
    known = gateway_devices(conn, names)
    return [_resolve(sender, report, known) for sender, report in read]


def _resolve(sender: Device, report: Report, known: Mapping[Name, Device]) -> tuple[Device, Report]:
    if not sender.is_gateway:
        return sender, report
    found = known.get((sender.id, report.speaks_for or ""))
    if found is None:
        return sender, replace(report, fixes=(), heartbeats=(), others=(), ignored=UNREGISTERED)
    return found, report
