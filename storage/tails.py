"""How a record lies in the database: without the bytes that its whole log begins with."""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.record import CONTEXT, CommunityId

_WHOLE = 0x9C  # the first byte of a header, an array of 12; no seq begins so


def opening_of(community: CommunityId, author: DeviceKey) -> bytes:
    """Return the bytes that begin every record of a log, but a founding one."""
    return bytes([_WHOLE]) + codec.encode([CONTEXT, community, author])[1:]


def whole(opening: bytes, tail: bytes) -> bytes:
    """Return the bytes of a record from what the view `held` has of it."""
    return tail if tail[0] == _WHOLE else opening + tail


def fitting(wires: Iterator[bytes] | list[bytes], bytes_max: int) -> list[bytes]:
    """Return as many from the beginning as fit in `bytes_max`, and at least one."""
    if isinstance(wires, list) and sum(map(len, wires)) <= bytes_max:
        return wires
    fitting: list[bytes] = []
    total = 0
    for wire in wires:
        total += len(wire)
        if fitting and total > bytes_max:
            break
        fitting.append(wire)
    return fitting
