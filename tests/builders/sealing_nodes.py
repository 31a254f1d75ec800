"""Nodes that hold records and seal them together, without a network: each has its own ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.seal.formats import Proposal, Seal, SealedHeight, sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier, sign_have
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import Certificate, SealId, Step, certify, sign_vote
from commonweal.protocol.seal.witnesses import Witness, witness_devices
from commonweal.storage.consensus.proposals import (
    PreparedProposal,
    ProcessedProposal,
    SealApplication,
)
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import KeptSeal, SealStore

Log = list[Record]


class Node:
    """A store, the ledger folded from it, and what that says of seals."""

    def __init__(
        self,
        community: CommunityId,
        documents: Mapping[bytes, bytes],
        store: Store | None = None,
        kept: LedgerState | None = None,
    ) -> None:
        self.store = store or Store()
        self.community, self.documents = community, documents
        self.seals = SealStore(self.store, community)
        self.kept = kept or LedgerState(self.store, StateDb(), community)
        self.layers = self.kept.layers
        self.assessor = SealApplication(self.kept)

    def take(self, records: Iterable[Record]) -> None:
        """Take in records that are not held yet, each log in its order."""
        runs: dict[DeviceKey, list[Record]] = {}
        for one in sorted(records, key=lambda one: one.seq):
            runs.setdefault(one.author, []).append(one)
        for author, run in runs.items():
            row = self.store.log(author)
            if row.frozen is None:
                fresh = [one for one in run if one.seq >= row.length]
                self.store.append(author, fresh, self.documents)
        self.store.commit()

    def have(self, signer: Signer) -> HaveFrontier:
        """Return what the device of `signer` shows that it has."""
        outlook = self.assessor.outlook()
        shown = self.assessor.shown()
        return sign_have(signer, self.community, outlook.height + 1, outlook.seal, shown)

    def put(self, sealed: SealedHeight, kept: KeptSeal) -> None:
        """Keep a certified height."""
        self.seals.put(sealed, kept.delta)
        self.store.commit()


def proposal(
    signer: Signer, draft: PreparedProposal, haves: Sequence[HaveFrontier], seal: Seal | None = None
) -> Proposal:
    """Return a fresh proposal of a draft, or of another seal with its delta."""
    return sign_proposal(signer, 0, seal or draft.seal, draft.delta, tuple(haves))


def certificate(community: CommunityId, seal: Seal, signers: Iterable[Signer]) -> Certificate:
    """Return the certificate that these signers make."""
    votes = [
        sign_vote(one, community, seal.height, 0, Step.PRECOMMIT, SealId(seal.id))
        for one in signers
    ]
    return certify(votes, len(votes))


def sealed_height(
    community: CommunityId,
    draft: PreparedProposal,
    witnesses: Sequence[Witness],
    signers: Mapping[DeviceKey, Signer],
) -> KeptSeal:
    """Return a height as a quorum of `witnesses`, those that sealed it, certifies it."""
    seated = witness_devices(witnesses)
    voting = [signers[one] for one in seated][: quorum_of(len(seated)).needed]
    made = certificate(community, draft.seal, voting)
    return KeptSeal(SealedHeight(draft.seal, made, draft.witnesses), draft.delta)


def seal_once(
    nodes: Sequence[Node],
    signers: Mapping[DeviceKey, Signer],
    now_ms: int,
    showing: Iterable[DeviceKey] = (),
) -> KeptSeal:
    """Let the first node propose, all judge it good, and all keep what is certified.

    showing: devices that show what they have beside the witnesses.
    """
    first = nodes[0]
    outlook = first.assessor.outlook()
    shown = [*witness_devices(outlook.witnesses), *showing]
    haves = sorted((first.have(signers[one]) for one in shown), key=lambda have: have.device)
    draft = first.assessor.build(tuple(haves), now_ms)
    assert draft is not None, "there is something to seal"
    made = proposal(signers[outlook.witnesses[0].device], draft, haves)
    for node in nodes:
        found: ProcessedProposal = node.assessor.judge(made, now_ms)
        assert found.verdict.sound and found.verdict.timely, found.verdict
        assert found.witnesses == draft.witnesses
    kept = sealed_height(first.community, draft, outlook.witnesses, signers)
    for node in nodes:
        node.put(kept.sealed, kept)
    return kept
