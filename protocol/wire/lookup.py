"""Messages by which a light home asks for one record that it does not keep.

The answer has the record and those after it up to the end of its log in the first cut that covers
it. The asker compares their hashes with that cut in its own chain of seals, so it believes nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import RECORD_BYTES_MAX, RecordId
from commonweal.protocol.seal.cut import CUT_RECORDS_MAX

GIVEN_BYTES_AIM = 448 * 1024
"""Records in one answer, unless the first alone is larger."""
GIVEN_RECORDS_MAX = 16_384
TEXT_BYTES_MAX = 128 * 1024
"""A body up to this size travels with its record."""


@dataclass(frozen=True, slots=True)
class WantRecord:
    """Requests a record by its id, and what follows it; skip: so many of these are known."""

    id: RecordId
    skip: int


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """Records of a log from `skip` after the requested one on; none: the sender has no more.

    body: of the requested record, where `skip` is 0 and the sender has one to show.
    """

    id: RecordId
    skip: int
    wires: tuple[bytes, ...]
    body: bytes | None


LookupMessage: TypeAlias = WantRecord | GivenRecord


def to_list(message: LookupMessage) -> list[Any]:
    """Return the fields of `message`; the first is its name."""
    match message:
        case WantRecord(id, skip):
            return ["want-record", id, skip]
        case GivenRecord(id, skip, wires, body):
            return ["given-record", id, skip, list(wires), body]
        case _:
            assert_never(message)


def read(fields: list[Any]) -> LookupMessage | None:
    """Return the message with these fields; None for another message."""
    match fields:
        case ["want-record", bytes(id), skip] if len(id) == HASH_BYTES and _is_skip(skip):
            return WantRecord(RecordId(id), skip)
        case ["given-record", bytes(id), skip, list(wires), None | bytes() as body] if (
            len(id) == HASH_BYTES
            and _is_skip(skip)
            and len(wires) <= GIVEN_RECORDS_MAX
            and all(type(wire) is bytes and len(wire) <= RECORD_BYTES_MAX for wire in wires)
            and len(body or b"") <= TEXT_BYTES_MAX
        ):
            return GivenRecord(RecordId(id), skip, tuple(wires), body)
        case _:
            return None


def _is_skip(value: object) -> bool:
    return type(value) is int and 0 <= value <= CUT_RECORDS_MAX
