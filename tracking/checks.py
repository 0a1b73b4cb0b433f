"""What is judged of a fix: reasons to keep it off the map, and the digest that decides between two of one instant.

A fix with no flag is accepted; one with any is kept, and left out of maps and sums. All but
`implausible_speed` are decided from the fix and its receipt alone; that one follows from the stored
neighbours and is judged again when they change (sql/reassess_speed.sql).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from core.settings import Settings


class Flag(IntFlag):
    """Bits of `fix.flags`."""

    NULL_ISLAND = 1
    OUT_OF_RANGE = 2
    FUTURE = 4
    TOO_OLD = 8
    IMPLAUSIBLE_SPEED = 16
    LOW_ACCURACY = 32
    MOCK = 64
    NO_TIME = 128
    NO_COORDINATES = 256


_NULL_ISLAND_DEG = 1e-3


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of the checks, from the settings."""

    future_tolerance_s: float = 300
    too_old_days: float = 30
    low_accuracy_m: float = 100
    implausible_speed_mps: float = 50


def rules_of(settings: Settings) -> Rules:
    return Rules(
        future_tolerance_s=settings.future_tolerance_s,
        too_old_days=settings.too_old_days,
        low_accuracy_m=settings.low_accuracy_m,
        implausible_speed_mps=settings.implausible_speed_mps,
    )


def flag_names(flags: int) -> list[str]:
    """The reasons in a flag value, in lower case."""
    return [flag.name.lower() for flag in Flag if flag.name and flags & flag]


def flags_of_place(
    lon: NDArray[np.float64], lat: NDArray[np.float64], accuracy_m: NDArray[np.float64], rules: Rules
) -> NDArray[np.int32]:
    """Flags that follow from where a fix says it is; NaN means not told."""
    missing = np.isnan(lon) | np.isnan(lat)
    outside = ~missing & ((np.abs(lon) > 180) | (np.abs(lat) > 90))
    null = (np.abs(lon) < _NULL_ISLAND_DEG) & (np.abs(lat) < _NULL_ISLAND_DEG)
    return (
        missing * np.int32(Flag.NO_COORDINATES)
        | outside * np.int32(Flag.OUT_OF_RANGE)
        | null * np.int32(Flag.NULL_ISLAND)
        | (accuracy_m > rules.low_accuracy_m) * np.int32(Flag.LOW_ACCURACY)
    ).astype(np.int32)


def flags_of_receipt(fixed_at: NDArray[np.datetime64], now: datetime, rules: Rules) -> NDArray[np.int32]:
    """Flags that follow from when a fix was received; outside the law that order changes nothing."""
    ahead_s = (fixed_at - np.datetime64(now.replace(tzinfo=None), "us")) / np.timedelta64(1, "s")
    return (
        (ahead_s > rules.future_tolerance_s) * np.int32(Flag.FUTURE)
        | (-ahead_s > rules.too_old_days * 86400) * np.int32(Flag.TOO_OLD)
    ).astype(np.int32)


def digests(columns: list[NDArray[np.float64]]) -> NDArray[np.int64]:
    """A signed 64-bit digest of each row of the canonical fields (NaN: none); no time and no identity is in it."""
    rows = np.column_stack(columns) + 0.0  # -0.0 and 0.0 are one number
    rows[np.isnan(rows)] = np.nan  # and so are all NaN
    return np.array(
        [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "big", signed=True) for row in rows],
        np.int64,
    )
