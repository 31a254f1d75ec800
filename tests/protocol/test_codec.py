"""Canonical MessagePack: one value, one encoding, and nothing else is read."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commonweal.protocol import codec
from commonweal.protocol.codec import DEPTH_MAX, INT_MAX, INT_MIN
from commonweal.protocol.errors import Malformed

NOT_SHORTEST = {
    "0 as uint8": "cc00",
    "127 as uint8": "cc7f",
    "0 as uint16": "cd0000",
    "255 as uint16": "cd00ff",
    "65535 as uint32": "ce0000ffff",
    "2^32-1 as uint64": "cf00000000ffffffff",
    "0 as int8": "d000",
    "127 as int8": "d07f",
    "-32 as int8": "d0e0",
    "-128 as int16": "d1ff80",
    "-32768 as int32": "d2ffff8000",
    "-2^31 as int64": "d3ffffffff80000000",
    "128 as int16": "d10080",
    "32768 as int32": "d200008000",
    "2^31 as int64": "d30000000080000000",
    "empty string as str8": "d900",
    "31 bytes of text as str8": "d91f" + "61" * 31,
    "255 bytes of text as str16": "da00ff" + "61" * 255,
    "65535 bytes of text as str32": "db0000ffff" + "61" * 65535,
    "empty bytes as bin16": "c50000",
    "255 bytes as bin16": "c500ff" + "00" * 255,
    "65535 bytes as bin32": "c60000ffff" + "00" * 65535,
    "empty list as array16": "dc0000",
    "15 items as array16": "dc000f" + "00" * 15,
    "65535 items as array32": "dd0000ffff" + "00" * 65535,
    "empty map as map16": "de0000",
    "one pair as map16": "de0001a16100",
    "empty map as map32": "df00000000",
    "one pair as map32": "df00000001a16100",
}

NOT_OURS = {
    "nothing": "",
    "two values": "c0c0",
    "trailing byte": "9000",
    "the byte that is never used": "c1",
    "a list that ends early": "9200",
    "a map that ends early": "81a161",
    "a string that ends early": "a261",
    "bytes that end early": "c40200",
    "a length that ends early": "da00",
    "an integer that ends early": "ce0000",
    "a list that claims 4 billion items": "ddffffffff",
    "a map that claims 4 billion pairs": "dfffffffff",
    "bytes that claim 4 GiB": "c6ffffffff",
    "float32": "ca00000000",
    "float64": "cb3ff0000000000000",
    "float64 nan": "cb7ff8000000000000",
    "fixext1": "d40100",
    "fixext2": "d5010000",
    "fixext8": "d701" + "00" * 8,
    "fixext16": "d801" + "00" * 16,
    "ext8": "c70101" + "00",
    "ext16": "c8000101" + "00",
    "ext32": "c9000000010100",
    "timestamp 32": "d6ff00000000",
    "timestamp 64": "d7ff0000000000000000",
    "timestamp 96": "c70cff" + "00" * 12,
    "2^63": "cf8000000000000000",
    "2^64-1": "cfffffffffffffffff",
    "2^63 in a map in a list": "9181a161cf8000000000000000",
    "a key twice": "82a16100a16100",
    "a key twice, apart": "83a16100a16200a16100",
    "keys out of order": "82a16200a16100",
    "a longer key before its prefix": "82a2616100a16100",
    "keys in UTF-16 order": "82a4f0908080" + "00" + "a3efbfbf00",
    "an integer key": "810000",
    "a nil key": "81c000",
    "a bytes key": "81c4016100",
    "a list key": "819000",
    "a map key": "818000",
    "text that is not UTF-8": "a1ff",
    "text that ends inside a character": "a1c3",
    "text with a surrogate": "a3eda080",
    "text with an overlong form": "a2c080",
    "text beyond Unicode": "a4f4908080",
    "a key that is not UTF-8": "81a1ff00",
}


@pytest.mark.parametrize("data", NOT_SHORTEST.values(), ids=NOT_SHORTEST)
def test_a_value_that_has_a_shorter_form_is_refused(data: str) -> None:
    with pytest.raises(Malformed, match="a shorter encoding exists"):
        codec.decode(bytes.fromhex(data))


@pytest.mark.parametrize("data", NOT_OURS.values(), ids=NOT_OURS)
def test_what_is_not_canonical_is_refused(data: str) -> None:
    with pytest.raises(Malformed, match="not canonical MessagePack"):
        codec.decode(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "c0"),
        (False, "c2"),
        (True, "c3"),
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65_536, "ce00010000"),
        (2**32, "cf0000000100000000"),
        (INT_MAX, "cf7fffffffffffffff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-129, "d1ff7f"),
        (-32_769, "d2ffff7fff"),
        (-(2**31) - 1, "d3ffffffff7fffffff"),
        (INT_MIN, "d38000000000000000"),
        ("", "a0"),
        ("共益", "a6e585b1e79b8a"),
        ("a" * 32, "d920" + "61" * 32),
        (b"", "c400"),
        (b"\0" * 256, "c50100" + "00" * 256),
        ([], "90"),
        ([0] * 16, "dc0010" + "00" * 16),
        ({}, "80"),
        ({"b": 1, "a": [None, True]}, "82a16192c0c3a16201"),
        ({"\U00010000": 0, "\uffff": 1}, "82a3efbfbf01a4f090808000"),
    ],
)
def test_the_edges_of_every_form_are_written_and_read(value: Any, data: str) -> None:
    assert codec.encode(value).hex() == data
    assert codec.decode(bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    "value",
    [
        *(INT_MAX + 1, INT_MIN - 1, 2**64, -(2**64), 1.0, math.nan, math.inf),
        *("\ud800", {"\udfff": 0}, {1: 2}, {b"a": 2}, {None: 1}, {True: 1}),
        *((1, 2), {1}, object(), bytearray(b"a"), memoryview(b"a"), [1.5], {"a": {"b": 0.0}}),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_what_has_no_encoding_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        codec.encode(value)


@pytest.mark.parametrize("kind", ["list", "map"])
def test_nesting_ends_at_its_limit(kind: str) -> None:
    value: Any = 1
    for _ in range(DEPTH_MAX):
        value = [value] if kind == "list" else {"a": value}
    assert codec.decode(codec.encode(value)) == value
    data = b"\x91" + codec.encode(value)
    with pytest.raises(Malformed, match="too deep"):
        codec.encode([value])
    with pytest.raises(Malformed, match="too deep"):
        codec.decode(data)
    assert codec.decode(data, DEPTH_MAX + 1) == [value]
    with pytest.raises(Malformed, match="too deep"):
        codec.decode(codec.encode([[]]), 1)


@pytest.mark.parametrize("nested", [1_000, 100_000])
def test_hostile_nesting_is_malformed_and_no_crash(nested: int) -> None:
    for opening in (b"\x91", b"\x81\xa1a", b"\xdd\x00\x00\x00\x01"):
        with pytest.raises(Malformed):
            codec.decode(opening * nested)
        with pytest.raises(Malformed):
            codec.decode(opening * nested + b"\xc0")
    value: Any = 1
    for _ in range(nested):
        value = [value]
    with pytest.raises(Malformed):
        codec.encode(value)


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ([0] * 5_000, 5_001),
        ([[]] * 5_000, 5_001),
        ([{}] * 5_000, 5_001),
        ({f"{n:05}": b"" for n in range(2_500)}, 5_001),
        ([[[1], {"a": 1}]] * 1_000, 6_001),
        ([b"x" * 5_000], 2),
    ],
    ids=["numbers", "lists", "maps", "pairs", "both", "a long one"],
)
def test_values_are_counted_up_to_their_limit(value: Any, values: int) -> None:
    data = codec.encode(value)
    assert codec.decode(data, values_max=values) == value
    assert codec.is_within(data, values)
    with pytest.raises(Malformed):
        codec.decode(data, values_max=values - 1)
    assert not codec.is_within(data, values - 1)


def test_a_list_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Malformed, match="too deep"):
        codec.encode(value)


def test_the_order_in_which_a_map_was_made_does_not_show() -> None:
    pairs = [("b", 1), ("a", 2), ("ab", 3), ("共", 4), ("", 5), ("\U0001f600", 6)]
    assert codec.encode(dict(pairs)) == codec.encode(dict(reversed(pairs)))
    decoded = codec.decode(codec.encode(dict(pairs)))
    assert isinstance(decoded, dict)
    assert [key.encode() for key in decoded] == sorted(key.encode() for key, _ in pairs)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT_MIN, INT_MAX)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=20)
    ),
    max_leaves=40,
)


def same(one: Any, two: Any) -> bool:
    """Whether two values are equal and of the same types: 1 is not True."""
    if type(one) is not type(two):
        return False
    if type(one) is list:
        return len(one) == len(two) and all(map(same, one, two))
    if type(one) is dict:
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return bool(one == two)


@given(VALUES)
def test_every_value_comes_back_from_its_encoding(value: Any) -> None:
    data = codec.encode(value, 64)
    decoded = codec.decode(data, 64)
    assert same(decoded, value)
    assert codec.encode(decoded, 64) == data


@given(st.binary(max_size=60))
@example(b"\xdc\x00\x01\x00")
@example(b"\x82\xa1a\x00\xa1a\x00")
def test_bytes_are_the_encoding_of_what_they_say_or_malformed(data: bytes) -> None:
    try:
        value = codec.decode(data)
    except Malformed:
        return
    assert codec.encode(value) == data


@given(VALUES, st.data())
def test_a_changed_encoding_is_another_value_or_malformed(value: Any, chosen: Any) -> None:
    data = bytearray(codec.encode(value, 64))
    data[chosen.draw(st.integers(0, len(data) - 1))] ^= chosen.draw(st.integers(1, 255))
    try:
        found = codec.decode(bytes(data), 64)
    except Malformed:
        return
    assert not same(found, value)
    assert codec.encode(found, 64) == data
