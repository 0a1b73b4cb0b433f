"""What can go wrong, in words for people: each message names the value and the remedy.

The domain raises these; `api` maps them to HTTP statuses in one table and `cli` to exit codes.
Bad data is not an exception: one bad row or fix is a finding or a flag, and the rest goes through.
"""

from collections.abc import Mapping
from typing import Any


class Text(str):
    """A text that also says what it was made of, so that a page can say it in its own language."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, str]

    @property
    def parts(self) -> dict[str, Any]:
        """What it was made of, as an answer tells it to a page."""
        return {"template": self.template, "values": dict(self.values)}


def told(template: str, **values: object) -> Text:
    """The template with its {blanks} filled; it stands in the pages' catalogues as it stands here."""
    filled = {name: str(value) for name, value in values.items()}
    text = Text(template.format(**filled))
    text.template, text.values = template, filled
    return text


class WanggeError(Exception):
    """Something a person can act on; `str(error)` is the text they read."""

    @property
    def said(self) -> Text | None:
        """The text with what it was made of; None for one that only stands in English."""
        text = self.args[0] if self.args else None
        return text if isinstance(text, Text) else None


class NotFound(WanggeError):  # noqa: N818  (the house's words)
    """There is no such thing, or the caller may not know that there is."""


class Conflict(WanggeError):  # noqa: N818
    """The request fights with what is stored."""


class Invalid(WanggeError):  # noqa: N818
    """The input cannot be read or makes no sense."""


class Refused(WanggeError):  # noqa: N818
    """The caller is known and may not do this."""


class Unavailable(WanggeError):  # noqa: N818
    """Something that is needed is not there now; trying later may help."""
