"""The doors of seals: what witnesses send and keep, with good bytes of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from commonweal.protocol import codec
from commonweal.protocol.ledger.checkpoint.snapshot import read_chunk
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal import finality_proof
from commonweal.protocol.seal.consensus.messages import (
    lock_from_bytes,
    lock_to_bytes,
    message_from_bytes,
    message_to_bytes,
)
from commonweal.protocol.seal.cut import delta_from_bytes, delta_to_bytes
from commonweal.protocol.seal.formats import (
    proposal_from_bytes,
    proposal_to_bytes,
    seal_from_bytes,
    seal_to_bytes,
    sealed_from_bytes,
    sealed_to_bytes,
    sign_proposal,
)
from commonweal.protocol.seal.have_frontiers import have_from_bytes, have_to_bytes
from commonweal.protocol.seal.votes import (
    NIL,
    Step,
    certificate_from_bytes,
    certificate_to_bytes,
    double_vote_from_bytes,
    double_vote_to_bytes,
    prove_double_vote,
    vote_from_bytes,
    vote_to_bytes,
)
from tests.protocol.ledger.checkpoint import test_snapshot
from tests.protocol.seal import scenes, test_finality_proof
from tests.protocol.seal.test_messages import LOCK, MESSAGES, POLKA
from tests.protocol.seal.witness import COMMUNITY

_SEAL = scenes.seal()
_VOTE = scenes.vote(0, Step.PREVOTE, _SEAL.id)
_AGAIN = sign_proposal(scenes.SIGNERS[scenes.DEVICES[2]], 1, _SEAL, scenes.delta(3, 2), POLKA)


def _here(read: Callable[[bytes, CommunityId], object]) -> Callable[[bytes], object]:
    return lambda data: read(data, COMMUNITY)


SEAL_DOORS: Mapping[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "vote": (
        _here(vote_from_bytes),
        (vote_to_bytes(_VOTE), vote_to_bytes(scenes.vote(1, Step.PRECOMMIT, NIL))),
    ),
    "certificate": (certificate_from_bytes, (certificate_to_bytes(scenes.certificate(_SEAL)),)),
    "double vote": (
        _here(double_vote_from_bytes),
        (
            double_vote_to_bytes(
                prove_double_vote(_VOTE, scenes.vote(0, Step.PREVOTE, scenes.seal(clock=6).id))
            ),
        ),
    ),
    "have": (_here(have_from_bytes), (have_to_bytes(scenes.haves((3, 2))[0]),)),
    "cut": (
        delta_from_bytes,
        (delta_to_bytes(scenes.delta(3, 2)), codec.encode([[], []])),
    ),
    "seal": (_here(seal_from_bytes), (seal_to_bytes(_SEAL),)),
    "proposal": (
        _here(proposal_from_bytes),
        (proposal_to_bytes(scenes.proposal()), proposal_to_bytes(_AGAIN)),
    ),
    "sealed": (_here(sealed_from_bytes), (sealed_to_bytes(scenes.sealed_after(scenes.POINT)),)),
    "message of witnesses": (
        _here(message_from_bytes),
        tuple(map(message_to_bytes, MESSAGES)),
    ),
    "lock": (_here(lock_from_bytes), (lock_to_bytes(LOCK),)),
    "chunk of a state": (
        lambda data: read_chunk(data, test_snapshot.TOP, test_snapshot.DEPTH, 1),
        (test_snapshot.CHUNKS[1],),
    ),
    "proof that a record is final": (
        finality_proof.verify_proof,
        (finality_proof.proof_to_bytes(test_finality_proof.GOOD),),
    ),
}
