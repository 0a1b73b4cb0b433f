"""Operations and units as JSON: how they are asked for, stored and given back. Geometry of operations is GeoJSON."""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid, told
from geo.operations import OPERATIONS, Operation, Restore, Unit

KINDS: dict[str, type[Operation]] = {**OPERATIONS, "restore": Restore}
NAMES = {kind: name for name, kind in KINDS.items()}


def read_operation(name: str, args: Mapping[str, Any]) -> Operation:
    """The operation of this name; Invalid names what is missing, strange or of the wrong kind."""
    kind = KINDS.get(name)
    if kind is None:
        raise Invalid(
            told(
                "there is no operation “{name}”; there are: {operations}",
                name=name,
                operations=", ".join(OPERATIONS),
            )
        )
    operation: Operation = _read(kind, args, name)
    return operation


def write_operation(operation: Operation) -> tuple[str, dict[str, Any]]:
    """Name and arguments; reading them gives an equal operation."""
    return NAMES[type(operation)], _write(operation)


def _read(kind: Any, value: Any, place: str) -> Any:
    if is_dataclass(kind):
        return _read_fields(kind, value, place)
    if get_origin(kind) in (typing.Union, types.UnionType):
        inner = next(each for each in get_args(kind) if each is not types.NoneType)
        return None if value is None else _read(inner, value, place)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), value, place)
    try:
        return _read_plain(kind, value)
    except (ValueError, TypeError, AttributeError, OverflowError, ShapelyError) as error:
        raise Invalid(told("{place} cannot be read: {value}", place=place, value=str(value)[:80])) from error


def _read_fields(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise Invalid(told("{place} has named fields", place=place))
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    if strange := sorted(set(value) - known):
        raise Invalid(
            told(
                "{place} has no {strange}; it has: {known}",
                place=place,
                strange=", ".join(strange),
                known=", ".join(sorted(known)),
            )
        )
    read = {name: _read(hints[name], each, f"{place}.{name}") for name, each in value.items()}
    try:
        return kind(**read)
    except TypeError as error:
        needed = ", ".join(sorted(known - set(value)))
        raise Invalid(told("{place} needs more: give {needed}", place=place, needed=needed)) from error


def _read_tuple(kinds: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise Invalid(told("{place} is a list", place=place))
    if kinds[-1] is Ellipsis:
        return tuple(_read(kinds[0], each, place) for each in value)
    if len(value) != len(kinds):
        raise Invalid(told("{place} has {kinds} values", place=place, kinds=len(kinds)))
    return tuple(_read(each_kind, each, place) for each_kind, each in zip(kinds, value, strict=True))


def _read_plain(kind: Any, value: Any) -> Any:
    if kind is BaseGeometry:
        shape = shapely.from_wkb(value) if isinstance(value, str) else shapely.from_geojson(json.dumps(value))
        xy = shapely.get_coordinates(shape)
        if shape.is_empty or not ((abs(xy[:, 0]) <= 180) & (abs(xy[:, 1]) <= 90)).all():
            raise ValueError
        return shapely.force_2d(shape)
    if kind is UUID:
        return UUID(value)
    if kind is int:
        return _whole(value)
    if kind is float:
        return _finite(value)
    if get_origin(kind) is typing.Literal:
        return next(each for each in [*get_args(kind), None] if each in (value, None)) or _not(value)
    if kind is str:
        return value if isinstance(value, str) else _not(value)
    return dict(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _finite(value: Any) -> float:
    number = float(value)
    return number if isfinite(number) else _not(value)


def _not(value: Any) -> Any:
    raise ValueError(value)


def _write(value: Any) -> Any:
    if isinstance(value, Unit):
        whole = {each.name: _write(getattr(value, each.name)) for each in fields(value)}
        return whole | {"geom": None if value.geom is None else shapely.to_wkb(value.geom, hex=True)}
    if is_dataclass(value):
        return {each.name: _write(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_write(each) for each in value]
    if isinstance(value, BaseGeometry):
        return json.loads(shapely.to_geojson(value))
    if isinstance(value, UUID):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value
