"""The service decides what a node does, and does none of it.

`Service.handle` takes one event and the time, changes the store, and returns the actions to
perform. It never awaits, sleeps, sends, or reads a clock, so the trio runtime and the simulator
drive the same code. The driver handles a batch of events, commits the store, hands in
`Committed`, and only then performs the actions of the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from commonweal.node import transport
from commonweal.node.service import events
from commonweal.node.service.events import Action, Answer, Event, Wake
from commonweal.node.service.frames import FrameRouter
from commonweal.node.service.parts import Parts
from commonweal.node.service.peer import Identity, PeerState
from commonweal.node.service.upkeep.signatures import AUDIT_PAUSE_MS
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.records.logs import row_repair
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import BULK_KINDS
from commonweal.storage.records.once_store import KeyedRequest

if TYPE_CHECKING:
    from random import Random

    from commonweal.storage.consensus.view import ConsensusView

TICK_MS = 1_000
COMPARE_MS = 4_000
"""How often a node compares with one random member, to find what was lost."""
ADDRESSES_ONE_IN = 5
"""In one of this many comparisons, addresses are told again, for peers they reached too early."""


class Service(Parts):
    """The state machine of one node."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        identity: Identity,
        rng: Random,
        invite: Invite | None = None,
    ) -> None:
        super().__init__(store, community, identity, rng, invite)
        self.frames = FrameRouter(self)
        self._answers: list[Answer] = []
        self._is_new = True
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
            case transport.Listening(addresses):
                self.overlay.listens(addresses)
            case transport.Connected(key, where, outbound):
                self._connected(PeerState(key, where, outbound, now_ms, now_ms))
            case transport.Disconnected(key, reason, by_us):
                peer = core.peers.get(key)
                if peer is not None:
                    core.ended(peer, reason, by_us=by_us)
                self.left(key)
            case transport.FrameReceived(key, frame):
                self.frames.received(key, frame)
            case transport.FrameProgress(key, size):
                self.frames.coming(key, size)
            case transport.GossipReceived(key, _, _, content):
                self.frames.gossiped(key, content)
            case transport.DialFailed(key, where, reason, more):
                self.overlay.failed(key, where, reason, more=more)
            case transport.PeerDiscovered(key, addresses):
                self.overlay.found(key, addresses)
            case events.Submitted():
                self._submitted(event)
            case events.Asked(ticket, "seal", _):
                self.reactor.asked(ticket)
            case events.Asked(ticket, "watch", about):
                self._answers += self.change_feed.asked(ticket, about)
            case events.Asked(ticket, "fetch-record", about):
                self._answers += self.record_lookup.asked(ticket, about)
            case events.Asked(ticket, question, about):
                self._answers += self.queries.asked(ticket, question, about)
            case events.LedgerAnswered():
                self.reactor.assessed(event)
            case events.StateAnswered():
                self.state_sync.stated(event)
            case events.OutlookChanged(outlook):
                self._concluded(outlook)
            case events.ReleaseDue():
                self.releases.write(event)
            case events.Forgotten(ticket):
                self.queries.forget(ticket)
                self.change_feed.forget(ticket)
                self.record_lookup.forget(ticket)
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

        keeps: whether the disk takes changes; while it does not, nothing is written. Actions
        that were not performed are lost, so their causes are asked for again.
        """
        replica = self.core.replica
        self.core.keeps = keeps
        if keeps:
            row_repair.repair_rows(replica.store, replica.community)
        for key in list(self.core.peers):
            self.left(key)
        replica.reload()
        if self.reactor.outlook is not None:
            replica.decide(self.reactor.outlook.decided, keeps=keeps)
        self.reload_parts()
        self._answers.clear()
        self._is_new = True

    # Links and our own member.

    def _connected(self, peer: PeerState) -> None:
        if peer.key in self.core.peers:
            self.left(peer.key)
        self.core.peers[peer.key] = peer
        self.overlay.joined(peer)
        if peer.outbound:
            self.handshake.greet(peer)

    def _submitted(self, event: events.Submitted) -> None:
        store, now_ms, once = self.core.replica.store, self.core.now_ms, event.once
        try:
            earlier = store.keyed_request(once.key, once.request) if once else None
            if earlier is not None:
                records = [{"id": id, "seq": earlier.seq + n} for n, id in enumerate(earlier.ids)]
                self._answers.append(Answer(event.ticket, {"records": records}))
                return
            if once is not None:
                store.make_room_for_key(now_ms)
            written = self.writer.submit(event.wishes)
        except StorageError:
            raise
        except CommonwealError as error:
            self._answers.append(Answer(event.ticket, error))
            return
        if once is not None:
            ids = tuple(record.id for record in written)
            made = KeyedRequest(once.key, once.request, written[0].seq, ids)
            store.put_keyed_request(made, now_ms)
        if any(wish.kind not in BULK_KINDS for wish in event.wishes):
            self.frames.membership_changed()
        self.erasure.erase(written)
        records = [{"id": record.id, "seq": record.seq} for record in written]
        self._answers.append(Answer(event.ticket, {"records": records}))

    def _concluded(self, outlook: ConsensusView) -> None:
        """Take in what the last seal decided; end the links of removed members."""
        replica = self.core.replica
        replica.basis, replica.ruleset = RecordId(outlook.seal), outlook.ruleset
        replica.decide(outlook.decided, keeps=self.core.keeps)
        replica.quota.budget, replica.quota.shares = outlook.budget, outlook.shares
        replica.quota.is_roomy = outlook.is_roomy
        replica.learn(outlook.waiting, outlook.joining)
        self.retention.folded, self.retention.is_audited = outlook.height, outlook.is_audited
        for peer in self.core.members():
            if peer.device is not None and replica.is_removed(peer.device):
                self.core.drop(peer, "its member was removed")
                self.left(peer.key)
        self.frames.membership_changed()
        self.reviews.concluded(outlook)
        self.blobs.want_documents(outlook.missing_documents)
        self.reactor.concluded(outlook)
        self.state_sync.tick()

    # Time.

    def _committed(self) -> None:
        grown = self.push.spread()
        if grown:
            self.reactor.grown()
        self.topics.grown(grown)
        self._answers += self.queries.confirmed() + self.change_feed.committed()
        self._answers += self.record_lookup.answered()
        for answer in self._answers:
            self.core.do(answer)
        self._answers = []
        for due_ms in (self.reactor.due_ms, self.change_feed.due_ms):
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

    def _begin(self) -> None:
        self._is_new = False
        self.topics.begin()
        self.signature_audit.begin()
        self.state_sync.started()

    def _wake(self, at_ms: int) -> None:
        self._wake_ms = max(at_ms, self.core.now_ms + 1)
        self.core.do(Wake(self._wake_ms))

    def _tick(self) -> None:
        core = self.core
        self.overlay.keep_alive()
        self.overlay.dial()
        self.fetch.give_up()
        self.record_lookup.tick()
        self.blobs.tick()
        self.writer.rollback.ask()
        if core.keeps:
            self.scrubber.step()
            self.erasure.step()
            self.retention.step()
            self.refill.step()
            self.reviews.step()
        core.replica.follow()
        self.frames.membership_changed()
        self.reactor.tick()
        self.state_sync.tick()
        for peer in core.members():
            self.fetch.ask(peer)
            self.fetch.restored(peer)
            if self.anti_entropy.is_requested(peer):
                self.anti_entropy.begin_soon(peer)
        if core.now_ms - self._compared_ms >= COMPARE_MS:
            self._compared_ms = core.now_ms
            self._compare_with_one()

    def _compare_with_one(self) -> None:
        """Compare with a random member, and ask it for what the disk lost."""
        members, rng = self.core.members(), self.core.rng
        if not members:
            return
        peer = rng.choice(members)
        self.anti_entropy.begin_soon(peer)
        self.reactor.chain_sync.tell(peer)
        self.frames.show_request(peer)
        if not rng.randrange(ADDRESSES_ONE_IN):
            self.overlay.tell(peer)
        if peer.compared:
            self.blobs.want_lost(peer, self.scrubber.documents())
            self.scrubber.ask(peer)
            self.reactor.chain_sync.ask_damaged(peer)
