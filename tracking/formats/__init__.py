"""What phones send, recognised by body: pure functions from a message to a report, one module a family of clients.

Clients change their content types and versions without notice, so neither is looked at.
"""

from collections.abc import Mapping
from typing import Protocol

from tracking.formats import colota, forms, geojson, native, overland, owntracks, traccar, traccar_server
from tracking.formats.report import Message, Profile, Report, UnknownFormat, load_json

__all__ = [
    "FORMATS",
    "OWN",
    "USUAL_UNITS",
    "Message",
    "Profile",
    "Report",
    "UnknownFormat",
    "gives_up",
    "read_report",
]


class Format(Protocol):
    """One family of clients: pure functions of a message and its JSON value (None: it is no JSON)."""

    @property
    def CLIENTS(self) -> Mapping[str, str | None]:  # noqa: N802  (a constant of the module)
        """Each client's name, as `Report.format` has it, and its usual unit of speed; None: the format itself says it."""

    def recognise(self, message: Message, value: object, /) -> bool: ...

    def read(self, message: Message, value: object, profile: Profile, /) -> Report: ...


FORMATS: tuple[Format, ...] = (
    owntracks,
    native,
    overland,
    traccar,
    traccar_server,
    geojson,
    colota,
    forms,
)
"""Tried in this order."""
OWN: tuple[Format, ...] = (native, geojson)
"""The two formats of POST /v1/fixes."""
USUAL_UNITS: Mapping[str, str | None] = {
    name: unit for each in FORMATS for name, unit in each.CLIENTS.items()
}
"""Every client known here with its usual unit of speed; what `wangge devices … --format` takes, beside `auto`."""


def gives_up(message: Message) -> bool:
    """Whether the sender throws a position away when it is refused a few times, as most keep it until it is taken.

    Looked at before the message is read: when there is no room for it, such a sender is better kept waiting.
    """
    return traccar_server.gives_up(message) or forms.gives_up(message)


def read_report(message: Message, profile: Profile, *, own: bool = False) -> Report:
    """The report of one message; `value` given to the formats is its JSON value, None for forms and empty bodies.

    UnknownFormat when no format recognises it; Invalid when it is meant to be JSON and is not.
    """
    value = (
        load_json(message.body) if message.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else None
    )
    for candidate in OWN if own else FORMATS:
        if candidate.recognise(message, value):
            return candidate.read(message, value, profile)
    raise UnknownFormat(
        'send {"fixes": [{"fixed_at", "lon", "lat", …}]} or GeoJSON points; phone clients go to /v1/ingest'
        if own
        else "no phone client known here sends such a body; the formats are listed in docs/phones.md"
    )
