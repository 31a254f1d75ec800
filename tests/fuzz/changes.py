"""Changing good bytes into bad ones that still look good: what hypothesis draws from."""

from __future__ import annotations

from typing import Any

import msgpack
from hypothesis import strategies as st

from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed

BYTES_MAX = 4_096

_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, 2**31, 2**63 - 1]),
    st.binary(max_size=66),
    st.sampled_from([b"", bytes(16), bytes(32), bytes(64)]),
    st.text(max_size=40),
    st.floats(),
)
_values = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def inputs(draw: st.DrawFn, good: tuple[bytes, ...]) -> bytes:
    """Bytes for a door: junk, good bytes with some changed, or good values with some changed."""
    match draw(st.sampled_from(["junk", "bytes", "bytes", "values", "values", "values", "value"])):
        case "junk":
            return draw(st.binary(max_size=BYTES_MAX))
        case "bytes":
            return draw(_cut_and_pasted(draw(st.sampled_from(good))))
        case "values":
            data = draw(st.sampled_from(good))
            body, rest = _split(data)
            if body is None:
                return draw(_cut_and_pasted(data))
            return _packed(draw(_altered(body))) + rest
        case _:
            return _packed(draw(_values))


@st.composite
def _cut_and_pasted(draw: st.DrawFn, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        size = draw(st.integers(0, 8))
        match draw(st.sampled_from(["flip", "replace", "insert", "remove", "repeat", "end"])):
            case "flip" if at < len(changed):
                changed[at] ^= 1 << draw(st.integers(0, 7))
            case "replace":
                changed[at : at + size] = draw(st.binary(min_size=size, max_size=size))
            case "insert":
                changed[at:at] = draw(st.binary(max_size=8))
            case "remove":
                del changed[at : at + size]
            case "repeat":
                changed[at:at] = changed[at : at + 32]
            case _:
                del changed[at:]
    return bytes(changed[: 4 * BYTES_MAX])


def _split(data: bytes) -> tuple[Any, bytes]:
    """The value that data begins with, and what follows it; (None, data) where there is none."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
    unpacker.feed(data)
    try:
        value = unpacker.unpack()
    except (ValueError, msgpack.UnpackException):
        return None, data
    if not isinstance(value, list | dict):
        return None, data
    return value, data[unpacker.tell() :]


@st.composite
def _altered(draw: st.DrawFn, value: Any) -> Any:
    """The value with something in it replaced, at any depth."""
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(value) - 1))
        match draw(st.sampled_from(["into", "into", "into", "drop", "twice", "longer"])):
            case "drop":
                return value[:at] + value[at + 1 :]
            case "twice":
                return [*value[:at], value[at], *value[at:]]
            case "longer":
                return [*value, draw(_values)]
            case _:
                return [*value[:at], draw(_altered(value[at])), *value[at + 1 :]]
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value, key=repr)))
        if draw(st.integers(0, 4)) == 0:
            return {one: each for one, each in value.items() if one != key}
        return {**value, key: draw(_altered(value[key]))}
    if isinstance(value, bytes) and draw(st.booleans()):
        return draw(_cut_and_pasted(value))
    return draw(_values)


def _packed(value: Any) -> bytes:
    try:
        return codec.encode(value, 32)
    except (Malformed, TypeError):
        found: bytes = msgpack.packb(value, use_bin_type=True)
        return found
