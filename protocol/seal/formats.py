"""Seals, proposals and sealed heights, as values and as bytes.

A seal names by roots what is final at its height; its id is the hash of its bytes. It occurs in a
proposal, with the delta of its cut and the have-frontiers that show fairness; in a sealed height,
with its certificate and the next witnesses; and alone, by its id. (docs/protocol.md, "Seals".)
Whether a seal is right is checked in `validation` and in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES, SIGNATURE_BYTES
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.cut import DELTA_VALUES_MAX, Delta, delta_fields, read_delta
from commonweal.protocol.seal.field_checks import is_ascending, is_count
from commonweal.protocol.seal.have_frontiers import (
    HAVES_LOGS_MAX,
    HaveFrontier,
    have_fields,
    read_have,
)
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.votes import (
    Certificate,
    SealId,
    Step,
    Vote,
    VoteSigner,
    certificate_fields,
    read_certificate,
    read_vote,
    sign_vote,
    vote_fields,
)
from commonweal.protocol.seal.witnesses import Witness, read_witnesses, witness_fields

CONTEXT = "commonweal/1/seal"
EVIDENCE_PER_SEAL_MAX = 64
SEAL_BYTES_MAX = 4096
PROPOSAL_BYTES_MAX = 1024 * 1024
PROPOSAL_VALUES_MAX = 8 + DELTA_VALUES_MAX + 3 * HAVES_LOGS_MAX + (6 + 8 + 1) * WITNESSES_MAX
"""Values in a proposal, with its delta, its have-frontiers or prevotes, and a vote."""
SEALED_VALUES_MAX = 4 + 2 * (5 + 3 * WITNESSES_MAX)
"""Values in a sealed height, with a certificate and a set of witnesses."""
FRESH = -1
"""The valid round of a new proposal (-1 in the Tendermint paper)."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What is final at `height`.

    prev: id of the previous seal; for the first one, the community's id. fold: version of the
    fold's rules. clock: largest clock in the cut. time_ms: ms since 1970. ruleset: id of the
    document in force at the next height; empty for the founding document. evidence: ids of the
    proofs that take effect here, ascending. witnesses: root of the set for height + 1. All roots
    and ids have 32 bytes.
    """

    community: CommunityId
    height: int
    prev: SealId
    fold: int
    cut_root: bytes
    clock: int
    time_ms: int
    ruleset: bytes
    evidence: tuple[bytes, ...]
    witnesses: bytes
    members_root: bytes
    state_root: bytes
    distribution_root: bytes

    @property
    def id(self) -> SealId:
        """The hash of the seal's bytes."""
        return SealId(keys.hash32(keys.SEAL, seal_to_bytes(self)))


def seal_to_bytes(seal: Seal) -> bytes:
    """Return the bytes of `seal`, whose hash is its id."""
    evidence: codec.Value = list(seal.evidence)
    return codec.encode(
        [
            *(CONTEXT, seal.community, seal.height, seal.prev, seal.fold, seal.cut_root),
            *(seal.clock, seal.time_ms, seal.ruleset, evidence, seal.witnesses),
            *(seal.members_root, seal.state_root, seal.distribution_root),
        ]
    )


def seal_from_bytes(data: bytes, community: CommunityId) -> Seal:
    """Return the seal of `community` in `data`, its form checked. Raises `Malformed`."""
    if len(data) > SEAL_BYTES_MAX:
        raise Malformed(f"a seal of {len(data)} bytes")
    fields: Any = codec.decode(data)
    if type(fields) is not list or len(fields) != 14 or fields[0] != CONTEXT:
        raise Malformed("a seal has 14 fields")
    (height, prev, fold, cut, clock, time_ms, ruleset, evidence, *roots) = fields[2:]
    if not (
        fields[1] == community
        and all(map(is_count, (height, fold, clock, time_ms)))
        and height > 0
        and all(_is_hash(root) for root in (prev, cut, *roots))
        and (ruleset == b"" or _is_hash(ruleset))
        and type(evidence) is list
        and len(evidence) <= EVIDENCE_PER_SEAL_MAX
        and all(map(_is_hash, evidence))
        and is_ascending(evidence)
    ):
        raise Malformed("a field of the seal has the wrong type, size or community")
    logs = (clock, time_ms, ruleset, tuple(evidence))
    return Seal(community, height, SealId(prev), fold, cut, *logs, *roots)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A seal that the proposer of a round proposes.

    vote: the proposer's, with step PROPOSE; two proposals of one round prove a double vote. A
    fresh proposal (valid_round -1) has have-frontiers; a repeated one has the prevotes of a quorum
    in `valid_round` instead (the "polka" of CometBFT). Both ascend by device.
    """

    seal: Seal
    delta: Delta
    valid_round: int
    haves: tuple[HaveFrontier, ...]
    polka: tuple[Vote, ...]
    vote: Vote
    signature: bytes

    @property
    def round(self) -> int:
        """The round of the proposal."""
        return self.vote.round

    @property
    def is_fresh(self) -> bool:
        """Whether time and fairness must be checked."""
        return self.valid_round == FRESH


def sign_proposal(
    signer: VoteSigner,
    round_: int,
    seal: Seal,
    delta: Delta,
    why: tuple[HaveFrontier, ...] | tuple[Vote, ...],
) -> Proposal:
    """Return the signer's proposal. why: have-frontiers, or prevotes of one earlier round."""
    haves = tuple(sorted((have for have in why if isinstance(have, HaveFrontier)), key=_device))
    polka = tuple(sorted((vote for vote in why if isinstance(vote, Vote)), key=_device))
    valid_round = polka[0].round if polka else FRESH
    vote = sign_vote(signer, seal.community, seal.height, round_, Step.PROPOSE, seal.id)
    unsigned = Proposal(seal, delta, valid_round, haves, polka, vote, b"")
    signature = signer.sign(_signed(unsigned))
    return Proposal(seal, delta, valid_round, haves, polka, vote, signature)


