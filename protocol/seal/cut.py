"""Cuts: how far each log is sealed, as a delta on the previous cut, under one root.

A cut has each log's length and the id of its last record, which also identifies the branch: one
branch of a forked log is sealed. It also names the devices that showed a have-frontier, since a
witness that is absent for long loses its seat. Whether the heads link to each other can be
checked only by a node that holds the records, not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import InvalidSeal, Malformed
from commonweal.protocol.keys import HASH_BYTES, KEY_BYTES, DeviceKey, short
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.field_checks import is_ascending, is_count
from commonweal.protocol.seal.quorum import WITNESSES_MAX

CUT_RECORDS_MAX = 50_000
"""New records in one cut."""

FULL_CUT_RECORDS = CUT_RECORDS_MAX // 2
"""A cut with this many new records is full: what it leaves out waits for the next seal."""

CUT_BYTES_MAX = 32 * 1024 * 1024
"""Bytes of all new records of one cut, headers and signatures."""

FULL_CUT_BYTES = CUT_BYTES_MAX // 2
"""A cut with this many bytes of new records is full as well."""

CUT_LOGS_MAX = 4096
"""Logs that grow in one cut, so that a proposal fits a frame."""

PRESENT_MAX = WITNESSES_MAX

DELTA_VALUES_MAX = 3 + 4 * CUT_LOGS_MAX + PRESENT_MAX
"""Values in the delta of one cut."""


class SealedLog(NamedTuple):
    """A log in a cut: its length, 1 or more, and the id of its last record."""

    author: DeviceKey
    length: int
    head: RecordId


class Delta(NamedTuple):
    """What a cut adds to the previous one. Both tuples ascend by device, without duplicates.

    logs: logs that grew, with their new length and head. present: devices whose have-frontiers
    were in the first proposal of this cut.
    """

    logs: tuple[SealedLog, ...]
    present: tuple[DeviceKey, ...]


Cut = Mapping[DeviceKey, SealedLog]
"""A whole cut: every log that is sealed so far, by author."""


def extend(last: Cut, delta: Delta) -> dict[DeviceKey, SealedLog]:
    """Return the cut `last` extended by `delta`.

    Raises `InvalidSeal` when a log does not grow or the delta has more than `CUT_RECORDS_MAX`
    records.
    """
    grown = new_records(last, delta)
    if grown > CUT_RECORDS_MAX:
        raise InvalidSeal(f"the cut holds {grown} new records, more than {CUT_RECORDS_MAX}")
    return {**last, **{log.author: log for log in delta.logs}}


def new_records(last: Cut, delta: Delta) -> int:
    """Return the number of records `delta` adds. Raises `InvalidSeal` when a log does not grow."""
    total = 0
    for log in delta.logs:
        before = length_in(last, log.author)
        if log.length <= before:
            raise InvalidSeal(f"the log of {short(log.author)} does not grow in the cut")
        total += log.length - before
    return total


def length_in(cut: Cut, author: DeviceKey) -> int:
    """Return the number of records of a log in `cut`."""
    log = cut.get(author)
    return log.length if log else 0


def tree_changes(logs: Iterable[SealedLog]) -> dict[bytes, bytes | None]:
    """Return `logs` as changes of the cut's Merkle tree, for `merkle.update`."""
    return {log.author: codec.encode([log.length, log.head]) for log in logs}


def cut_root(tree_root: bytes, present: tuple[DeviceKey, ...]) -> bytes:
    """Return the root of a cut, over the root of its tree of logs and the present devices."""
    return keys.hash32(keys.CUT, tree_root, codec.encode(list(present)))


def delta_fields(delta: Delta) -> list[codec.Value]:
    """Return the fields of `delta`, for a larger message."""
    return [[[*log] for log in delta.logs], list(delta.present)]


def delta_to_bytes(delta: Delta) -> bytes:
    """Return the bytes of `delta` as sent and stored."""
    return codec.encode(delta_fields(delta))


def delta_from_bytes(data: bytes) -> Delta:
    """Return the delta in `data`. Raises `Malformed`."""
    return read_delta(codec.decode(data, values_max=DELTA_VALUES_MAX))


def read_delta(value: Any) -> Delta:
    """Return the delta with these `delta_fields`. Raises `Malformed`."""
    match value:
        case [list(logs), list(present)] if (
            len(logs) <= CUT_LOGS_MAX and len(present) <= PRESENT_MAX
        ):
            devices = [
                device for device in present if type(device) is bytes and len(device) == KEY_BYTES
            ]
            delta = Delta(tuple(map(_log, logs)), tuple(map(DeviceKey, devices)))
            authors = [log.author for log in delta.logs]
            if len(devices) == len(present) and is_ascending(devices) and is_ascending(authors):
                return delta
    raise Malformed("not the delta of a cut")


def _log(value: Any) -> SealedLog:
    match value:
        case [bytes(author), length, bytes(head)] if (
            len(author) == KEY_BYTES and is_count(length) and length and len(head) == HASH_BYTES
        ):
            return SealedLog(DeviceKey(author), length, RecordId(head))
        case _:
            raise Malformed("not a log of a cut")
