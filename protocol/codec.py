"""Canonical MessagePack: every value has exactly one encoding.

Signatures cover bytes, so a value with two encodings could be signed in two ways. `decode`
accepts only what `encode` writes: shortest forms; map keys that are strings, unique and sorted by
their UTF-8 bytes; integers within int64; no floats, extensions or timestamps. (MessagePack
specification, restricted; docs/protocol.md, "Values".)

One encoded byte can become a Python object of 64 bytes, so values are counted while they are
built: a caller that decodes outside bytes passes the limit of its format. Nothing here knows any
format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

import msgpack

from commonweal.protocol.errors import Malformed

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[str, Value] | None"

DEPTH_MAX = 8
"""Levels of nesting of lists and maps; a scalar has depth 0."""

VALUES_MAX = 1024 * 1024
"""Values in one encoding, unless its format allows fewer: each item, map key and container."""

FEW_VALUES_MAX = 16
"""Values in an array of a few byte strings, each of which is decoded by itself or not at all."""

UNCOUNTED_BYTES_MAX = 4096
"""Data up to this size is decoded without counting when its format allows that many values."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

_NO_VALUE = (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException)
"""What msgpack raises for bytes that are not MessagePack or not within the limits."""

_LEAVES = frozenset({str, bytes, bool, type(None)})


# One shared packer: making one costs more than packing most values. It never calls into Python.
_pack: Callable[[object], bytes] = msgpack.Packer(use_bin_type=True).pack


def encode(value: Value, depth_max: int = DEPTH_MAX) -> bytes:
    """Return the canonical encoding of `value`.

    depth_max: levels of nesting. Raises `Malformed` for other types, too deep nesting, integers
    beyond int64, and map keys that are not strings.
    """
    return encode_ordered(ordered(value, depth_max))


def ordered(value: Value, depth_max: int = DEPTH_MAX) -> Value:
    """Return `value` as `decode` returns it from its encoding: a copy with all map keys sorted.

    Raises `Malformed` as `encode` does, except for strings that are not Unicode.
    """
    try:
        return _ordered(value, depth_max)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(str(error)) from error


def encode_ordered(value: Value) -> bytes:
    """Return the canonical encoding of what `ordered` returned. Raises `Malformed`."""
    try:
        return _pack(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(str(error)) from error


def decode(data: bytes, depth_max: int = DEPTH_MAX, values_max: int = VALUES_MAX) -> Value:
    """Return the value whose canonical encoding is `data`.

    values_max: number of values allowed, counting the outermost one, items and map keys. Raises
    `Malformed` for any other bytes, also for MessagePack that is not canonical.
    """
    try:
        if len(data) <= min(values_max, UNCOUNTED_BYTES_MAX):
            value = msgpack.unpackb(data, raw=False, ext_hook=_no_extension, timestamp=3)
        else:
            value = _unpack_counted(data, values_max)
        _check((value,), depth_max)
        again = _pack(value)
    except _NO_VALUE as error:
        raise Malformed(f"not canonical MessagePack: {error}") from error
    if again != data:
        raise Malformed("not canonical MessagePack: a shorter encoding exists")
    return cast(Value, value)


def decode_again(data: bytes) -> Any:
    """Return the value of bytes that this process has decoded before; nothing is checked."""
    return msgpack.unpackb(data, raw=False)


def is_within(data: bytes, values_max: int) -> bool:
    """Whether `data` is MessagePack of at most `values_max` values, canonical or not."""
    try:
        _unpack_counted(data, values_max)
    except (Malformed, *_NO_VALUE):
        return False
    return True


def _unpack_counted(data: bytes, values_max: int) -> Any:
    """Return the value in `data`; raise `Malformed` before twice `values_max` values are built.

    The items of a container are counted when it is complete; the unpacker refuses a container
    that announces too many.
    """
    room = values_max - 1

    def listed(items: list[Any]) -> list[Any]:
        nonlocal room
        room -= len(items)
        if room < 0:
            raise Malformed(f"more than {values_max} values in {len(data)} bytes")
        return items

    def mapped(items: dict[Any, Any]) -> dict[Any, Any]:
        nonlocal room
        room -= 2 * len(items)
        if room < 0:
            raise Malformed(f"more than {values_max} values in {len(data)} bytes")
        return items

    most = min(values_max, len(data))
    return msgpack.unpackb(
        data,
        raw=False,
        ext_hook=_no_extension,
        timestamp=3,
        max_array_len=most,
        max_map_len=most,
        list_hook=listed,
        object_hook=mapped,
    )


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
            if not _LEAVES.issuperset(map(type, item)):
                _check(item, room - 1)
        elif item:
            # A duplicate key is lost here, so that the encoding again is shorter. Python compares
            # strings by code point, which is the order of their UTF-8 bytes.
            names = list(item)
            if names != sorted(names) or type(names[0]) is not str:
                raise ValueError("map keys are not sorted strings")
            _check(item.values(), room - 1)


def _no_extension(code: int, data: bytes) -> None:
    raise ValueError(f"extension type {code} is not allowed")