def proposal_to_bytes(proposal: Proposal) -> bytes:
    """Return the bytes of `proposal` as sent and stored. Raises `Malformed` above 1 MiB."""
    data = codec.encode([*_proposal_fields(proposal), proposal.signature])
    if len(data) > PROPOSAL_BYTES_MAX:
        raise Malformed(f"a proposal of {len(data)} bytes")
    return data


def proposal_from_bytes(data: bytes, community: CommunityId) -> Proposal:
    """Return the proposal in `data`, with every signature in it verified.

    The caller checks that the signers are witnesses, and enough of them. Raises `Malformed` or
    `BadSignature`.
    """
    if len(data) > PROPOSAL_BYTES_MAX:
        raise Malformed(f"a proposal of {len(data)} bytes")
    match codec.decode(data, values_max=PROPOSAL_VALUES_MAX):
        case [
            bytes(sealed),
            list(delta),
            int(valid_round),
            list(haves),
            list(polka),
            vote,
            end,
        ] if (
            type(valid_round) is int
            and len(haves) <= WITNESSES_MAX
            and len(polka) <= WITNESSES_MAX
            and type(end) is bytes
            and len(end) == SIGNATURE_BYTES
        ):
            seal = seal_from_bytes(sealed, community)
            own = read_vote(vote, community)
            bare = Proposal(seal, read_delta(delta), valid_round, (), (), own, end)
            _check_own_vote(bare)
            read = Proposal(
                *(seal, bare.delta, valid_round),
                tuple(read_have(have, community) for have in haves),
                tuple(read_vote(vote, community) for vote in polka),
                *(own, end),
            )
        case _:
            raise Malformed("not a proposal")
    _check_reasons(read)
    keys.verify(own.device, _signed(read), end)
    return read


def _proposal_fields(proposal: Proposal) -> list[codec.Value]:
    return [
        seal_to_bytes(proposal.seal),
        delta_fields(proposal.delta),
        proposal.valid_round,
        [have_fields(have) for have in proposal.haves],
        [vote_fields(vote) for vote in proposal.polka],
        vote_fields(proposal.vote),
    ]


def _signed(proposal: Proposal) -> bytes:
    body = keys.hash32(keys.PROPOSAL, codec.encode(_proposal_fields(proposal)))
    return keys.signed_array(keys.PROPOSAL_CONTEXT, proposal.seal.community, body)


def _check_own_vote(proposal: Proposal) -> None:
    vote, seal = proposal.vote, proposal.seal
    if vote.step is not Step.PROPOSE or vote.height != seal.height or vote.seal != seal.id:
        raise Malformed("the proposer's vote is not for the seal that it carries")
    if not FRESH <= proposal.valid_round < vote.round:
        raise Malformed("the valid round of a proposal is an earlier one")


def _check_reasons(proposal: Proposal) -> None:
    seal, haves, polka = proposal.seal, proposal.haves, proposal.polka
    if bool(haves) is not proposal.is_fresh or bool(polka) is proposal.is_fresh:
        raise Malformed("a proposal carries have-frontiers when fresh, else prevotes")
    if any(have.height != seal.height or have.prev != seal.prev for have in haves):
        raise Malformed("a have-frontier is of another height")
    if sum(len(have.logs) for have in haves) > HAVES_LOGS_MAX:
        raise Malformed("the have-frontiers name too many logs")
    place = (seal.height, proposal.valid_round, Step.PREVOTE, seal.id)
    if any((vote.height, vote.round, vote.step, vote.seal) != place for vote in polka):
        raise Malformed("a prevote is not for this seal in the valid round")
    for signed in ([have.device for have in haves], [vote.device for vote in polka]):
        if not is_ascending(signed):
            raise Malformed("have-frontiers and prevotes are sorted, each device once")


@dataclass(frozen=True, slots=True)
class SealedHeight:
    """A height as stored and sent: enough to verify the chain without any record.

    witnesses: the set for the next height, whose root is in the seal.
    """

    seal: Seal
    certificate: Certificate
    witnesses: tuple[Witness, ...]


def sealed_to_bytes(sealed: SealedHeight) -> bytes:
    """Return the bytes of a sealed height as sent and stored."""
    certificate = certificate_fields(sealed.certificate)
    return codec.encode([seal_to_bytes(sealed.seal), certificate, witness_fields(sealed.witnesses)])


def sealed_from_bytes(data: bytes, community: CommunityId) -> SealedHeight:
    """Return the sealed height in `data`, its form checked; `chain` verifies it.

    Raises `Malformed`.
    """
    match codec.decode(data, values_max=SEALED_VALUES_MAX):
        case [bytes(seal), certificate, witnesses]:
            return SealedHeight(
                seal_from_bytes(seal, community),
                read_certificate(certificate),
                read_witnesses(witnesses),
            )
        case _:
            raise Malformed("not a sealed height")


def _is_hash(value: object) -> bool:
    return type(value) is bytes and len(value) == HASH_BYTES


def _device(signed: HaveFrontier | Vote) -> bytes:
    return signed.device
