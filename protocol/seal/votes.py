"""Votes of witnesses on a seal, certificates of a quorum, and proofs of a double vote.

A vote is signed over community, height, round, step and the id of a seal; an empty id is a vote
for none ("nil"). The reason of a nil vote is unsigned text for readers and decides nothing. Votes
that are read from bytes here have valid signatures. The witness set is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, NewType, Protocol

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import InvalidRecord, Malformed, NotCertified
from commonweal.protocol.keys import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, DeviceKey, short
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.field_checks import is_ascending, is_count
from commonweal.protocol.seal.quorum import WITNESSES_MAX, quorum_of

SealId = NewType("SealId", bytes)

NIL = SealId(b"")
"""The seal id in a vote for none."""

REASON_CHARS_MAX = 200
ROUND_MAX = 2**31 - 1
VOTE_BYTES_MAX = 1024
VOTES_VERIFIED_MAX = 4_096
"""Votes whose signatures are remembered as good: they come by stream, by gossip and in seals."""
DOUBLE_VOTE = "commonweal/1/double-vote"


class Step(IntEnum):
    """The steps of a round, as in Tendermint."""

    PROPOSE = 0
    PREVOTE = 1
    PRECOMMIT = 2


class VoteSigner(Protocol):
    """A key that signs votes: a `Signer`, or a substitute of a test."""

    @property
    def key(self) -> bytes:
        """The public key."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A device's vote in one step of one round. reason: of a nil vote, unsigned."""

    height: int
    round: int
    step: Step
    seal: SealId
    device: DeviceKey
    signature: bytes
    reason: str = ""

    def __str__(self) -> str:
        what = short(self.seal) if self.seal else f"none ({self.reason})"
        return f"{short(self.device)} {self.height}/{self.round} {self.step.name.lower()} {what}"


def sign_vote(
    signer: VoteSigner, community: CommunityId, height: int, round_: int, step: Step, seal: SealId
) -> Vote:
    """Return the signer's vote, without a reason."""
    data = keys.signed_array(keys.VOTE_CONTEXT, community, height, round_, step.value, seal)
    return Vote(height, round_, step, seal, DeviceKey(signer.key), signer.sign(data))


def vote_to_bytes(vote: Vote) -> bytes:
    """Return the bytes of `vote` as sent and stored."""
    return codec.encode(vote_fields(vote))


def vote_fields(vote: Vote) -> list[codec.Value]:
    """Return the fields of `vote`, for a larger message."""
    return [
        vote.height,
        vote.round,
        vote.step.value,
        vote.seal,
        vote.device,
        vote.signature,
        vote.reason,
    ]


def vote_from_bytes(data: bytes, community: CommunityId) -> Vote:
    """Return the vote in `data`, verified. Raises `Malformed` or `BadSignature`."""
    if len(data) > VOTE_BYTES_MAX:
        raise Malformed(f"a vote of {len(data)} bytes")
    return read_vote(codec.decode(data), community)


