"""How a record lies in the database: without the bytes that its whole log begins with."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.record import CONTEXT, CommunityId, RecordId

PREFIX_BYTES = 6
"""So much of an id is in the index; the rest is checked by hashing the record."""

_FIRST_64_BITS = struct.Struct(">q24x")
_WHOLE = 0x9C  # the first byte of a header, an array of 12; no seq begins so


def opening_of(community: CommunityId, author: DeviceKey) -> bytes:
    """Return the bytes that begin every record of a log, but a founding one."""
    return bytes([_WHOLE]) + codec.encode([CONTEXT, community, author])[1:]


def whole(opening: bytes, tail: bytes) -> bytes:
    """Return the bytes of a record from what the view `held` has of it."""
    return tail if tail[0] == _WHOLE else opening + tail


def prefix_of(record_id: bytes) -> int:
    """Return what the index has of an id: its first 48 bits, a signed number."""
    return int.from_bytes(record_id[:PREFIX_BYTES], "big", signed=True)


def prefixes_of(ids: Iterable[RecordId]) -> list[int]:
    """Return `prefix_of` of each, some times faster."""
    return [first >> 16 for (first,) in _FIRST_64_BITS.iter_unpack(b"".join(ids))]
