"""Numbers in place of persons: the same person has the same one, and nobody without the installation's secret can tell whose."""

import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from core.errors import Invalid

_BITS: Final = 62
"""Positive, and a difference of two of them is still a 64-bit number."""


class Pseudonyms:
    """Keyed by a secret that never leaves the installation, so that trying all persons out gives nothing."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[int, int] = {}

    def of(self, person_id: int) -> int:
        if person_id not in self._known:
            told = hmac.digest(self._secret, f"person {person_id}".encode(), "sha256")
            self._known[person_id] = int.from_bytes(told[:8]) >> (64 - _BITS)
        return self._known[person_id]

    def of_all(self, people: Iterable[int]) -> dict[int, int]:
        """Person → pseudonym. Invalid where two would share one: of a million persons, once in ten million secrets."""
        made = {person_id: self.of(person_id) for person_id in people}
        if len(set(made.values())) < len(made):
            raise Invalid(
                "two persons would have one pseudonym; move the secret away, export everything again"
            )
        return made

    @property
    def mark(self) -> str:
        """Tells another secret's pseudonyms apart and nothing about it."""
        return hmac.digest(self._secret, b"mark", "sha256").hex()[:16]


def read_pseudonyms(path: Path) -> Pseudonyms:
    """Those of the secret in this file, which is made once, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(part, path)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            part.unlink()
    secret = path.read_bytes()
    if len(secret) != 32:
        raise Invalid(f"{path}: is no secret of 32 bytes; restore it, or move it away for new pseudonyms")
    return Pseudonyms(secret)
