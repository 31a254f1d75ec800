"""Canonical MessagePack: every value has exactly one encoding.

Signatures cover bytes, so a value that could be written in two ways could be signed in
two ways. `decode` therefore takes only what `encode` writes: shortest forms, map keys
strings, unique and sorted by their UTF-8 bytes, integers within int64, no floats,
extensions or timestamps. (MessagePack spec, restricted; see docs/protocol.md.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

import msgpack

from commonweal.protocol.errors import Malformed

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[str, Value] | None"

DEPTH_MAX = 8
"""Lists and maps may stand in each other this deep; a scalar has depth 0."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

_LEAVES = frozenset({str, bytes, bool, type(None)})


# One packer for all: making one costs more than most values. It never calls back into Python.
_pack: Callable[[object], bytes] = msgpack.Packer(use_bin_type=True).pack


def encode(value: Value, depth_max: int = DEPTH_MAX) -> bytes:
    """Return the one encoding of `value`; raise `Malformed` when it has none."""
    try:
        return _pack(_ordered(value, depth_max))
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(str(error)) from error


def decode(data: bytes, depth_max: int = DEPTH_MAX) -> Value:
    """Return the value whose encoding is `data`, or raise `Malformed`."""
    try:
        value = msgpack.unpackb(data, raw=False, ext_hook=_no_extension, timestamp=3)
        _check((value,), depth_max)
        again = _pack(value)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise Malformed(f"not canonical MessagePack: {error}") from error
    if again != data:
        raise Malformed("not canonical MessagePack: a shorter encoding exists")
    return cast(Value, value)


def _ordered(value: Value, room: int) -> Value:
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind is int:
        if INT_MIN <= value <= INT_MAX:  # type: ignore[operator]
            return value
        raise ValueError(f"{value!r} does not fit 64 bits")
    if room == 0:
        raise ValueError("nested too deep")
    room -= 1
    if kind is list:
        return [
            item if type(item) in _LEAVES else _ordered(item, room)
            for item in value  # type: ignore[union-attr]
        ]
    if kind is dict:
        ordered: dict[str, Value] = {}
        for key in sorted(value):  # type: ignore[arg-type,type-var]
            if type(key) is not str:
                raise TypeError("a map key is not a string")
            item = value[key]  # type: ignore[index,call-overload]
            ordered[key] = item if type(item) in _LEAVES else _ordered(item, room)
        return ordered
    raise TypeError(f"a {kind.__name__} cannot be encoded")


def _check(items: Iterable[Any], room: int) -> None:
    for item in items:
        kind = type(item)
        if kind in _LEAVES:
            continue
        if kind is int:
            if item > INT_MAX:
                raise ValueError(f"{item} does not fit 64 bits")
        elif kind is not list and kind is not dict:
            raise TypeError(f"a {kind.__name__} is not allowed")
        elif room == 0:
            raise ValueError("nested too deep")
        elif kind is list:
            _check(item, room - 1)
        elif item:
            # A key that stands twice is lost here, and the length then tells. The order of
            # code points, in which Python compares strings, is that of UTF-8 bytes.
            names = list(item)
            if names != sorted(names) or type(names[0]) is not str:
                raise ValueError("map keys are not sorted strings")
            _check(item.values(), room - 1)


def _no_extension(code: int, data: bytes) -> None:
    raise ValueError(f"extension type {code} is not allowed")
