"""The secrets of one demo installation: passwords of its accounts and credentials of its phones, in a file of its owner."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Keys:
    """`accounts`: login → password; `phones`: device code → credential; `desk`: bearer token of the desk's program."""

    accounts: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    desk: str = ""


def read_keys(folder: Path) -> Keys:
    """What was kept; empty in a new installation."""
    path = folder / "keys.json"
    return Keys(**json.loads(path.read_text("utf-8"))) if path.exists() else Keys()


def write_keys(folder: Path, keys: Keys) -> None:
    """Keep them, readable by the owner alone; whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".keys.{os.getpid()}"
    with os.fdopen(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(asdict(keys), file, indent=1)
    part.replace(folder / "keys.json")


def new_password() -> str:
    """Easy to type: three groups of letters and digits without look-alikes."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))
