"""Frames: which part of the service takes a peer's message, and what a peer may send yet.

A stranger may only send its hello; a guest may show its request; a member may send anything.
What is the sender's fault ends the link here; what the disk does is raised.
"""

from __future__ import annotations

from commonweal.node.service.events import Taken
from commonweal.node.service.parts import Parts
from commonweal.node.service.peer import PeerState
from commonweal.node.transport import TrustLevel
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.wire import frame_codec, messages, seals, state_sync
from commonweal.protocol.wire.lookup import GivenRecord, WantRecord
from commonweal.protocol.wire.seals import HeightStatus, WantSeals

_IGNORED_OF_GUESTS = (
    *(messages.Compare, messages.Have, messages.Pong, messages.Addresses),
    *(HeightStatus, WantSeals),
)
"""What others may send to a guest that they take for a member already, and it to them."""
_WRITES = (
    *(messages.Runs, messages.Evidence, messages.Branch, messages.BodyChunk),
    *(seals.Seals, seals.ConsensusMessage, GivenRecord),
)
"""Messages that change the store: ignored while the disk takes no changes."""


class FrameRouter:
    """Hands each message to its part, by the trust level of its sender."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._was_member = False

    def received(self, key: PeerKey, frame: bytes) -> None:
        """Take in a frame; from a peer whose link is gone nothing is taken."""
        core = self.parts.core
        peer = core.peers.get(key)
        if peer is not None:
            peer.heard_ms = core.now_ms
            self.parts.fetch.frame_came(peer)
            try:
                self._dispatch(peer, frame_codec.decode(frame))
            except StorageError:
                raise
            except CommonwealError as error:
                core.drop(peer, f"{type(error).__name__}: {error}")
        # Last, so that the next frame of a peer that was just admitted is not a stranger's.
        core.do(Taken(key, len(frame)))

    def coming(self, key: PeerKey, size: int) -> None:
        """Note that `size` bytes of a large frame have come from a peer."""
        parts = self.parts
        peer = parts.core.peers.get(key)
        if peer is not None:
            peer.heard_ms = parts.core.now_ms
            parts.fetch.coming(peer, size)
            parts.writer.rollback.coming(peer)
            parts.overlay.coming(peer)

    def gossiped(self, key: PeerKey, content: object) -> None:
        """Take in gossip that the validator let through and that a member handed on."""
        replica = self.parts.core.replica
        peer = self.parts.core.peers.get(key)
        if peer is not None and peer.is_member:
            deciding = replica.deciding
            self.parts.topics.heard(peer, content)
            if replica.deciding != deciding:
                self.membership_changed()

    def show_request(self, peer: PeerState) -> None:
        """As a newcomer, send our own log: no peer fetches it from us."""
        core = self.parts.core
        device = core.me.device
        own = core.replica.row(device)
        if own.length and not core.replica.is_member(device):
            wires = core.replica.sound_wires(device, 0, own.length, messages.RUNS_BYTES_AIM)
            run = self.parts.record_server.closed(device, 0, wires)
            core.send(peer, messages.Runs((run,) if run else (), 0, asked=False))

    def membership_changed(self) -> None:
        """Write our name once admitted, and admit guests that became members."""
        parts = self.parts
        parts.writer.introduce()
        for peer in parts.handshake.promote():
            parts.overlay.tell(peer)
            parts.reactor.chain_sync.tell(peer)
            parts.anti_entropy.begin(peer)
            parts.blobs.want_texts(peer)  # theirs, of which none was kept before
        is_member = parts.core.replica.is_member(parts.core.me.device)
        if is_member and not self._was_member:
            for peer in parts.core.members():
                parts.overlay.tell(peer)
        self._was_member = is_member

    # Inside.

    def _dispatch(self, peer: PeerState, message: messages.Message) -> None:
        core = self.parts.core
        if not core.keeps and isinstance(message, _WRITES):
            return
        match message:
            case messages.Hello() if peer.trust is TrustLevel.STRANGER:
                if self.parts.handshake.receive(peer, message):
                    self._admitted(peer)
            case messages.Bye(code, text):
                if peer.outbound or peer.is_member:
                    self.parts.handshake.refusal = (code, text)
                core.drop(peer, f"refused us: {code}")
            case messages.Hello():
                core.out_of_place(peer)
            case _ if peer.is_member:
                self._from_member(peer, message)
            case _ if peer.trust is TrustLevel.GUEST:
                self._from_guest(peer, message)
            case _:
                core.out_of_place(peer)

    def _admitted(self, peer: PeerState) -> None:
        """Begin to replicate with a member; a newcomer shows its request first."""
        parts = self.parts
        if parts.core.replica.is_member(parts.core.me.device):
            parts.overlay.tell(peer)
        self.show_request(peer)
        parts.reactor.met(peer)
        if peer.outbound:
            parts.anti_entropy.begin(peer)

    def _from_guest(self, peer: PeerState, message: messages.Message) -> None:
        match message:
            case messages.Runs():
                self._runs(peer, message)
            case messages.Ping(number):
                self.parts.core.send(peer, messages.Pong(number))
            case _ if not isinstance(message, _IGNORED_OF_GUESTS):
                self.parts.core.out_of_place(peer)

    def _from_member(self, peer: PeerState, message: messages.Message) -> None:
        parts = self.parts
        match message:
            case messages.Runs():
                self._runs(peer, message)
            case messages.Have():
                parts.push.confirmed(peer, message)
                parts.fetch.ask(peer)
            case messages.WantRecords():
                parts.record_server.asked(peer, message)
            case messages.Compare():
                parts.anti_entropy.asked(peer, message)
            case messages.Same():
                parts.anti_entropy.same(peer, message)
                parts.writer.introduce()  # before what the member may write next
            case messages.Buckets():
                parts.anti_entropy.buckets(peer, message)
            case messages.Entries():
                parts.anti_entropy.entries(peer, message)
                parts.fetch.ask(peer)
            case messages.Evidence():
                parts.forks.evidence(peer, parts.reactor.evidence(message))
            case messages.WantEvidence(()):
                parts.reactor.gossip.tell_proofs(peer)
            case messages.WantEvidence():
                parts.named_server.want_evidence(peer, message)
            case messages.WantBranch():
                parts.named_server.want_branch(peer, message)
            case messages.Branch():
                parts.forks.branch(peer, message)
            case messages.WantBodies():
                parts.named_server.want_bodies(peer, message)
            case messages.BodyChunk():
                parts.blobs.chunk(peer, message)
            case messages.Addresses():
                parts.overlay.told(peer, message)
            case messages.Ping(number):
                parts.core.send(peer, messages.Pong(number))
            case messages.Pong(number):
                parts.writer.rollback.answered(peer, number)
            case messages.Hello() | messages.Bye():
                pass  # taken by `_dispatch`
            case state_sync.WantState() | state_sync.StatePart():
                parts.state_sync.receive(peer, message)
            case WantRecord():
                parts.record_lookup.wanted(peer, message)
            case GivenRecord():
                parts.record_lookup.given(peer, message)
            case _:
                if parts.reactor.receive(peer, message):
                    parts.state_sync.tick()
                    parts.fetch.ask(peer)

    def _runs(self, peer: PeerState, message: messages.Runs) -> None:
        """Take in records, and confirm afterwards which of them are kept."""
        parts, replica = self.parts, self.parts.core.replica
        parts.scrubber.mend(message.runs)
        if message.asked and peer.is_member and parts.core.keeps:
            parts.refill.take(peer, message.runs)
        parts.writer.rollback.look(peer, message.runs)
        deciding = replica.deciding
        if message.asked:
            parts.push.took(peer)
        parts.ingest.runs(peer, message)
        if replica.deciding != deciding:
            self.membership_changed()
        if peer.key not in parts.core.peers:
            return
        for run in message.runs:
            row = replica.row(run.author)
            parts.push.acknowledge(peer, run.author, row.length)
            if row.length > row.checked:
                parts.signature_audit.add(run.author)
        if message.asked and message.remaining == 0:
            if parts.fetch.ended(peer):
                parts.anti_entropy.allow(peer)
            parts.writer.introduce()
