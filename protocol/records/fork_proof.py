"""Proofs that a device broke its own log. Each stands alone: two records, checked locally.

A fork: two authentic records with one number that follow the same record. A bad signature:
a record whose signature does not verify, and the next one, which does and links to it, so
that the author vouched for it. Either freezes the log: what lies from `seq` on counts for
nothing, for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.records import log
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    check_community,
    from_bytes,
    from_bytes_unchecked,
)

CONTEXT = "commonweal/1/proof"


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two records that convict their author. `seq` is where the log is frozen."""

    author: DeviceKey
    seq: int
    prev: RecordId
    """The id of the last good record, which authenticates all before it."""
    wires: tuple[bytes, bytes]

    def __str__(self) -> str:
        return f"proof against {short(self.author)} from #{self.seq}"

    @property
    def id(self) -> bytes:
        """The hash that names this proof."""
        return keys.hash32(keys.EVIDENCE, to_bytes(self))


def to_bytes(proof: ForkProof) -> bytes:
    """Return the bytes of `proof` as sent and stored."""
    return codec.encode([CONTEXT, *proof.wires])


def from_bytes_checked(data: bytes, community: CommunityId) -> ForkProof:
    """Return the proof in `data`.

    Raises `InvalidRecord` when it convicts nobody, or `Malformed`.
    """
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case [str(context), bytes(one), bytes(two)] if context == CONTEXT:
            return check(from_bytes_unchecked(one), from_bytes_unchecked(two), community)
        case _:
            raise InvalidRecord("not a proof")


def check(one: Record, two: Record, community: CommunityId) -> ForkProof:
    """Return the proof that the two records make, or raise `InvalidRecord`."""
    check_community(one, community)
    check_community(two, community)
    if one.author != two.author:
        raise InvalidRecord("a proof names one device")
    if one.seq == two.seq and one.id != two.id:
        return _fork(one, two)
    if one.seq + 1 == two.seq and two.prev == one.id:
        from_bytes(two.wire)
        if log.is_signed(one):
            raise InvalidRecord("both signatures are good: nothing is wrong here")
        return ForkProof(one.author, one.seq, one.prev, (one.wire, two.wire))
    raise InvalidRecord("the two records do not contradict each other")


def find_bad_signature(run: Iterable[Record], community: CommunityId) -> ForkProof | None:
    """Check the own signature of each record of a chain; return the proof when one is bad.

    Of several bad ones in a row the last convicts, since only it is followed by a good
    one. None when all are good, or when no good one follows the bad.
    """
    suspect: Record | None = None
    for record in run:
        if not log.is_signed(record):
            suspect = record
        elif suspect is not None:
            return check(suspect, record, community)
    return None


def _fork(one: Record, two: Record) -> ForkProof:
    # Who holds two branches holds the place where they part. Were another pair a proof, what
    # lies before it would be authentic by one half or the other, and nodes would differ.
    if one.prev != two.prev:
        raise InvalidRecord("these two follow different records: the log parted earlier")
    from_bytes(one.wire)
    from_bytes(two.wire)
    first, second = sorted((one, two), key=lambda record: record.id)
    return ForkProof(one.author, one.seq, first.prev, (first.wire, second.wire))
