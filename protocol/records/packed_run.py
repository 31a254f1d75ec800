"""Packed runs: consecutive records of one log without the bytes that follow from each other.

Left out are the beginning that all records of a log share, the number and the predecessor of each
record, and clock and basis where these are foretold: 1 more than the clock before, and the same
basis. The rest is compressed (zlib, RFC 1950), but for the signatures, which are random. The id
of the last record covers all: whatever changed, unpacking fails. Nothing here checks a signature.

    version   1 byte, 1
    count     2 bytes, big-endian: 1 to RECORDS_MAX
    prev      32 bytes: what the first record follows
    last      32 bytes: the id of the last record
    signature 64 bytes a record
    zlib      sizes of the parts, 2 bytes each, big-endian; then the parts, one after the other

A part is the header of a record from `deps` on; where clock and basis are not foretold, as in the
first one, from `clock` on. The first byte tells which: an array, or an integer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import NamedTuple

import msgpack

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES, SIGNATURE_BYTES
from commonweal.protocol.records.record import (
    HEADER_BYTES_MAX,
    NO_ID,
    Record,
    RecordId,
    int_bytes,
    int_from_bytes,
)

RECORDS_MAX = 32
"""Records in one packed run: to read one of them all are unpacked, which takes 70 us."""
BYTES_MAX = 64 * 1024
"""Bytes of the records in one packed run, before they are packed."""
LEVEL = 1
"""Higher levels of zlib cost twice the time and save 1 %."""

_VERSION = 1
_HEAD = struct.Struct(f">BH{HASH_BYTES}s{HASH_BYTES}s")
_ID_FOLLOWS = bytes([0xC4, HASH_BYTES])
_ID_BYTES = len(_ID_FOLLOWS) + HASH_BYTES
_ARRAYS = frozenset(bytes([first]) for first in (*range(0x90, 0xA0), 0xDC))
"""First bytes of an array of up to 65,535 items."""

_pack = msgpack.Packer().pack
_hasher = keys.hasher(keys.RECORD)
_BASIS = attrgetter("basis")


class UnpackedRun(NamedTuple):
    """Records as bytes, and their ids."""

    wires: list[bytes]
    ids: list[RecordId]


def pack(opening: bytes, run: Sequence[Record]) -> bytes:
    """Return a verified run of one log, packed.

    opening: the bytes with which each record of the log begins. run: 1 to RECORDS_MAX records,
    none of them a founding one.
    """
    assert 0 < len(run) <= RECORDS_MAX and run[0].seq > 0
    parts = _alike(len(opening), run) or _parts(len(opening), run)
    sizes = struct.pack(f">{len(parts)}H", *map(len, parts))
    head = _HEAD.pack(_VERSION, len(run), run[0].prev, run[-1].id)
    signatures = [record.wire[-SIGNATURE_BYTES:] for record in run]
    return b"".join([head, *signatures, zlib.compress(b"".join([sizes, *parts]), LEVEL)])


def _parts(opening_bytes: int, run: Sequence[Record]) -> list[bytes]:
    """Return the parts of a run."""
    parts: list[bytes] = []
    clock, basis = 0, NO_ID
    for record in run:
        at = opening_bytes + int_bytes(record.seq) + _ID_BYTES
        if record.clock == clock + 1 and record.basis == basis:
            at += int_bytes(record.clock) + _ID_BYTES
        parts.append(record.wire[at:-SIGNATURE_BYTES])
        clock, basis = record.clock, record.basis
    return parts


def _alike(opening_bytes: int, run: Sequence[Record]) -> list[bytes] | None:
    """Return the parts of a run where clock and basis of all are foretold; None: see `_parts`.

    Numbers and clocks rise along a log, so that the ends tell all of them.
    """
    first, last = run[0], run[-1]
    if last.clock - first.clock != len(run) - 1 or len(set(map(_BASIS, run))) > 1:
        return None
    seq_bytes, clock_bytes = int_bytes(first.seq), int_bytes(first.clock)
    if int_bytes(last.seq) != seq_bytes or int_bytes(last.clock) != clock_bytes:
        return None
    at = opening_bytes + seq_bytes + _ID_BYTES
    rest = slice(at + clock_bytes + _ID_BYTES, -SIGNATURE_BYTES)
    return [first.wire[at:-SIGNATURE_BYTES], *[record.wire[rest] for record in run[1:]]]


def count(packed: bytes) -> int:
    """Return how many records a packed run says that it has. Raises `Malformed`."""
    if len(packed) < _HEAD.size or packed[0] != _VERSION:
        raise Malformed("not a packed run")
    number = int.from_bytes(packed[1:3], "big")
    if not 0 < number <= RECORDS_MAX:
        raise Malformed(f"a packed run of {number} records; 1 to {RECORDS_MAX} are allowed")
    return number


def text(packed: bytes) -> bytes:
    """Return the parts of all records, one after the other, to search in. Raises `Malformed`."""
    number = count(packed)
    return _inflated(packed, number)[2 * number :]


def parts(packed: bytes) -> list[bytes]:
    """Return of each record what ends where its header ends. Raises `Malformed`."""
    number = count(packed)
    inflated = _inflated(packed, number)
    ends = accumulate(struct.unpack_from(f">{number}H", inflated), initial=2 * number)
    return [inflated[start:end] for start, end in pairwise(ends)]


def unpack(opening: bytes, seq: int, packed: bytes) -> UnpackedRun:
    """Return the records of a packed run; `seq` is the number of the first one.

    Raises `Malformed` when they do not chain to the id that the run names as its last.
    """
    total = count(packed)
    _, _, prev, last = _HEAD.unpack_from(packed)
    inflated = _inflated(packed, total)
    sizes = struct.unpack_from(f">{total}H", inflated)
    at, signature_at = 2 * total, _HEAD.size
    begin, clock, basis = _hasher.copy, 0, b""
    wires: list[bytes] = []
    ids: list[RecordId] = []
    for number, size in zip(map(_pack, range(seq, seq + total)), sizes, strict=True):
        part = inflated[at : at + size]
        foretold = b""
        if part[:1] in _ARRAYS:
            clock = min(clock + 1, codec.INT_MAX)
            foretold = _pack(clock) + basis
        else:
            clock, end = int_from_bytes(part, 0)
            clock = min(clock, codec.INT_MAX)
            basis = part[end : end + _ID_BYTES]
        signature = packed[signature_at : signature_at + SIGNATURE_BYTES]
        wire = b"".join((opening, number, _ID_FOLLOWS, prev, foretold, part, signature))
        state = begin()
        state.update(wire)
        prev = state.digest()
        wires.append(wire)
        ids.append(RecordId(prev))
        at, signature_at = at + size, signature_at + SIGNATURE_BYTES
    if prev != last:
        raise Malformed("the records of a packed run are not those that it was made of")
    return UnpackedRun(wires, ids)


def _inflated(packed: bytes, number: int) -> bytes:
    """Return sizes and parts of a packed run of so many records."""
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(
            packed[_HEAD.size + number * SIGNATURE_BYTES :], number * (2 + HEADER_BYTES_MAX)
        )
    except zlib.error as error:
        raise Malformed(f"a packed run: {error}") from error
    sizes = inflated[: 2 * number]
    if not stream.eof or stream.unused_data or len(sizes) < 2 * number:
        raise Malformed("a packed run that ends too early, or too late")
    if sum(struct.unpack(f">{number}H", sizes)) != len(inflated) - 2 * number:
        raise Malformed("a packed run with parts of other sizes")
    return inflated
