"""Rows of dots as JSON, a column each: encoding a thousand takes as long as forty would one by one."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from tracking.live import REASONS, STATES

_STATES: Final = np.array(STATES, object)
_REASONS: Final = np.array([*REASONS, None], object)
_CHARGING: Final = np.array([False, True, None], object)
"""By code; -1, the last: not told."""


def tell_columns(rows: NDArray[Any], units: Mapping[int, str]) -> bytes:
    """An object of columns in the order of `id`; one value stands for a column that says the same of everybody.

    To the precision a map shows: 0.1 m, 0.1 m/s, whole metres of accuracy. Times in seconds since 1970; `heard_at` null:
    as `fixed_at`.
    """
    fixed_at, heard_at = rows["fixed_at"], rows["heard_at"]
    columns = {
        "state": _worded(rows["state"], _STATES),
        "lon": _rounded(rows["lon"], 6),
        "lat": _rounded(rows["lat"], 6),
        "accuracy_m": _whole(rows["accuracy_m"]),
        "speed_mps": _rounded(rows["speed_mps"], 1),
        "heading_deg": _whole(rows["heading_deg"]),
        "battery_pct": _whole(rows["battery_pct"]),
        "charging": _worded(rows["charging"], _CHARGING),
        "fixed_at": _rounded(fixed_at, 3),
        "heard_at": _rounded(np.where(heard_at == fixed_at, np.nan, heard_at), 3),
        "expected_s": _rounded(rows["expected_s"], 0),
        "at_unit_code": _named(rows["unit"], units),
        "reason": _worded(rows["reason"], _REASONS),
    }
    return orjson.dumps(
        {"id": np.ascontiguousarray(rows["person_id"]), **columns}, option=orjson.OPT_SERIALIZE_NUMPY
    )


def _only(values: NDArray[Any]) -> bool:
    """Whether there is one value, and one alone; NaN equals itself."""
    if not len(values):
        return False
    same = values == values[0]
    if values.dtype.kind == "f":
        same |= np.isnan(values) & np.isnan(values[0])
    return bool(same.all())


def _rounded(values: NDArray[Any], digits: int) -> Any:
    told = np.round(values, digits)
    return told[0].item() if _only(told) else told


def _whole(values: NDArray[Any]) -> Any:
    """Whole numbers; as floats they would travel with a `.0`."""
    if _only(values):
        return None if np.isnan(values[0]) else round(float(values[0]))
    missing = np.isnan(values)
    if not missing.any():
        return np.round(values).astype(np.int64)
    told = np.round(np.where(missing, 0, values)).astype(np.int64).astype(object)
    told[missing] = None
    return told.tolist()


def _worded(codes: NDArray[Any], words: NDArray[Any]) -> Any:
    return words[codes[0]] if _only(codes) else words[codes].tolist()


def _named(versions: NDArray[Any], units: Mapping[int, str]) -> Any:
    if _only(versions):
        return units.get(int(versions[0]))
    return [units.get(one) for one in versions.tolist()]
