"""The content of data that stays with its owner: its hash, and the parts in which it is handed on.

The record of the data names the hash under a random key that the owner keeps, so that nobody finds
out a short content by trying. Each part begins with that key, so who may read the content can check
it. (docs/protocol.md, "Data that stays with its owner".) Who may read is the ledger's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.protocol.errors import UnfitContent
from commonweal.protocol.keys import CONTENT, hash32

CONTENT_KEY_BYTES = 32
PART_BYTES_MAX = 60 * 1024
"""Bytes of content in one part: with its key and 16 devices it fits a sealed body of 64 KiB."""
PARTS_MAX = 32
CONTENT_BYTES_MAX = PARTS_MAX * PART_BYTES_MAX
"""1,966,080 bytes: every node keeps the sealed parts of each use until they are erased."""


def content_hash(key: bytes, content: bytes) -> bytes:
    """Return the 32-byte hash by which a record names `content`. key: 32 random bytes."""
    assert len(key) == CONTENT_KEY_BYTES, "a key of another length would move the content's begin"
    return hash32(CONTENT, key, content)


def part_count(size: int) -> int:
    """Return in how many parts a content of `size` bytes is handed on. size: 1 or more."""
    return -(-size // PART_BYTES_MAX)


def part_of(key: bytes, content: bytes, number: int) -> bytes:
    """Return what is sealed as part `number`, from 0 on: the key, and its bytes of the content."""
    assert 0 <= number < part_count(len(content)), "no part lies beyond the content"
    return key + content[number * PART_BYTES_MAX : (number + 1) * PART_BYTES_MAX]


def joined(parts: Sequence[bytes], expected: bytes, size: int) -> bytes:
    """Return the content that `parts` make in their order.

    expected, size: hash and size in bytes that the record names. Raises UnfitContent when the parts
    make something else.
    """
    key = parts[0][:CONTENT_KEY_BYTES] if parts else b""
    if len(key) != CONTENT_KEY_BYTES or any(not part.startswith(key) for part in parts):
        raise UnfitContent("its parts begin with different keys")
    content = b"".join(part[CONTENT_KEY_BYTES:] for part in parts)
    if len(content) != size:
        raise UnfitContent(f"{len(content)} bytes, not {size}")
    if content_hash(key, content) != expected:
        raise UnfitContent("its hash is another")
    return content
