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
from commonweal.node.service.consensus.reactor import Sealing
from commonweal.node.service.consensus.state_sync import Arriving
from commonweal.node.service.events import Action, Answer, Event, Taken, Wake
from commonweal.node.service.peer import Desk, Identity, Session, Standing
from commonweal.node.service.peers.handshake import Gate
from commonweal.node.service.peers.overlay import Peering
from commonweal.node.service.queries import Reporting
from commonweal.node.service.replica import BULK_KINDS, Replica
from commonweal.node.service.sync.anti_entropy import Comparing
from commonweal.node.service.sync.blobs import Bodies
from commonweal.node.service.sync.ingest import Intake
from commonweal.node.service.sync.push import Live
from commonweal.node.service.sync.serve import Serving
from commonweal.node.service.topics import Topics
from commonweal.node.service.upkeep.erasure import Erasing
from commonweal.node.service.upkeep.scrub import Scrubbing
from commonweal.node.service.upkeep.signatures import AUDIT_PAUSE_MS, Auditing
from commonweal.node.service.writer import Authoring
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.wire import messages, seals, state_sync
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
    messages.Compare,
    messages.Have,
    messages.Pong,
    messages.Addresses,
    HeightStatus,
    WantSeals,
)
_TO_KEEP = (
    messages.Runs,
    messages.Evidence,
    messages.Branch,
    messages.BodyChunk,
    seals.Seals,
    seals.ConsensusMessage,
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
        self.desk = Desk(Replica(store, community), identity, rng)
        self.comparing = Comparing(self.desk)
        self.serving = Serving(self.desk)
        self.sealing = Sealing(self.desk, self.comparing)
        self.arriving = Arriving(self.desk, self.sealing)
        self.live = Live(self.desk, self.serving, self.sealing.following)
        self.bodies = Bodies(self.desk)
        self.intake = Intake(self.desk, self.comparing, self.sealing.following, self.bodies)
        self.auditing = Auditing(self.desk, self.intake)
        self.gate = Gate(self.desk, invite)
        self.scrubbing = Scrubbing(self.desk)
        self.erasing = Erasing(self.desk)
        self.peering = Peering(self.desk)
        self.authoring = Authoring(self.desk)
        self.topics = Topics(self.desk, self.intake, self.sealing, self._compare)
        self.reporting = Reporting(self.desk, self.gate, self.peering, self.scrubbing, self.sealing)
        self._answers: list[Answer] = []
        self._is_new = True
        self._was_member = False
        self._tick_ms = 0
        self._wake_ms = 0
        self._compared_ms = 0

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Take in `event` and return what to do about it, in order."""
        desk = self.desk
        desk.tell_time(now_ms)
        desk.actions = []
        match event:
            case events.Started():
                self._woke()
            case events.Listening(addresses):
                self.peering.listens(addresses)
            case transport.Connected(peer, where, outbound):
                self._connected(Session(peer, where, outbound, now_ms, now_ms))
            case transport.Disconnected(peer, reason, by_us):
                session = desk.sessions.get(peer)
                if session is not None:
                    desk.ended(session, reason, by_us=by_us)
                self._left(peer)
            case transport.FrameReceived(peer, frame):
                self._received(peer, frame)
            case transport.FrameProgress(peer, size):
                self.peering.coming(peer, size)
            case transport.GossipReceived(peer, _, _, content):
                self._heard(peer, content)
            case transport.DialFailed(peer, where, reason):
                self.peering.failed(peer, where, reason)
            case transport.PeerDiscovered(peer, addresses):
                self.peering.found(peer, addresses)
            case events.Submitted():
                self._submitted(event)
            case events.Asked(ticket, "seal", _):
                self.sealing.asked(ticket)
            case events.Asked(ticket, question, about):
                self._answers += self.reporting.asked(ticket, question, about)
            case events.Assessed():
                self.sealing.assessed(event)
            case events.Stated():
                self.arriving.stated(event)
            case events.Concluded(outlook):
                self._concluded(outlook)
            case events.Forgotten(ticket):
                self.reporting.forget(ticket)
                self.sealing.asking.forget(ticket)
            case events.Woke():
                self._woke()
            case events.Committed():
                self._committed()
            case _:
                assert_never(event)
        return desk.actions

    def reload(self, *, keeps: bool = True) -> None:
        """Start again from what the store holds, after a commit that failed. All links are gone.

        keeps: whether the disk takes changes; while it does not, nothing is written.
        What was to be done is not done, so it is asked for again.
        """
        self.desk.keeps = keeps
        if keeps:
            row_repair.repair_rows(self.desk.replica.store, self.desk.replica.community)
        for peer in list(self.desk.sessions):
            self._left(peer)
        self.desk.replica.reload()
        if self.sealing.outlook is not None:
            self.desk.replica.decide(self.sealing.outlook.decided, keeps=keeps)
        for part in (
            self.peering,
            self.scrubbing,
            self.erasing,
            self.sealing,
            self.arriving,
            self.topics,
        ):
            part.reload()
        self._answers.clear()
        self._is_new = True

    # Links.

    def _begin(self) -> None:
        self._is_new = False
        self.topics.begin()
        self.auditing.begin()
        self.arriving.started()

    def _connected(self, session: Session) -> None:
        if session.peer in self.desk.sessions:
            self._left(session.peer)
        self.desk.sessions[session.peer] = session
        self.peering.joined(session)
        if session.outbound:
            self.gate.greet(session)

    def _left(self, peer: PeerKey) -> None:
        session = self.desk.sessions.pop(peer, None)
        if session is not None:
            self.sealing.left(session.device)
        self.serving.left(peer)
        self.peering.left(peer)

    def _received(self, peer: PeerKey, frame: bytes) -> None:
        desk = self.desk
        session = desk.sessions.get(peer)
        if session is not None:
            self._hear(session, frame)
        # Last, so that the next frame of one who was just admitted is no stranger's.
        desk.do(Taken(peer, len(frame)))

    def _hear(self, session: Session, frame: bytes) -> None:
        desk = self.desk
        session.heard_ms, session.coming = desk.now_ms, 0
        try:
            message = messages.decode(frame)
            self._dispatch(session, message)
        except StorageError:
            raise
        except CommonwealError as error:
            desk.drop(session, f"{type(error).__name__}: {error}")

    def _dispatch(self, session: Session, message: messages.Message) -> None:
        if not self.desk.keeps and isinstance(message, _TO_KEEP):
            return
        match message:
            case messages.Hello() if session.standing is Standing.STRANGER:
                if self.gate.receive(session, message):
                    self._admitted(session)
            case messages.Bye(code, text):
                if session.outbound or session.is_member:
                    self.gate.refusal = (code, text)
                self.desk.drop(session, f"refused us: {code}")
            case messages.Hello():
                self.desk.out_of_place(session)
            case _ if session.is_member:
                self._member_says(session, message)
            case _ if session.standing is Standing.GUEST:
                self._guest_says(session, message)
            case _:
                self.desk.out_of_place(session)

    def _guest_says(self, session: Session, message: messages.Message) -> None:
        match message:
            case messages.Runs():
                self._take(session, message)
            case messages.Ping(number):
                self.desk.send(session, messages.Pong(number))
            case _ if not isinstance(message, _PASSED_OVER):
                self.desk.out_of_place(session)

    def _member_says(self, session: Session, message: messages.Message) -> None:
        match message:
            case messages.Runs():
                self._take(session, message)
            case messages.Have():
                self.live.confirmed(session, message)
                self.live.fetch(session)
            case messages.WantRecords():
                self.serving.asked(session, message)
            case messages.Compare():
                self.comparing.asked(session, message)
            case messages.Same():
                self.comparing.same(session, message)
                self.authoring.introduce()  # before what he may write next
            case messages.Buckets():
                self.comparing.buckets(session, message)
            case messages.Entries():
                self.comparing.entries(session, message)
                self.live.fetch(session)
            case messages.Evidence():
                self.intake.evidence(session, self.sealing.evidence(message))
            case messages.WantEvidence(()):
                self.sealing.voices.tell_proofs(session)
            case messages.WantEvidence():
                self.serving.want_evidence(session, message)
            case messages.WantBranch():
                self.serving.want_branch(session, message)
            case messages.Branch():
                self.intake.branch(session, message)
            case messages.WantBodies():
                self.serving.want_bodies(session, message)
            case messages.BodyChunk():
                self.bodies.part(session, message)
            case messages.Addresses():
                self.peering.told(session, message)
            case messages.Ping(number):
                self.desk.send(session, messages.Pong(number))
            case messages.Pong(number):
                self.authoring.claims.answered(session, number)
            case messages.Hello() | messages.Bye():
                pass  # they were taken before
            case state_sync.WantState() | state_sync.StatePart():
                self.arriving.receive(session, message)
            case _:
                if self.sealing.receive(session, message):
                    self.arriving.tick()
                    self.live.fetch(session)

    def _take(self, session: Session, message: messages.Runs) -> None:
        """Take in records, and say afterwards what of them is kept."""
        self.scrubbing.mend(message.runs)
        self.authoring.claims.look(session, message.runs)
        deciding = self.desk.replica.deciding
        self.intake.runs(session, message)
        if self.desk.replica.deciding != deciding:
            self._membership_changed()
        if session.peer not in self.desk.sessions:
            return
        for run in message.runs:
            row = self.desk.replica.row(run.author)
            session.acks[run.author] = row.length
            if row.length > row.checked:
                self.auditing.add(run.author)
        if message.asked and message.remaining == 0:
            self.live.fetched(session)
            self.authoring.introduce()

    def _admitted(self, session: Session) -> None:
        """Begin to replicate with a member; a newcomer shows his request first."""
        desk = self.desk
        if desk.replica.is_member(desk.me.device):
            self.peering.tell(session)
        self._show_request(session)
        self.sealing.met(session)
        if session.outbound:
            self.comparing.begin(session)

    def _show_request(self, session: Session) -> None:
        """As a newcomer, send our own log: nobody fetches it from us."""
        desk = self.desk
        own = desk.replica.row(desk.me.device)
        if own.length and not desk.replica.is_member(desk.me.device):
            wires = desk.replica.sound_wires(desk.me.device, 0, own.length, messages.RUNS_BYTES_AIM)
            run = self.serving.closed(desk.me.device, 0, wires)
            desk.send(session, messages.Runs((run,) if run else (), 0, asked=False))

    def _membership_changed(self) -> None:
        """Say our name, admit guests who became members."""
        self.authoring.introduce()
        for session in self.gate.promote():
            self.peering.tell(session)
            self.sealing.following.tell(session)
            self.comparing.begin(session)
        is_member = self.desk.replica.is_member(self.desk.me.device)
        if is_member and not self._was_member:
            for session in self.desk.members():
                self.peering.tell(session)
        self._was_member = is_member

    def _heard(self, peer: PeerKey, content: object) -> None:
        session = self.desk.sessions.get(peer)
        if session is not None and session.is_member:
            deciding = self.desk.replica.deciding
            self.topics.heard(session, content)
            if self.desk.replica.deciding != deciding:
                self._membership_changed()

    # Our own member.

    def _submitted(self, event: events.Submitted) -> None:
        try:
            written = self.authoring.submit(event.wishes)
        except StorageError:
            raise
        except CommonwealError as error:
            self._answers.append(Answer(event.ticket, error))
            return
        if any(wish.kind not in BULK_KINDS for wish in event.wishes):
            self._membership_changed()
        self.erasing.erase(written)
        records = [{"id": one.id, "seq": one.seq} for one in written]
        self._answers.append(Answer(event.ticket, {"records": records}))

    def _concluded(self, outlook: ConsensusView) -> None:
        """Take in what the last seal decided: links of removed members end."""
        replica = self.desk.replica
        replica.basis, replica.ruleset = RecordId(outlook.seal), outlook.ruleset
        replica.decide(outlook.decided, keeps=self.desk.keeps)
        replica.room.budget, replica.room.shares = outlook.budget, outlook.shares
        replica.learn(outlook.waiting, outlook.joining)
        for session in self.desk.members():
            if session.device is not None and replica.is_removed(session.device):
                self.desk.drop(session, "its member was removed")
                self._left(session.peer)
        self._membership_changed()
        self.sealing.concluded(outlook)
        self.arriving.tick()

    # Time.

    def _committed(self) -> None:
        grown = self.live.spread()
        if grown:
            self.sealing.grown()
        self.topics.grown(grown)
        self._answers += self.reporting.confirmed()
        for answer in self._answers:
            self.desk.do(answer)
        self._answers = []
        due_ms = self.sealing.due_ms
        if due_ms is not None and due_ms < self._wake_ms:
            self._wake(due_ms)

    def _woke(self) -> None:
        desk = self.desk
        if self._is_new:
            self._begin()
        is_auditing = self.auditing.step()
        self.topics.due()
        self.sealing.woke()
        if desk.now_ms >= self._tick_ms:
            self._tick_ms = desk.now_ms + TICK_MS
            self._tick()
        pause_ms = AUDIT_PAUSE_MS if is_auditing else TICK_MS
        due = (self._tick_ms, desk.now_ms + pause_ms, self.topics.heads.due_ms, self.sealing.due_ms)
        self._wake(min(at_ms for at_ms in due if at_ms))

    def _wake(self, at_ms: int) -> None:
        self._wake_ms = max(at_ms, self.desk.now_ms + 1)
        self.desk.do(Wake(self._wake_ms))

    def _tick(self) -> None:
        desk = self.desk
        self.peering.keep_alive()
        self.peering.dial()
        self.live.give_up()
        self.authoring.claims.ask()
        if desk.keeps:
            self.scrubbing.step()
            self.erasing.step()
        desk.replica.follow()
        self._membership_changed()
        self.sealing.tick()
        self.arriving.tick()
        for session in desk.members():
            self.live.fetch(session)
            self.live.restored(session)
            if session.compare_ms == 0:
                self._compare(session)
        if desk.now_ms - self._compared_ms >= COMPARE_MS:
            self._compared_ms = desk.now_ms
            members = desk.members()
            chosen = desk.rng.choice(members) if members else None
            if chosen is not None:
                self._compare(chosen)
                self.sealing.following.tell(chosen)
                self._show_request(chosen)
                if not desk.rng.randrange(ADDRESSES_ONE_IN):
                    self.peering.tell(chosen)
            if chosen is not None and chosen.compared:
                self.bodies.want_lost(chosen, self.scrubbing.documents())
                self.scrubbing.ask(chosen)

    def _compare(self, session: Session) -> None:
        if self.desk.now_ms - session.compare_ms >= COMPARE_SOON_MS:
            self.comparing.begin(session)
