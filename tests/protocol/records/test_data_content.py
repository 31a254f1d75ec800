"""The content of data: its hash under a key, and its parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.errors import UnfitContent
from commonweal.protocol.records import data_content
from commonweal.protocol.records.data_content import (
    CONTENT_BYTES_MAX,
    CONTENT_KEY_BYTES,
    PART_BYTES_MAX,
    PARTS_MAX,
    content_hash,
    joined,
    part_count,
    part_of,
)

KEY = b"k" * 32
SIZES = [1, PART_BYTES_MAX - 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, CONTENT_BYTES_MAX]


def parts_of(key: bytes, content: bytes) -> list[bytes]:
    return [part_of(key, content, number) for number in range(part_count(len(content)))]


@pytest.mark.parametrize("size", SIZES)
def test_the_parts_of_a_content_make_it_again(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    parts = parts_of(KEY, content)
    assert len(parts) <= PARTS_MAX
    assert all(len(one) <= CONTENT_KEY_BYTES + PART_BYTES_MAX for one in parts)
    assert joined(parts, content_hash(KEY, content), size) == content


def test_the_largest_content_has_as_many_parts_as_there_may_be() -> None:
    assert part_count(CONTENT_BYTES_MAX) == PARTS_MAX
    assert part_count(CONTENT_BYTES_MAX + 1) == PARTS_MAX + 1


def test_the_hash_of_a_short_content_tells_nothing_without_its_key() -> None:
    assert content_hash(KEY, b"yes") != content_hash(b"l" * 32, b"yes")
    assert content_hash(KEY, b"yes") != content_hash(KEY, b"no")


@given(st.binary(min_size=1, max_size=100), st.data())
def test_what_is_not_the_content_is_refused(content: bytes, data: st.DataObject) -> None:
    expected = content_hash(KEY, content)
    place = data.draw(st.integers(0, len(content) - 1))
    spoiled = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    with pytest.raises(UnfitContent, match="its hash is another"):
        joined([KEY + spoiled], expected, len(content))
    with pytest.raises(UnfitContent, match="its hash is another"):
        joined([b"l" * 32 + content], expected, len(content))
    with pytest.raises(UnfitContent, match="bytes, not"):
        joined([KEY + content[:-1]], expected, len(content))
    with pytest.raises(UnfitContent, match="bytes, not"):
        joined([KEY + content, KEY], expected, len(content) + 1)


@pytest.mark.parametrize("parts", [[], [b""], [KEY[:-1]], [KEY + b"a", b"l" * 32 + b"b"]])
def test_parts_begin_with_the_same_key(parts: list[bytes]) -> None:
    with pytest.raises(UnfitContent, match="different keys"):
        joined(parts, content_hash(KEY, b"ab"), 2)


def test_no_part_lies_beyond_the_content() -> None:
    with pytest.raises(AssertionError):
        data_content.part_of(KEY, b"x", 1)
