"""Fork evidence: proofs that end a log, and the void branches that other records cite.

A proof is checked, applied and sent to all members. A frozen log is wanted only as far as it is
good; a branch of it is kept because other logs cite it, and counts for nothing.
"""

from __future__ import annotations

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica import quota
from commonweal.node.service.replica.replica import NEWCOMERS_MAX
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    InvalidRecord,
    Malformed,
    MissingDependency,
)
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.record import (
    RECORD_BYTES_MAX,
    Record,
    RecordId,
    from_bytes_unchecked,
)
from commonweal.protocol.wire import messages

CITED_MAX = 256
"""Records that others cite, that are asked for, and that are remembered at a time."""


class ForkEvidence:
    """The proofs against devices that peers send, and the records that such proofs make void."""

    def __init__(self, core: Core, anti_entropy: AntiEntropy) -> None:
        self.core, self.anti_entropy = core, anti_entropy
        self._cited: dict[RecordId, None] = {}
        self._spare_proofs: dict[PeerKey, ForkProof] = {}
        """The last proof of a peer for which there was no room."""

    def left(self, key: PeerKey) -> None:
        """Forget the proof of a peer that was not kept."""
        self._spare_proofs.pop(key, None)

    def is_cited(self, record: Record) -> bool:
        """Say whether a record was asked for because another one cites it."""
        return record.id in self._cited

    def want_cited(self, peer: PeerState, id: RecordId) -> None:
        """Ask for a record that stands in no log which is compared."""
        if len(self._cited) >= CITED_MAX:
            del self._cited[next(iter(self._cited))]
        self._cited[id] = None
        self.core.send(peer, messages.WantBranch((id,)))

    def freeze(self, proof: ForkProof) -> None:
        """Apply a checked proof and send it to all members, if it changes anything here."""
        if self.core.replica.freeze(proof):
            message = messages.Evidence((fork_proof.to_bytes(proof),))
            for peer in self.core.members():
                self.core.send(peer, message)

    def contradiction(self, run: messages.Run, index: int) -> ForkProof:
        """Return the lowest proof in a run that differs from our log from `index` on.

        Raises `InvalidRecord` when there is none, which is the sender's fault.
        """
        replica, author, seq = self.core.replica, run.author, run.start + index
        theirs = [from_bytes_unchecked(data) for data in run.wires[index:]]
        candidates = (
            replica.audit(author, seq, seq + 1),
            fork_proof.find_bad_signature(theirs, replica.community),
        )
        proofs = [proof for proof in candidates if proof is not None]
        (ours,) = replica.store.wires(author, seq, seq + 1, RECORD_BYTES_MAX)
        try:
            proofs.append(
                fork_proof.check(from_bytes_unchecked(ours), theirs[0], replica.community)
            )
        except InvalidRecord:
            if not proofs:  # one of the two is badly signed, and nothing good follows it
                raise
        return min(proofs, key=lambda proof: proof.seq)

    def evidence(self, peer: PeerState, message: messages.Evidence) -> None:
        """Check proofs and freeze the logs that they name; drop a peer that sends a false one."""
        for data in message.proofs:
            try:
                proof = fork_proof.from_bytes_checked(data, self.core.replica.community)
            except CommonwealError as error:
                return self.core.drop(peer, f"a false proof: {error}")
            row = self.core.replica.row(proof.author)
            known = row.length > 0 or row.frozen is not None
            if known or self.core.replica.convicted() < NEWCOMERS_MAX:
                self.freeze(proof)
            else:
                self._spare_proofs[peer.key] = proof
        return None

    def _is_proved(self, peer: PeerState, message: messages.Branch) -> bool:
        """Take a proof for which there was no room, when a record that others cite rests on it."""
        proof, author = (
            self._spare_proofs.get(peer.key),
            from_bytes_unchecked(message.wires[0]).author,
        )
        if proof is None or proof.author != author:
            return False
        if any(keys.hash32(keys.RECORD, wire) in self._cited for wire in message.wires):
            self.freeze(proof)
        return self.core.replica.row(author).frozen is not None

    def branch(self, peer: PeerState, message: messages.Branch) -> None:
        """Keep the void chain of a frozen log, because another log cites it; then compare again."""
        replica = self.core.replica
        if not message.wires:
            return
        first = from_bytes_unchecked(message.wires[0])
        if replica.row(first.author).frozen is None and not self._is_proved(peer, message):
            return
        before = replica.store.record(first.prev) if first.prev else None
        if first.prev and (before is None or before.author != first.author):
            return
        tip = log.Tip(first.seq, first.prev, before.clock if before is not None else 0)
        try:
            records = log.read_run(
                replica.community, first.author, tip, message.wires, replica.clock_of
            )
        except MissingDependency as error:
            self.want_cited(peer, RecordId(error.cited))
            return
        except (InvalidRecord, Malformed) as error:
            self.core.drop(peer, f"a bad branch: {error}")
            return
        kept = quota.of_branch(replica, records)
        replica.store.append_branch(kept)
        if kept:
            self.anti_entropy.request(peer)
