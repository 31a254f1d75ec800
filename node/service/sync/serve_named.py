"""Sends the evidence, the void branches and the bodies that a peer asks for by name."""

from __future__ import annotations

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.sync.serve import RecordServer
from commonweal.protocol import keys
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import RecordId, from_bytes_unchecked
from commonweal.protocol.wire import messages

BRANCHES_AT_ONCE = 4
"""Void chains that are read for one frame; nodes ask for one at a time."""
SIGNED_ENDS_MAX = 1_024
"""Parts of void chains of which is remembered where their last valid signature is."""


class NamedServer:
    """Answers to `WantEvidence`, `WantBranch` and `WantBodies`, for all peers."""

    def __init__(self, core: Core, records: RecordServer) -> None:
        self.core, self._records = core, records
        self._branches: dict[PeerKey, dict[RecordId, int]] = {}
        """How many records were sent of the void branch that ends in a record, by peer."""
        self._signed_ends: dict[tuple[bytes, int], int] = {}
        """How many records of a part are up to its last valid signature, by its last record."""

    def left(self, key: PeerKey) -> None:
        """Forget which branches a peer was sent."""
        self._branches.pop(key, None)

    def want_evidence(self, peer: PeerState, message: messages.WantEvidence) -> None:
        """Send the proofs against these devices, as far as we have them."""
        for author in message.authors:
            if not self.core.is_linked(peer):
                return
            proof = self.core.replica.store.proof(author)
            if proof is not None:
                self.core.send(peer, messages.Evidence((fork_proof.to_bytes(proof),)))

    def want_branch(self, peer: PeerState, message: messages.WantBranch) -> None:
        """Send the chains of frozen logs that end in the first of these records, each once."""
        for id in list(dict.fromkeys(message.ids))[:BRANCHES_AT_ONCE]:
            if not self.core.is_linked(peer):
                return
            wires = self._branch(peer, id)
            if wires:
                # A log that is void from its first record stands in no frontier, so nothing
                # else brings the proof, without which a branch is not taken.
                self.want_evidence(
                    peer, messages.WantEvidence((from_bytes_unchecked(wires[0]).author,))
                )
                self.core.send(peer, messages.Branch(tuple(wires)))
            else:
                self._send_cited(peer, id)

    def _branch(self, peer: PeerState, id: RecordId) -> list[bytes]:
        """Return the next part of a void chain for a peer that asks for it again and again."""
        store, branches = self.core.replica.store, self._branches.setdefault(peer.key, {})
        sent = branches.pop(id, 0)
        wires = store.branch_wires(id, messages.RUNS_BYTES_AIM, sent)
        if sent and not wires:  # that was all of it, and something of it was lost
            sent, wires = 0, store.branch_wires(id, messages.RUNS_BYTES_AIM)
        if wires:
            wires = self._signed(wires) or self._signed(
                store.branch_wires(id, messages.RUNS_BYTES_AIM * 2, sent)
            )
            if len(branches) >= messages.IDS_MAX:
                del branches[next(iter(branches))]
            branches[id] = sent + len(wires)
        return wires

    def _signed(self, wires: list[bytes]) -> list[bytes]:
        """Return a part of a void chain up to its last record with a valid signature.

        Its author may have signed thousands of records badly: the end is looked for once.
        """
        part = keys.hash32(keys.RECORD, wires[-1]), len(wires)
        end = self._signed_ends.get(part)
        if end is None:
            end = len(log.trim_to_signed(wires))
            if len(self._signed_ends) >= SIGNED_ENDS_MAX:
                del self._signed_ends[next(iter(self._signed_ends))]
            self._signed_ends[part] = end
        return wires[:end]

    def _send_cited(self, peer: PeerState, id: RecordId) -> None:
        """Send a newcomer's log up to a record that others cite: no comparison brings it."""
        store = self.core.replica.store
        record = store.record(id)
        if record is not None and record.author not in self.core.replica.frontier:
            wires = store.wires(record.author, 0, record.seq + 1, messages.RUNS_BYTES_AIM)
            run = self._records.closed(record.author, 0, wires)
            if run is not None:
                self.core.send(peer, messages.Runs((run,), 0, asked=False))

    def want_bodies(self, peer: PeerState, message: messages.WantBodies) -> None:
        """Send bodies in parts; size 0 says that we do not hold one."""
        for digest in message.hashes:
            if not self.core.is_linked(peer):
                return
            body = self.core.replica.sound_bodies([digest]).get(digest, b"")
            for offset in range(0, len(body) or 1, messages.PART_BYTES_MAX):
                part = body[offset : offset + messages.PART_BYTES_MAX]
                self.core.send(peer, messages.BodyChunk(digest, len(body), offset, part))
