"""Proofs that a device broke its own log: two records that anybody can check without the log.

A fork: two authentic records with the same number and the same predecessor. A bad signature: a
record whose signature is invalid, and the next one, whose signature is valid and which links to
it, so the author vouched for it. Either freezes the log: records from `seq` on never count.
(docs/protocol.md, "Proofs".) What is done about a proof is decided elsewhere.
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
    """Two records that prove a fork or a bad signature. seq: where the log is frozen."""

    author: DeviceKey
    seq: int
    prev: RecordId
    """The id of the last valid record, which authenticates all before it."""
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
    """Return the proof in `data`, verified. Raises `InvalidRecord`, `BadSignature`, `Malformed`."""
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case [str(context), bytes(first), bytes(second)] if context == CONTEXT:
            return check(from_bytes_unchecked(first), from_bytes_unchecked(second), community)
        case _:
            raise InvalidRecord("not a proof")


def check(first: Record, second: Record, community: CommunityId) -> ForkProof:
    """Return the proof that two records make, in any order for a fork.

    Raises `InvalidRecord` when they prove nothing, or `BadSignature`.
    """
    check_community(first, community)
    check_community(second, community)
    if first.author != second.author:
        raise InvalidRecord("a proof names one device")
    if first.seq == second.seq and first.id != second.id:
        return _fork(first, second)
    if first.seq + 1 == second.seq and second.prev == first.id:
        from_bytes(second.wire)
        if log.is_signed(first):
            raise InvalidRecord("both signatures are good: nothing is wrong here")
        return ForkProof(first.author, first.seq, first.prev, (first.wire, second.wire))
    raise InvalidRecord("the two records do not contradict each other")


def find_bad_signature(run: Iterable[Record], community: CommunityId) -> ForkProof | None:
    """Return the proof of a bad signature in `run`, a chain; None when there is none.

    Every signature is checked. Of several invalid ones in a row, the last makes the proof, since
    only it is followed by a valid one. None also when no valid one follows.
    """
    suspect: Record | None = None
    for record in run:
        if not log.is_signed(record):
            suspect = record
        elif suspect is not None:
            return check(suspect, record, community)
    return None


def _fork(left: Record, right: Record) -> ForkProof:
    # A node that holds two branches holds the place where they part. If a later pair were a
    # proof, the records before it would be authentic by one half or the other, and nodes differ.
    if left.prev != right.prev:
        raise InvalidRecord("these two follow different records: the log parted earlier")
    from_bytes(left.wire)
    from_bytes(right.wire)
    first, second = sorted((left, right), key=lambda record: record.id)
    return ForkProof(left.author, left.seq, first.prev, (first.wire, second.wire))