def read_vote(value: Any, community: CommunityId) -> Vote:
    """Return the vote with these `vote_fields`, verified; raises as `vote_from_bytes`."""
    match value:
        case [height, round_, step, bytes(seal), bytes(device), bytes(signature), str(reason)] if (
            is_count(height)
            and is_count(round_)
            and is_count(step)
            and height > 0
            and round_ <= ROUND_MAX
            and step <= Step.PRECOMMIT
            and len(seal) in (0, HASH_BYTES)
            and len(reason) <= (0 if seal else REASON_CHARS_MAX)
            and (seal or step)
        ):
            _verify(device, signature, community, height, round_, step, seal)
            return Vote(
                *(height, round_, Step(step), SealId(seal), DeviceKey(device), signature, reason)
            )
        case _:
            raise Malformed("not a vote")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The precommits of a quorum for `seal` in `round`: exactly q signatures, by device."""

    height: int
    round: int
    seal: SealId
    signatures: tuple[tuple[DeviceKey, bytes], ...]


def certify(precommits: Iterable[Vote], needed: int) -> Certificate:
    """Return the certificate of `needed` of these votes, which agree in height, round and seal."""
    votes = sorted(precommits, key=lambda vote: vote.device)[:needed]
    assert len(votes) == needed, "a certificate needs a quorum"
    first = votes[0]
    signatures = tuple((vote.device, vote.signature) for vote in votes)
    return Certificate(first.height, first.round, first.seal, signatures)


def certificate_fields(certificate: Certificate) -> list[codec.Value]:
    """Return the fields of `certificate`, for a larger message."""
    signatures: list[codec.Value] = [[*pair] for pair in certificate.signatures]
    return [certificate.height, certificate.round, certificate.seal, signatures]


def certificate_to_bytes(certificate: Certificate) -> bytes:
    """Return the bytes of `certificate` as sent and stored."""
    return codec.encode(certificate_fields(certificate))


def certificate_from_bytes(data: bytes) -> Certificate:
    """Return the certificate in `data`, its form checked; `check_certificate` verifies it."""
    return read_certificate(codec.decode(data, values_max=5 + 3 * WITNESSES_MAX))


def read_certificate(value: Any) -> Certificate:
    """Return the certificate with these fields, its form checked. Raises `Malformed`."""
    match value:
        case [height, round_, bytes(seal), list(pairs)] if (
            is_count(height)
            and is_count(round_)
            and height > 0
            and round_ <= ROUND_MAX
            and len(seal) == HASH_BYTES
            and 0 < len(pairs) <= WITNESSES_MAX
        ):
            signatures = tuple(map(_signature, pairs))
            if not is_ascending([device for device, _ in signatures]):
                raise Malformed("the signatures are not sorted, or one stands twice")
            return Certificate(height, round_, SealId(seal), signatures)
        case _:
            raise Malformed("not a certificate")


def check_certificate(
    certificate: Certificate, community: CommunityId, witnesses: Sequence[DeviceKey]
) -> None:
    """Return when exactly a quorum of `witnesses` signed. Raises `NotCertified`, `BadSignature`."""
    needed = quorum_of(len(witnesses)).needed
    if len(certificate.signatures) != needed:
        raise NotCertified(f"it has {len(certificate.signatures)} signatures of {needed}")
    place = (certificate.height, certificate.round, Step.PRECOMMIT.value, certificate.seal)
    for device, signature in certificate.signatures:
        if device not in witnesses:
            raise NotCertified(f"{short(device)} is no witness at height {certificate.height}")
        _verify(device, signature, community, *place)


@dataclass(frozen=True, slots=True)
class DoubleVote:
    """Two votes of one device in one height, round and step, for different seals."""

    first: Vote
    second: Vote

    def __str__(self) -> str:
        return f"double vote of {short(self.first.device)} at height {self.first.height}"

    @property
    def device(self) -> DeviceKey:
        """The device that voted twice."""
        return self.first.device

    @property
    def id(self) -> bytes:
        """The hash of the proof, by which a seal names it as evidence."""
        return keys.hash32(keys.EVIDENCE, double_vote_to_bytes(self))


def prove_double_vote(vote: Vote, other: Vote) -> DoubleVote:
    """Return the proof made of two votes. Raises `InvalidRecord` when they do not conflict.

    The votes have valid signatures. Their reasons, which are unsigned, are removed.
    """
    if _place(vote) != _place(other) or vote.device != other.device:
        raise InvalidRecord("the two votes do not contradict each other")
    if vote.seal == other.seal:
        raise InvalidRecord("both votes name the same seal")
    first, second = sorted((_bare(vote), _bare(other)), key=lambda vote: vote.seal)
    return DoubleVote(first, second)


def double_vote_to_bytes(proof: DoubleVote) -> bytes:
    """Return the bytes of `proof` as sent and stored."""
    return codec.encode([DOUBLE_VOTE, vote_fields(proof.first), vote_fields(proof.second)])


def is_double_vote(data: bytes) -> bool:
    """Whether `data` begins like the proof of a double vote."""
    begins = codec.encode([DOUBLE_VOTE, None, None])[:-2]
    return data.startswith(begins)


def double_vote_from_bytes(data: bytes, community: CommunityId) -> DoubleVote:
    """Return the proof in `data`, verified; it needs only the community's id.

    Raises `InvalidRecord` when the votes do not conflict, `Malformed` or `BadSignature`.
    """
    if len(data) > 2 * VOTE_BYTES_MAX:
        raise Malformed(f"a proof of {len(data)} bytes")
    match codec.decode(data):
        case [str(context), list(first), list(second)] if context == DOUBLE_VOTE:
            proof = prove_double_vote(read_vote(first, community), read_vote(second, community))
        case _:
            raise InvalidRecord("not the proof of a double vote")
    if double_vote_to_bytes(proof) != data:
        raise Malformed("the votes of a proof are sorted and without reasons")
    return proof


@lru_cache(VOTES_VERIFIED_MAX)
def _verify(
    device: bytes,
    signature: bytes,
    community: bytes,
    height: int,
    round_: int,
    step: int,
    seal: bytes,
) -> None:
    """Raise `BadSignature` unless the device signed this vote; good ones are verified once."""
    keys.check_array(device, signature, keys.VOTE_CONTEXT, community, height, round_, step, seal)


def _signature(value: Any) -> tuple[DeviceKey, bytes]:
    match value:
        case [bytes(device), bytes(signature)] if (
            len(device) == KEY_BYTES and len(signature) == SIGNATURE_BYTES
        ):
            return DeviceKey(device), signature
        case _:
            raise Malformed("not a signature of a certificate")


def _place(vote: Vote) -> tuple[int, int, Step]:
    return vote.height, vote.round, vote.step


def _bare(vote: Vote) -> Vote:
    return Vote(vote.height, vote.round, vote.step, vote.seal, vote.device, vote.signature)
