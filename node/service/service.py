"""What a node decides, without doing any of it.

`Service.handle` takes one event and the time, changes the store, and returns the actions
to perform. It never awaits, sleeps, sends, or reads a clock, so the trio runtime and the
simulator drive exactly the same code. The driver handles a batch of events, commits the
store, hands in `Committed`, and only then performs the actions of the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from commonweal.node import transport
from commonweal.node.service import events
from commonweal.node.service.consensus.reactor import Reactor
from commonweal.node.service.consensus.state_sync import StateSync
from commonweal.node.service.events import Action, Answer, Event, Taken, Wake
from commonweal.node.service.peer import Core, Identity, PeerState
from commonweal.node.service.peers.handshake import Handshake
from commonweal.node.service.peers.overlay import Overlay
from commonweal.node.service.queries import StatusQueries
from commonweal.node.service.replica import BULK_KINDS, Replica
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.node.service.sync.blobs import BlobFetch
from commonweal.node.service.sync.ingest import Ingest
from commonweal.node.service.sync.push import Push
from commonweal.node.service.sync.serve import RecordServer
from commonweal.node.service.topics import GossipTopics
from commonweal.node.service.upkeep.erasure import Erasure
from commonweal.node.service.upkeep.scrub import Scrubber
from commonweal.node.service.upkeep.signatures import AUDIT_PAUSE_MS, SignatureAudit
from commonweal.node.service.writer import Writer
from commonweal.node.transport import TrustLevel
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.wire import frame_codec, messages, seals, state_sync
from commonweal.protocol.wire.seals import HeightStatus, WantSeals
from commonweal.storage.records import row_repair
from commonweal.storage.records.log_store import Store

if TYPE_CHECKING:
    from random import Random

    from commonweal.storage.consensus.view import ConsensusView

TICK_MS = 1_000
COMPARE_MS = 4_000
"""How often a node compares with one random member, to find what was lost."""
ADDRESSES_ONE_IN = 5
"""At every so many comparisons, addresses are told again, for whom they reached too early."""
COMPARE_SOON_MS = 300
"""The shortest pause between two comparisons that we begin with one peer."""

_PASSED_OVER = (
    *(messages.Compare, messages.Have, messages.Pong, messages.Addresses),
    *(HeightStatus, WantSeals),
)
_TO_KEEP = (
    *(messages.Runs, messages.Evidence, messages.Branch, messages.BodyChunk),
    *(seals.Seals, seals.ConsensusMessage),
)


class Service:
    """The state machine of one node."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        identity: Identity,
        rng: Random,
        invite: Invite | None = None,
    ) -> None:
        self.core = Core(Replica(store, community), identity, rng)
        self.anti_entropy = AntiEntropy(self.core)
        self.record_server = RecordServer(self.core)
        self.reactor = Reactor(self.core, self.anti_entropy)
        self.state_sync = StateSync(self.core, self.reactor)
        self.push = Push(self.core, self.record_server, self.reactor.chain_sync)
        self.blobs = BlobFetch(self.core)
        self.ingest = Ingest(self.core, self.anti_entropy, self.reactor.chain_sync, self.blobs)
        self.signature_audit = SignatureAudit(self.core, self.ingest)
        self.handshake = Handshake(self.core, invite)
        self.scrubber = Scrubber(self.core)
        self.erasure = Erasure(self.core)
        self.overlay = Overlay(self.core)
        self.writer = Writer(self.core)
        self.topics = GossipTopics(self.core, self.ingest, self.reactor, self._compare)
        self.queries = StatusQueries(
            self.core, self.handshake, self.overlay, self.scrubber, self.reactor
        )
        self._answers: list[Answer] = []
        self._is_new = True
        self._was_member = False
        self._tick_ms = 0
        self._wake_ms = 0
        self._compared_ms = 0

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Take in `event` and return what to do about it, in order."""
        core = self.core
        core.tell_time(now_ms)
        core.actions = []
        match event:
            case events.Started():
                self._woke()
            case events.Listening(addresses):
                self.overlay.listens(addresses)
            case transport.Connected(key, where, outbound):
                self._connected(PeerState(key, where, outbound, now_ms, now_ms))
            case transport.Disconnected(key, reason, by_us):
                peer = core.peers.get(key)
                if peer is not None:
                    core.ended(peer, reason, by_us=by_us)
                self._left(key)
            case transport.FrameReceived(key, frame):
                self._received(key, frame)
            case transport.FrameProgress(key, size):
                self.overlay.coming(key, size)
            case transport.GossipReceived(key, _, _, content):
                self._heard(key, content)
            case transport.DialFailed(key, where, reason):
                self.overlay.failed(key, where, reason)
            case transport.PeerDiscovered(key, addresses):
                self.overlay.found(key, addresses)
            case events.Submitted():
                self._submitted(event)
            case events.Asked(ticket, "seal", _):
                self.reactor.asked(ticket)
            case events.Asked(ticket, question, about):
                self._answers += self.queries.asked(ticket, question, about)
            case events.LedgerAnswered():
                self.reactor.assessed(event)
            case events.StateAnswered():
                self.state_sync.stated(event)
            case events.OutlookChanged(outlook):
                self._concluded(outlook)
            case events.Forgotten(ticket):
                self.queries.forget(ticket)
                self.reactor.requests.forget(ticket)
            case events.Woke():
                self._woke()
            case events.Committed():
                self._committed()
            case _:
                assert_never(event)
        return core.actions

    def reload(self, *, keeps: bool = True) -> None:
        """Start again from what the store holds, after a commit that failed. All links are gone.

        keeps: whether the disk takes changes; while it does not, nothing is written.
        What was to be done is not done, so it is asked for again.
        """
        self.core.keeps = keeps
        if keeps:
            row_repair.repair_rows(self.core.replica.store, self.core.replica.community)
        for peer in list(self.core.peers):
            self._left(peer)
        self.core.replica.reload()
        if self.reactor.outlook is not None:
            self.core.replica.decide(self.reactor.outlook.decided, keeps=keeps)
        self.overlay.reload()
        self.scrubber.reload()
        self.erasure.reload()
        self.reactor.reload()
        self.state_sync.reload()
        self.topics.reload()
        self._answers.clear()
        self._is_new = True

    # Links.

    def _begin(self) -> None:
        self._is_new = False
        self.topics.begin()
        self.signature_audit.begin()
        self.state_sync.started()

    def _connected(self, peer: PeerState) -> None:
        if peer.key in self.core.peers:
            self._left(peer.key)
        self.core.peers[peer.key] = peer
        self.overlay.joined(peer)
        if peer.outbound:
            self.handshake.greet(peer)

    def _left(self, key: PeerKey) -> None:
        peer = self.core.peers.pop(key, None)
        if peer is not None:
            self.reactor.left(peer.device)
        self.record_server.left(key)
        self.overlay.left(key)

    def _received(self, key: PeerKey, frame: bytes) -> None:
        core = self.core
        peer = core.peers.get(key)
        if peer is not None:
            self._hear(peer, frame)
        # Last, so that the next frame of one who was just admitted is no stranger's.
        core.do(Taken(key, len(frame)))

    def _hear(self, peer: PeerState, frame: bytes) -> None:
        core = self.core
        peer.heard_ms, peer.coming = core.now_ms, 0
        try:
            message = frame_codec.decode(frame)
            self._dispatch(peer, message)
        except StorageError:
            raise
        except CommonwealError as error:
            core.drop(peer, f"{type(error).__name__}: {error}")

    def _dispatch(self, peer: PeerState, message: messages.Message) -> None:
        if not self.core.keeps and isinstance(message, _TO_KEEP):
            return
        match message:
            case messages.Hello() if peer.trust is TrustLevel.STRANGER:
                if self.handshake.receive(peer, message):
                    self._admitted(peer)
            case messages.Bye(code, text):
                if peer.outbound or peer.is_member:
                    self.handshake.refusal = (code, text)
                self.core.drop(peer, f"refused us: {code}")
            case messages.Hello():
                self.core.out_of_place(peer)
            case _ if peer.is_member:
                self._member_says(peer, message)
            case _ if peer.trust is TrustLevel.GUEST:
                self._guest_says(peer, message)
            case _:
                self.core.out_of_place(peer)

    def _guest_says(self, peer: PeerState, message: messages.Message) -> None:
        match message:
            case messages.Runs():
                self._take(peer, message)
            case messages.Ping(number):
                self.core.send(peer, messages.Pong(number))
            case _ if not isinstance(message, _PASSED_OVER):
                self.core.out_of_place(peer)

    def _member_says(self, peer: PeerState, message: messages.Message) -> None:
        match message:
            case messages.Runs():
                self._take(peer, message)
            case messages.Have():
                self.push.confirmed(peer, message)
                self.push.fetch(peer)
            case messages.WantRecords():
                self.record_server.asked(peer, message)
            case messages.Compare():
                self.anti_entropy.asked(peer, message)
            case messages.Same():
                self.anti_entropy.same(peer, message)
                self.writer.introduce()  # before what he may write next
            case messages.Buckets():
                self.anti_entropy.buckets(peer, message)
            case messages.Entries():
                self.anti_entropy.entries(peer, message)
                self.push.fetch(peer)
            case messages.Evidence():
                self.ingest.evidence(peer, self.reactor.evidence(message))
            case messages.WantEvidence(()):
                self.reactor.gossip.tell_proofs(peer)
            case messages.WantEvidence():
                self.record_server.want_evidence(peer, message)
            case messages.WantBranch():
                self.record_server.want_branch(peer, message)
            case messages.Branch():
                self.ingest.branch(peer, message)
            case messages.WantBodies():
                self.record_server.want_bodies(peer, message)
            case messages.BodyChunk():
                self.blobs.part(peer, message)
            case messages.Addresses():
                self.overlay.told(peer, message)
            case messages.Ping(number):
                self.core.send(peer, messages.Pong(number))
            case messages.Pong(number):
                self.writer.rollback.answered(peer, number)
            case messages.Hello() | messages.Bye():
                pass  # they were taken before
            case state_sync.WantState() | state_sync.StatePart():
                self.state_sync.receive(peer, message)
            case _:
                if self.reactor.receive(peer, message):
                    self.state_sync.tick()
                    self.push.fetch(peer)

    def _take(self, peer: PeerState, message: messages.Runs) -> None:
        """Take in records, and say afterwards what of them is kept."""
        self.scrubber.mend(message.runs)
        self.writer.rollback.look(peer, message.runs)
        deciding = self.core.replica.deciding
        self.ingest.runs(peer, message)
        if self.core.replica.deciding != deciding:
            self._membership_changed()
        if peer.key not in self.core.peers:
            return
        for run in message.runs:
            row = self.core.replica.row(run.author)
            peer.acks[run.author] = row.length
            if row.length > row.checked:
                self.signature_audit.add(run.author)
        if message.asked and message.remaining == 0:
            self.push.fetched(peer)
            self.writer.introduce()

    def _admitted(self, peer: PeerState) -> None:
        """Begin to replicate with a member; a newcomer shows his request first."""
        core = self.core
        if core.replica.is_member(core.me.device):
            self.overlay.tell(peer)
        self._show_request(peer)
        self.reactor.met(peer)
        if peer.outbound:
            self.anti_entropy.begin(peer)

    def _show_request(self, peer: PeerState) -> None:
        """As a newcomer, send our own log: nobody fetches it from us."""
        core = self.core
        own = core.replica.row(core.me.device)
        if own.length and not core.replica.is_member(core.me.device):
            wires = core.replica.sound_wires(core.me.device, 0, own.length, messages.RUNS_BYTES_AIM)
            run = self.record_server.closed(core.me.device, 0, wires)
            core.send(peer, messages.Runs((run,) if run else (), 0, asked=False))

    def _membership_changed(self) -> None:
        """Say our name, admit guests who became members."""
        self.writer.introduce()
        for peer in self.handshake.promote():
            self.overlay.tell(peer)
            self.reactor.chain_sync.tell(peer)
            self.anti_entropy.begin(peer)
        is_member = self.core.replica.is_member(self.core.me.device)
        if is_member and not self._was_member:
            for peer in self.core.members():
                self.overlay.tell(peer)
        self._was_member = is_member

    def _heard(self, key: PeerKey, content: object) -> None:
        peer = self.core.peers.get(key)
        if peer is not None and peer.is_member:
            deciding = self.core.replica.deciding
            self.topics.heard(peer, content)
            if self.core.replica.deciding != deciding:
                self._membership_changed()

    # Our own member.

    def _submitted(self, event: events.Submitted) -> None:
        try:
            written = self.writer.submit(event.wishes)
        except StorageError:
            raise
        except CommonwealError as error:
            self._answers.append(Answer(event.ticket, error))
            return
        if any(wish.kind not in BULK_KINDS for wish in event.wishes):
            self._membership_changed()
        self.erasure.erase(written)
        records = [{"id": one.id, "seq": one.seq} for one in written]
        self._answers.append(Answer(event.ticket, {"records": records}))

    def _concluded(self, outlook: ConsensusView) -> None:
        """Take in what the last seal decided: links of removed members end."""
        replica = self.core.replica
        replica.basis, replica.ruleset = RecordId(outlook.seal), outlook.ruleset
        replica.decide(outlook.decided, keeps=self.core.keeps)
        replica.quota.budget, replica.quota.shares = outlook.budget, outlook.shares
        replica.learn(outlook.waiting, outlook.joining)
        for peer in self.core.members():
            if peer.device is not None and replica.is_removed(peer.device):
                self.core.drop(peer, "its member was removed")
                self._left(peer.key)
        self._membership_changed()
        self.reactor.concluded(outlook)
        self.state_sync.tick()

    # Time.

    def _committed(self) -> None:
        grown = self.push.spread()
        if grown:
            self.reactor.grown()
        self.topics.grown(grown)
        self._answers += self.queries.confirmed()
        for answer in self._answers:
            self.core.do(answer)
        self._answers = []
        due_ms = self.reactor.due_ms
        if due_ms is not None and due_ms < self._wake_ms:
            self._wake(due_ms)

    def _woke(self) -> None:
        core = self.core
        if self._is_new:
            self._begin()
        is_auditing = self.signature_audit.step()
        self.topics.due()
        self.reactor.woke()
        if core.now_ms >= self._tick_ms:
            self._tick_ms = core.now_ms + TICK_MS
            self._tick()
        pause_ms = AUDIT_PAUSE_MS if is_auditing else TICK_MS
        announce_ms, seal_ms = self.topics.announcements.due_ms, self.reactor.due_ms
        due = (self._tick_ms, core.now_ms + pause_ms, announce_ms, seal_ms)
        self._wake(min(at_ms for at_ms in due if at_ms))

    def _wake(self, at_ms: int) -> None:
        self._wake_ms = max(at_ms, self.core.now_ms + 1)
        self.core.do(Wake(self._wake_ms))

    def _tick(self) -> None:
        core = self.core
        self.overlay.keep_alive()
        self.overlay.dial()
        self.push.give_up()
        self.writer.rollback.ask()
        if core.keeps:
            self.scrubber.step()
            self.erasure.step()
        core.replica.follow()
        self._membership_changed()
        self.reactor.tick()
        self.state_sync.tick()
        for peer in core.members():
            self.push.fetch(peer)
            self.push.restored(peer)
            if peer.compare_ms == 0:
                self._compare(peer)
        if core.now_ms - self._compared_ms >= COMPARE_MS:
            self._compared_ms = core.now_ms
            members = core.members()
            chosen = core.rng.choice(members) if members else None
            if chosen is not None:
                self._compare(chosen)
                self.reactor.chain_sync.tell(chosen)
                self._show_request(chosen)
                if not core.rng.randrange(ADDRESSES_ONE_IN):
                    self.overlay.tell(chosen)
            if chosen is not None and chosen.compared:
                self.blobs.want_lost(chosen, self.scrubber.documents())
                self.scrubber.ask(chosen)

    def _compare(self, peer: PeerState) -> None:
        if self.core.now_ms - peer.compare_ms >= COMPARE_SOON_MS:
            self.anti_entropy.begin(peer)
