"""Messages of state sync, by which a newcomer fetches the final state of a seal.

Chunks of the state are bytes here, in parts that fit a frame; `ledger.checkpoint.snapshot` reads
and verifies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from commonweal.protocol.ledger.checkpoint.snapshot import CHUNK_BYTES_MAX, DEPTH_CHUNKS_MAX

PART_BYTES_MAX = 448 * 1024


@dataclass(frozen=True, slots=True)
class WantState:
    """Requests a chunk of the final state at `height`, from `offset` on; height 0: any height."""

    height: int
    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class StatePart:
    """A part of chunk `number` of 2**depth. size: of the chunk. offset: where the part begins.

    Height 0 without data: the sender has no state of the requested height.
    """

    height: int
    depth: int
    number: int
    size: int
    offset: int
    data: bytes


StateMessage: TypeAlias = WantState | StatePart


def to_list(message: StateMessage) -> list[Any]:
    """Return the fields of `message`; the first is its name."""
    match message:
        case WantState(height, number, offset):
            return ["want-state", height, number, offset]
        case StatePart(height, depth, number, size, offset, data):
            return ["state", height, depth, number, size, offset, data]
        case _:
            assert_never(message)


def read(fields: list[Any]) -> StateMessage | None:
    """Return the message with these fields; None for another message."""
    match fields:
        case ["want-state", height, number, offset] if (
            _is_count(height)
            and _is_count(number, 2**DEPTH_CHUNKS_MAX - 1)
            and _is_count(offset, CHUNK_BYTES_MAX)
        ):
            return WantState(height, number, offset)
        case ["state", height, depth, number, size, offset, bytes(data)] if (
            _is_count(height)
            and _is_count(depth, DEPTH_CHUNKS_MAX)
            and _is_count(number, 2**depth - 1)
            and _is_count(size, CHUNK_BYTES_MAX)
            and _is_count(offset, size)
            and len(data) <= min(PART_BYTES_MAX, size - offset)
            and bool(data) is bool(height)
        ):
            return StatePart(height, depth, number, size, offset, data)
        case _:
            return None


def _is_count(value: object, most: int = 2**63 - 1) -> bool:
    return type(value) is int and 0 <= value <= most
